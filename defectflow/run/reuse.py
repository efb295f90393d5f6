"""Jobs that other run folders have finished with the same inputs: copied instead of run again."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from defectflow.engines import Engine
from defectflow.errors import DefectFlowError, InputError
from defectflow.executors.tracks import TRACK
from defectflow.inputs import resolve
from defectflow.run.corrections import with_overrides
from defectflow.run.study import RESULT, AnyStudy, open_study
from defectflow.schema import CalcResult, Job
from defectflow.schema.jsonio import load_record
from defectflow.schema.recipe_file import named_by

PART = ".reuse.part"  # what is copied, until it is whole
Say = Callable[[str], None]
Made = tuple[str, str | None]  # hash of a result's inputs, and of those that made the density it started from


def open_others(folders: Iterable[Path], engine: str, target: Path) -> tuple[AnyStudy, ...]:
    """Open the run folders to take results from.

    Raises
    ------
    ParseError
        If one is no run folder.
    InputError
        If one was made for another engine, or the run folder that is to be made lies inside.
    DefectFlowError
        If no jobs can be planned of its recipe.
    """
    others = tuple(open_study(folder) for folder in folders)
    for other in others:
        where = str(other.folder)
        if other.engine_name != engine:
            what = f"holds results of {other.engine_name}, not of {engine}"
            raise InputError(what, where=where, todo="an energy of one code is none of another")
        if other.folder.resolve() in target.resolve().parents:
            raise InputError(f"{target} would lie inside", where=where, todo="choose another folder with -o")
        with named_by(other.folder):
            other.jobs  # noqa: B018  (planned before anything is made)
    return others


def take_over(study: AnyStudy, engine: Engine, others: Sequence[AnyStudy], say: Say = lambda _: None) -> list[str]:
    """Copy into a study what others have finished with the inputs that it asks for.

    Of a job that a later stage still has to start from, only a folder that holds its density is taken, and of a later
    stage only one whose density came of the same inputs. What lies in the study already stays as it is; the other
    folders are only read. Rounds of a screening that are not decided on yet are not looked for.

    Parameters
    ----------
    study, engine, others
    say : callable
        Told in a line what was taken, and what was not and why.

    Returns
    -------
    list of str
        Paths of the jobs that were taken over.
    """
    with study.lock():
        found = _able_to_go_on(study, engine, _wanted(study, engine, _done(others, engine, say), say))
        taken: list[str] = []
        for path, source in found.items():
            try:
                _copy(source, study.folder / PART, study.job_folder(path))
            except OSError as error:
                say(f"not taken    {path} from {source}: {error.strerror or error}")
                continue
            taken.append(path)
            say(f"taken over   {path} from {source}")
    return taken


def _done(others: Sequence[AnyStudy], engine: Engine, say: Say) -> dict[Made, Path]:
    """Folders of converged results by how they were made, those with their density before those without."""
    done: dict[Made, Path] = {}
    for other in others:
        hashes: dict[str, str] = {}
        for job in other.jobs:
            folder = other.job_folder(job.path)
            result = _result_in(folder, say)
            if result is None or (job.parent and job.parent not in hashes):
                continue
            hashes[job.path] = result.input_hash
            made = (result.input_hash, hashes[job.parent] if job.parent else None)
            if made not in done or not engine.hands_on(done[made]):
                done[made] = folder
    return done


def _result_in(folder: Path, say: Say) -> CalcResult | None:
    try:
        (folder / RESULT).stat()
        result = load_record(CalcResult, folder / RESULT)
    except FileNotFoundError:
        return None
    except (OSError, DefectFlowError) as error:
        why = error.strerror if isinstance(error, OSError) else error.what
        say(f"not taken    {folder}: its result {why}")
        return None
    return result if result.converged else None


def _wanted(study: AnyStudy, engine: Engine, done: Mapping[Made, Path], say: Say) -> dict[str, Path]:
    found: dict[str, Path] = {}
    parents = {job.after for job in study.jobs}
    results: dict[str, CalcResult] = {}  # of parents, whose geometry is part of the inputs that follow
    for job in study.jobs:
        if job.after is not None and job.after not in results:
            continue
        folder, own = _place(study, engine, job, done, results), study.job_folder(job.path)
        if folder is not None and folder != own and own.exists():
            say(f"not taken    {job.path}: an attempt that did not end lies in {own}; without that folder it is")
            continue
        if folder is not None and folder != own:
            found[job.path] = folder
        if folder is not None and job.path in parents and (result := _result_in(folder, say)):
            results[job.path] = result
    return found


def _place(
    study: AnyStudy, engine: Engine, job: Job, done: Mapping[Made, Path], results: Mapping[str, CalcResult]
) -> Path | None:
    """Where a job's result lies: in the study, in another, or nowhere."""
    resolved = resolve(job, results[job.after] if job.after else None)
    inputs = engine.make_inputs(with_overrides(study, resolved))
    if study.finished(job.path, inputs):
        return study.job_folder(job.path)
    return done.get((inputs.hash, results[job.parent].input_hash if job.parent else None))


def _able_to_go_on(study: AnyStudy, engine: Engine, found: Mapping[str, Path]) -> dict[str, Path]:
    """Without folders that lack the density which a stage that has to be run starts from, and what came after those."""
    stages = [job for job in study.jobs if job.parent in found and job.path not in found]
    left = {job.parent for job in stages if job.parent and not engine.hands_on(found[job.parent])}
    for job in study.jobs:  # parents before children
        left |= {job.path} if job.after in left else set()
    return {path: source for path, source in found.items() if path not in left}


def _copy(source: Path, part: Path, target: Path) -> None:
    """Files of a job, all at once or not at all, without the locks and the track of whoever ran it."""
    shutil.rmtree(part, ignore_errors=True)  # of a copy that was killed
    part.mkdir()
    try:
        for file in source.iterdir():
            if file.is_file() and not file.name.startswith(".") and file.name != TRACK:
                shutil.copyfile(file, part / file.name)
        target.parent.mkdir(parents=True, exist_ok=True)
        part.replace(target)
    finally:
        shutil.rmtree(part, ignore_errors=True)
