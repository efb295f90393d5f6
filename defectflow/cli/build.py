"""``defectflow build``: the cells of a recipe as structure files."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from defectflow.cli.shared import RecipeFile


class Format(StrEnum):
    """File formats that hold a structure with its moments."""

    extxyz = "extxyz"
    vasp = "vasp"
    mcif = "mcif"


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command()(build)


def build(
    recipe: RecipeFile,
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder to write into.", show_default=False)],
    file_format: Annotated[Format, typer.Option("--format", help="File format.")] = Format.extxyz,
) -> None:
    """Write every pair in every spin state, moments included (for VASP as a MAGMOM line beside the POSCAR)."""
    from defectflow.export.structures import write_structures
    from defectflow.schema import load_recipe
    from defectflow.schema.recipe_file import named_by

    with named_by(recipe):
        written = write_structures(load_recipe(recipe), output, file_format.value)
    for path in written:
        print(path)
