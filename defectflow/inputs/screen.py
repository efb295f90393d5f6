"""Jobs of a screening: in every round the pristine cell, the reference phases and the configurations that go on."""

from __future__ import annotations

from dataclasses import replace

from defectflow.errors import RecipeError
from defectflow.inputs.pairs import bulk_jobs
from defectflow.schema import Cell, Job, KMesh, Settings
from defectflow.schema.configuration import ConfigurationState, Promotions
from defectflow.schema.screen import ReferencePhase, Round, ScreenRecipe
from defectflow.structures.build import primitive_cell
from defectflow.structures.moments import atoms_around
from defectflow.structures.phases import phase_cell
from defectflow.structures.screening import build_states, pristine

_GAMMA = KMesh(mesh=(1, 1, 1), centring="gamma")


def screen_jobs(recipe: ScreenRecipe, promotions: tuple[Promotions, ...] = ()) -> tuple[Job, ...]:
    """Jobs of all rounds whose configurations are known: the first, and those after a recorded promotion."""
    states = build_states(recipe)
    check_references(recipe)
    jobs: list[Job] = []
    for step, chosen in zip(recipe.rounds, [None, *promotions], strict=False):
        jobs += _round_jobs(recipe, step, states if chosen is None else promoted(states, chosen))
    return tuple(jobs)


def check_references(recipe: ScreenRecipe) -> None:
    """Phases that leave an element of the host without a bound would be run for nothing."""
    host = set(primitive_cell(recipe.host).species)
    phases = [set(phase_cell(r).species) for r in recipe.references]
    bounded = {s for p in phases if p <= host for s in p}
    if phases and (free := sorted(host - bounded)):
        todo = f"add a phase that holds {free[0]} and nothing but elements of the host"
        raise RecipeError(f"no phase bounds the chemical potential of {free[0]}", where="references", todo=todo)


def promoted(states: tuple[ConfigurationState, ...], chosen: Promotions) -> tuple[ConfigurationState, ...]:
    """States of the configurations that go on."""
    kept = {(p.label, p.charge) for p in chosen.kept}
    return tuple(s for s in states if (s.configuration.label, s.charge) in kept)


def _round_jobs(recipe: ScreenRecipe, step: Round, states: tuple[ConfigurationState, ...]) -> list[Job]:
    settings = recipe.settings_of(step)
    jobs: list[Job] = []
    if recipe.bulk is not None:
        cell = primitive_cell(recipe.host)
        bulk = bulk_jobs(cell, _fitting(settings, cell), recipe.bulk, tuple(range(len(cell))))
        renamed = {j.path: f"{step.name}/{j.path}" for j in bulk}
        jobs += [replace(j, path=renamed[j.path], parent=j.parent and renamed[j.parent]) for j in bulk]
    jobs += _staged(f"{step.name}/pristine", ("static",), _job(pristine(recipe), settings, settings.kpoints))
    if step.references:
        for reference in recipe.references:
            jobs += _phase_jobs(reference, step, settings)
    for state in states:
        job = _job(state.cell, settings, settings.kpoints, _sites(state))
        jobs += _staged(f"{step.name}/{state.folder}", step.stages, replace(job, charge=state.charge))
    return jobs


def _phase_jobs(reference: ReferencePhase, step: Round, settings: Settings) -> list[Job]:
    cell = phase_cell(reference)
    stages = step.stages if len(cell) > 1 else ("static",)
    return _staged(f"{step.name}/phase.{reference.phase}", stages, _job(cell, settings, reference.kpoints or _GAMMA))


def _job(cell: Cell, settings: Settings, mesh: KMesh, sites: tuple[int, ...] = (0,)) -> Job:
    return Job("", "", cell, _fitting(settings, cell), mesh, sites, spin_polarised=bool(cell.moments.any()))


def _fitting(settings: Settings, cell: Cell) -> Settings:
    # A flavour for an element that this cell does not hold is no setting of its calculation.
    fitting = {e: {s: f for s, f in table.items() if s in cell.species} for e, table in settings.potentials.items()}
    return settings.model_copy(update={"potentials": {e: t for e, t in fitting.items() if t}})


def _staged(folder: str, stages: tuple[str, ...], job: Job) -> list[Job]:
    """The same job in every stage, each going on from the one before."""
    paths = [f"{folder}/{stage}" for stage in stages]
    return [
        replace(job, path=path, stage=stage, parent=before)
        for path, stage, before in zip(paths, stages, [None, *paths], strict=False)
    ]


def _sites(state: ConfigurationState) -> tuple[int, ...]:
    """Dopants, then the other atoms around all sites that were changed."""
    found = [a for centre in state.configuration.centres for a in atoms_around(state.cell, centre)]
    return tuple(dict.fromkeys([*state.configuration.dopants, *found]))
