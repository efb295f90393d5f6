"""``defectflow pairs``: which pairs a cell holds, and what each stands for."""

from __future__ import annotations

import typer

from defectflow.cli.shared import AsJson, RecipeFile, console, print_json


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command()(pairs)


def pairs(recipe: RecipeFile, as_json: AsJson = False) -> None:
    """Audit the symmetry-distinct pairs of a recipe: distances, partner sites, images z, aliased shells."""
    from defectflow.export.tables import audit_table, orbit_row
    from defectflow.schema import load_recipe
    from defectflow.schema.recipe_file import named_by
    from defectflow.structures import pair_audit

    with named_by(recipe):
        orbits = pair_audit(load_recipe(recipe))
    if as_json:
        print_json({"pairs": [orbit_row(o) for o in orbits]})
        return
    console().print(audit_table(orbits))
    print("sites: partner sites of the first dopant; z: equally near images of the second.")
    print("Shells are those of the infinite sublattice; an aliased shell is seen by the same energy difference.")
