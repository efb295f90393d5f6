"""Jobs that other run folders have finished with the same inputs: copied instead of run again."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from defectflow.engines import Engine
from defectflow.errors import DefectFlowError, InputError
from defectflow.executors.tracks import TRACK
from defectflow.inputs import resolve
from defectflow.run.corrections import with_overrides
from defectflow.run.study import RESULT, AnyStudy, open_study
from defectflow.schema import CalcResult, Job
from defectflow.schema.jsonio import load_record


def open_others(folders: Iterable[Path], engine: str) -> tuple[AnyStudy, ...]:
    """Open the run folders to take results from.

    Raises
    ------
    ParseError
        If one is no run folder.
    InputError
        If one was made for another engine.
    """
    others = tuple(open_study(folder) for folder in folders)
    for other in others:
        if other.engine_name != engine:
            what = f"holds results of {other.engine_name}, not of {engine}"
            raise InputError(what, where=str(other.folder), todo="an energy of one code is none of another")
    return others


def take_over(study: AnyStudy, engine: Engine, others: Sequence[AnyStudy]) -> dict[str, Path]:
    """Copy into a study what others have finished with the inputs that it asks for.

    Of a job that a later stage still has to start from, only a folder that holds its density is taken. What lies in the
    study already stays as it is; the other folders are only read.

    Returns
    -------
    dict
        Folder that each job was copied from, by the job's path in the study.
    """
    with study.lock():
        found = _able_to_go_on(study, engine, _wanted(study, engine, _done(others, engine)))
        for path, source in found.items():
            _copy(source, study.job_folder(path))
    return found


def _done(others: Sequence[AnyStudy], engine: Engine) -> dict[str, Path]:
    """Folders of converged results by the hash of their inputs, those with their density before those without."""
    done: dict[str, Path] = {}
    for other in others:
        for job in other.jobs:
            folder = other.job_folder(job.path)
            result = _result_in(folder)
            if result and (result.input_hash not in done or not engine.hands_on(done[result.input_hash])):
                done[result.input_hash] = folder
    return done


def _result_in(folder: Path) -> CalcResult | None:
    try:
        result = load_record(CalcResult, folder / RESULT)
    except DefectFlowError:
        return None  # not run, or damaged: then it runs here
    return result if result.converged else None


def _wanted(study: AnyStudy, engine: Engine, done: Mapping[str, Path]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    parents = {job.after for job in study.jobs}
    results: dict[str, CalcResult] = {}  # of parents, whose geometry is part of the inputs that follow
    for job in study.jobs:
        if job.after is not None and job.after not in results:
            continue
        folder = _place(study, engine, job, done, results)
        if folder is not None and folder != study.job_folder(job.path):
            found[job.path] = folder
        if folder is not None and job.path in parents and (result := _result_in(folder)):
            results[job.path] = result
    return found


def _place(
    study: AnyStudy, engine: Engine, job: Job, done: Mapping[str, Path], results: Mapping[str, CalcResult]
) -> Path | None:
    """Where a job's result lies: in the study, in another, or nowhere."""
    resolved = resolve(job, results[job.after] if job.after else None)
    inputs = engine.make_inputs(with_overrides(study, resolved))
    own = study.job_folder(job.path)
    if own.exists():
        return own if study.finished(job.path, inputs) else None
    return done.get(inputs.hash)


def _able_to_go_on(study: AnyStudy, engine: Engine, found: Mapping[str, Path]) -> dict[str, Path]:
    """Without folders that lack the density which a stage that has to be run starts from, and what came after those."""
    stages = [job for job in study.jobs if job.parent in found and job.path not in found]
    left = {job.parent for job in stages if job.parent and not engine.hands_on(found[job.parent])}
    for job in study.jobs:  # parents before children
        left |= {job.path} if job.after in left else set()
    return {path: source for path, source in found.items() if path not in left}


def _copy(source: Path, target: Path) -> None:
    # The folder appears whole or not at all, and without the locks of whoever ran it.
    part = target.with_name(f".{target.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    shutil.copytree(source, part, ignore=shutil.ignore_patterns(".*", TRACK))
    part.replace(target)
