"""``defectflow cells``: the smallest cells in which a pair is what it seems."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from defectflow.cli.shared import AsJson, HostName, Sublattice, named_host, print_json

if TYPE_CHECKING:
    from defectflow.schema.cell import Cell
    from defectflow.structures.cells import CellProposal


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command()(cells)


def cells(
    recipe: Annotated[
        Path | None, typer.Argument(metavar="[RECIPE]", help="Recipe file, for host and sublattice.")
    ] = None,
    shell: Annotated[int | None, typer.Option(min=1, max=200, help="Shell of the infinite sublattice.")] = None,
    distance: Annotated[float | None, typer.Option(min=0.1, max=50, help="Length of the pair (A).")] = None,
    vector: Annotated[str | None, typer.Option(help='The pair over a: "1.5,0.5,0".', show_default=False)] = None,
    host: HostName = "MgO",
    sublattice: Sublattice = None,
    images: Annotated[int, typer.Option(min=1, help="Largest number z of equally near images.")] = 1,
    isolation: Annotated[
        float, typer.Option(min=1, max=5, help="All other images are farther than this times the pair's length.")
    ] = 1.0,
    most_atoms: Annotated[int, typer.Option(min=1, max=1000, help="Largest cell.")] = 250,
    number: Annotated[int, typer.Option("-n", "--number", min=1, max=20, help="How many to propose.")] = 3,
    as_json: AsJson = False,
) -> None:
    """Propose the smallest cells in which a pair is not aliased and stays away from its images."""
    from defectflow.structures.cells import Wanted, propose_cells

    crystal, element = _host(recipe, host, sublattice)
    wanted = Wanted(shell, distance, _triple(vector), images, isolation, most_atoms)
    rows = [_row(c) for c in propose_cells(crystal, element, wanted, number)]
    if as_json:
        print_json({"cells": rows})
        return
    for row in rows:
        matrix = ", ".join(f"[{', '.join(map(str, r))}]" for r in row["matrix"])
        print(f"{row['atoms']} atoms: matrix = [{matrix}]")
        seen = ", ".join(map(str, row["aliased_shells"])) or "none"
        print(f"  pair {row['label']}, {row['distance']:.3f} A, z = {row['images']}, aliased shells: {seen}")
        print(f"  own image {row['shortest_image']:.3f} A, next image of the pair {row['next_image']:.3f} A")


def _host(recipe: Path | None, host: str, sublattice: str | None) -> tuple[Cell, str]:
    from defectflow.errors import RecipeError
    from defectflow.schema import Recipe
    from defectflow.schema.convergence import ConvergenceRecipe
    from defectflow.schema.junction import JunctionRecipe
    from defectflow.schema.kinds import load_any
    from defectflow.structures.prototypes import anion, host_cell

    if recipe is None:
        crystal = host_cell(named_host(host))
        return crystal, sublattice or anion(crystal)
    loaded = load_any(recipe)
    if isinstance(loaded, ConvergenceRecipe):
        loaded = loaded.base
    if isinstance(loaded, JunctionRecipe):
        raise RecipeError("is the recipe of a junction, which has no supercell", where=str(recipe))
    crystal = host_cell(loaded.host)
    own = loaded.pairs.sublattice if isinstance(loaded, Recipe) else anion(crystal)
    return crystal, sublattice or own


def _triple(text: str | None) -> tuple[float, float, float] | None:
    from defectflow.errors import StructureError

    if text is None:
        return None
    try:
        x, y, z = (float(word) for word in text.split(","))
    except ValueError:
        raise StructureError(f'"{text}" is no vector', where="--vector", todo='write "1.5,0.5,0"') from None
    if not 0 < x * x + y * y + z * z < 400:
        raise StructureError("the vector is zero, or longer than 20 lattice constants", where="--vector")
    return x, y, z


def _row(cell: CellProposal) -> dict[str, Any]:
    from defectflow.export.tables import orbit_row

    own = {k: getattr(cell, k) for k in ("atoms", "shortest_image", "next_image")}
    return {"matrix": [list(r) for r in cell.matrix], **own, **orbit_row(cell.orbit)}
