"""``defectflow inputs``: the input files of all jobs of a recipe."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from defectflow.cli.shared import RecipeFile, SiteName


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command()(inputs)


def inputs(
    recipe: RecipeFile,
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder to write into.", show_default=False)],
    engine: Annotated[str, typer.Option("--engine", help="Code that reads them.")] = "vasp",
    site: SiteName = None,
) -> None:
    """Write the inputs of every pair (or junction), spin state and stage; equal recipes give equal bytes.

    With a site: a run folder, and in it a job script beside the inputs of every job that can be sent now.
    """
    if site is not None:
        _with_scripts(recipe, output, engine, site)
    from defectflow.export.job_inputs import write_inputs
    from defectflow.schema.kinds import load_any
    from defectflow.schema.recipe_file import named_by

    with named_by(recipe):
        folders = write_inputs(load_any(recipe), output, engine)
    for folder in folders:
        print(folder)
    if any(folder.name == "relax" for folder in folders):
        print("static and dos hold the geometry before the relaxation: copy CONTCAR and CHGCAR, or use: defectflow run")
    if engine == "vasp" and not (folders[0] / "POTCAR").is_file():
        from defectflow.engines.vasp.potcar import SETUP

        print(f"POTCAR.spec instead of POTCAR: no POTCAR library is set up; {SETUP}")


def _with_scripts(recipe: Path, output: Path, engine: str, site: str) -> None:
    from defectflow.cli.collect import show
    from defectflow.engines import get_engine
    from defectflow.run import create_study
    from defectflow.run.cluster import check_site, keep_site
    from defectflow.run.hand import collect_by_hand
    from defectflow.schema.site import load_site

    check_site(load_site(site), engine, output, sends=False)
    study = create_study(output, recipe, engine)
    show(collect_by_hand(study, get_engine(engine), keep_site(study.folder, site)), as_json=False)
