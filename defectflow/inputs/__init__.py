"""From a recipe to jobs: which cell runs in which stage, with which settings, after which parent."""

from __future__ import annotations

from dataclasses import replace

from defectflow.engines import engine_names
from defectflow.errors import InputError, RecipeError
from defectflow.inputs.convergence import convergence_jobs
from defectflow.inputs.junction import junction_jobs
from defectflow.inputs.pairs import pair_folder, pair_jobs, projected_sites
from defectflow.inputs.screen import screen_jobs
from defectflow.schema import CalcResult, Job, Settings
from defectflow.schema.configuration import Promotions
from defectflow.schema.convergence import ConvergenceRecipe
from defectflow.schema.junction import JunctionRecipe
from defectflow.schema.kinds import AnyRecipe
from defectflow.schema.screen import ScreenRecipe
from defectflow.structures.thicken import displaced_as

__all__ = ["pair_folder", "plan_jobs", "projected_sites", "resolve"]


def plan_jobs(recipe: AnyRecipe, promotions: tuple[Promotions, ...] = ()) -> tuple[Job, ...]:
    """All jobs of a study, parents before children; of a screening, those of the rounds that were decided on."""
    jobs = _jobs_of(recipe, promotions)
    _check_potentials(recipe.settings, {s for job in jobs for s in job.cell.species})
    paths = [job.path for job in jobs]
    if twice := [p for p in paths if paths.count(p) > 1]:
        what = f"two jobs would share the folder {twice[0]}"
        raise InputError(what, todo="name every pair, spin state and start only once")
    return jobs


def _jobs_of(recipe: AnyRecipe, promotions: tuple[Promotions, ...]) -> tuple[Job, ...]:
    if isinstance(recipe, ScreenRecipe):
        return screen_jobs(recipe, promotions)
    if isinstance(recipe, ConvergenceRecipe):
        return convergence_jobs(recipe)
    return junction_jobs(recipe) if isinstance(recipe, JunctionRecipe) else pair_jobs(recipe)


def _check_potentials(settings: Settings, elements: set[str]) -> None:
    """A flavour for an engine or an element that the study does not have would be ignored: refuse it."""
    engines = set(engine_names()) - {"replay"}
    for engine, flavours in settings.potentials.items():
        where = f"settings.potentials.{engine}"
        if engine not in engines:
            raise RecipeError("is no engine", where=where, todo=f"known: {', '.join(sorted(engines))}")
        if stray := sorted(set(flavours) - elements):
            todo = f"the cells hold {', '.join(sorted(elements))}"
            raise RecipeError(f"no cell of the study holds {stray[0]}", where=f"{where}.{stray[0]}", todo=todo)


def resolve(job: Job, parent: CalcResult | None) -> Job:
    """The job with what it takes of the finished one before: geometry and signs, geometry alone, or displacements."""
    if parent is None:
        return job
    if job.displaced_as is not None:
        return replace(job, cell=displaced_as(job.displaced_as, parent.cell))
    if job.geometry_of is not None:
        return replace(job, cell=parent.cell.with_moments(job.cell.moments))
    moments = job.cell.with_signs_of(parent.site_moments).moments
    return replace(job, cell=parent.cell.with_moments(moments), seed_coords=None)
