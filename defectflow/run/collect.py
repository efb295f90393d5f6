"""Results of a run folder, each checked against the inputs that its study asks for."""

from __future__ import annotations

from collections.abc import Callable

from defectflow.engines import get_engine
from defectflow.errors import DefectFlowError, ParseError
from defectflow.inputs import pair_folder, resolve
from defectflow.inputs.convergence import Point, path_at
from defectflow.inputs.screen import promoted
from defectflow.run.corrections import with_overrides
from defectflow.run.study import AnyStudy, ConvergenceStudy, ScreenStudy, Study
from defectflow.schema import CalcResult, PairCell, Recipe, StateEntry
from defectflow.schema.configuration import ConfigurationEntry, ConfigurationState
from defectflow.schema.screen import Round
from defectflow.structures.build import build_pair_cells, far_sites, neighbour_sites
from defectflow.structures.screening import build_states


def collect(study: Study) -> tuple[StateEntry, ...]:
    """Every spin state of every pair, in the order of the recipe, with its result or the reason why not."""
    return _entries(study, study.recipe, lambda path: path)


def collect_point(study: ConvergenceStudy, point: Point) -> tuple[StateEntry, ...]:
    """The same of one point of a convergence study."""
    return _entries(study, point.recipe, lambda path: path_at(point, path))


def _entries(study: AnyStudy, recipe: Recipe, at: Callable[[str], str]) -> tuple[StateEntry, ...]:
    return tuple(_entry(study, recipe, pair, at) for pair, _ in build_pair_cells(recipe))


def _entry(study: AnyStudy, recipe: Recipe, pair: PairCell, at: Callable[[str], str]) -> StateEntry:
    sublattice = recipe.pairs.sublattice
    static, relax = (at(f"{pair_folder(pair, sublattice)}/{stage}") for stage in ("static", "relax"))
    result, missing = _result_or_reason(study, static)
    relaxed = _result_or_reason(study, relax)[0] if "relax" in recipe.stages else None
    far, near = far_sites(pair, sublattice), neighbour_sites(pair)
    return StateEntry(static, pair, result, missing, relaxed, far, near)


def collect_round(study: ScreenStudy, step: Round) -> tuple[ConfigurationEntry, ...]:
    """Every state of a round of a screening with its result or the reason why not; empty before it is decided on."""
    at = study.recipe.rounds.index(step)
    if at > len(study.promotions):
        return ()
    states = build_states(study.recipe)
    chosen = states if at == 0 else promoted(states, study.promotions[at - 1])
    return tuple(_configured(study, step, state) for state in chosen)


def _configured(study: ScreenStudy, step: Round, state: ConfigurationState) -> ConfigurationEntry:
    folder = f"{step.name}/{state.folder}"
    result, missing = _result_or_reason(study, f"{folder}/static")
    relaxed = _result_or_reason(study, f"{folder}/relax")[0] if "relax" in step.stages else None
    return ConfigurationEntry(f"{folder}/static", state, result, missing, relaxed)


def trusted_result(study: AnyStudy, path: str) -> CalcResult:
    """Result of a job, if its inputs are the ones that the study asks for today.

    Raises
    ------
    ParseError
        If there is none, it is damaged, or it was made from other inputs (an edited recipe or preset).
    """
    job = study.by_path[path]
    parent = trusted_result(study, job.after) if job.after else None
    inputs = get_engine(study.engine_name).make_inputs(with_overrides(study, resolve(job, parent)))
    result = study.result(path)
    if result.input_hash != inputs.hash:
        where = str(study.job_folder(path))
        raise ParseError("the result was made from other inputs", where=where, todo="run the study again")
    return result


def _result_or_reason(study: AnyStudy, path: str) -> tuple[CalcResult | None, str]:
    try:
        return trusted_result(study, path), ""
    except DefectFlowError as error:
        state = study.state(path)
        if state is None:
            return None, _why_not_run(study, path)
        return None, state.error or f"{state.state}: {error.what}"


def _why_not_run(study: AnyStudy, path: str) -> str:
    parent = study.by_path[path].after
    before = study.state(parent) if parent else None
    if before is None or before.state == "done":
        return "not run yet"
    return f"not run: {parent} is {before.state}"
