"""Jobs of a junction: the bulk of its oxide, then the junction in every state."""

from __future__ import annotations

from dataclasses import replace

from defectflow.inputs.pairs import bulk_jobs
from defectflow.schema import Job
from defectflow.schema.junction import JunctionRecipe
from defectflow.schema.layers import ThinRelaxation
from defectflow.structures.junction import build_junction


def junction_jobs(recipe: JunctionRecipe) -> tuple[Job, ...]:
    """Jobs of a junction; states are projected on all atoms, for the DOS of every layer."""
    bulk = build_junction(recipe, recipe.states[0]).bulk
    reference = bulk_jobs(bulk, recipe.settings, recipe.bulk, tuple(range(len(bulk))))
    return (*reference, *[job for state in recipe.states for job in _state_jobs(recipe, state)])


def _state_jobs(recipe: JunctionRecipe, state: str) -> list[Job]:
    thick = build_junction(recipe, state)
    cell = thick.cell
    static = Job(
        path=f"junction/{state}/static",
        stage="static",
        cell=cell,
        settings=recipe.settings,
        kpoints=recipe.settings.kpoints,
        sites=tuple(range(len(cell))),
        spin_polarised=True,
    )
    if "relax" not in recipe.stages:
        return [static]
    relax = replace(static, path=f"junction/{state}/relax", stage="relax")
    if recipe.relaxation is None:
        return [relax, replace(static, parent=relax.path)]
    thin = build_junction(thinner(recipe, recipe.relaxation.oxide_layers), state)
    relax = replace(relax, cell=thin.cell, sites=tuple(range(len(thin.cell))))
    return [relax, replace(static, displaced_as=ThinRelaxation(relax.path, thin, thick))]


def thinner(recipe: JunctionRecipe, layers: int) -> JunctionRecipe:
    """The same junction with another number of oxide layers."""
    return recipe.model_copy(update={"oxide": recipe.oxide.model_copy(update={"layers": layers})})
