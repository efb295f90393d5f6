"""``defectflow inputs``: the input files of all jobs of a recipe."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from defectflow.cli.shared import RecipeFile


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command()(inputs)


def inputs(
    recipe: RecipeFile,
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder to write into.", show_default=False)],
    engine: Annotated[str, typer.Option("--engine", help="Code that reads them.")] = "vasp",
) -> None:
    """Write the inputs of every pair (or junction), spin state and stage; equal recipes give equal bytes."""
    from defectflow.export.job_inputs import write_inputs
    from defectflow.schema.junction import load_any

    folders = write_inputs(load_any(recipe), output, engine)
    for folder in folders:
        print(folder)
    if any(folder.name == "relax" for folder in folders):
        print("static and dos hold the geometry before the relaxation: copy CONTCAR and CHGCAR, or use: defectflow run")
    if engine == "vasp" and not (folders[0] / "POTCAR").is_file():
        from defectflow.engines.vasp.potcar import SETUP

        print(f"POTCAR.spec instead of POTCAR: no POTCAR library is set up; {SETUP}")
