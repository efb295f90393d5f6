"""Jobs of a junction: the bulk of its oxide, then the junction in every state."""

from __future__ import annotations

from defectflow.inputs.pairs import bulk_jobs
from defectflow.schema import Job
from defectflow.schema.junction import JunctionRecipe
from defectflow.schema.layers import JunctionCell
from defectflow.structures.junction import build_junction


def junction_jobs(recipe: JunctionRecipe) -> tuple[Job, ...]:
    """Jobs of a junction; states are projected on all atoms, for the DOS of every layer."""
    junctions = [build_junction(recipe, state) for state in recipe.states]
    bulk = junctions[0].bulk
    reference = bulk_jobs(bulk, recipe.settings, recipe.bulk, tuple(range(len(bulk))))
    return (*reference, *[job for junction in junctions for job in _state_jobs(recipe, junction)])


def _state_jobs(recipe: JunctionRecipe, junction: JunctionCell) -> list[Job]:
    jobs: list[Job] = []
    for stage in recipe.stages:
        job = Job(
            path=f"junction/{junction.state}/{stage}",
            stage=stage,
            cell=junction.cell,
            settings=recipe.settings,
            kpoints=recipe.settings.kpoints,
            sites=tuple(range(len(junction.cell))),
            spin_polarised=True,
            parent=jobs[-1].path if jobs else None,
        )
        jobs.append(job)
    return jobs
