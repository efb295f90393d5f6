"""Run a calculation of a finished study again, from its inputs alone, and compare."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from defectflow.analyse.verify import MOMENT_TOLERANCE
from defectflow.errors import EngineError, InputError
from defectflow.pipeline import failed_jobs, run_jobs
from defectflow.run import AnyStudy, RunOptions, open_study
from defectflow.run.collect import trusted_result
from defectflow.run.corrections import with_overrides
from defectflow.run.same_study import SUMMARY
from defectflow.schema import Job
from defectflow.schema.jsonio import write_atomic


@dataclass(frozen=True)
class Reproduced:
    """One calculation, as stored and as run again.

    Attributes
    ----------
    path : str
    stored, again : float
        E0 (eV per cell).
    tolerance : float
        What the SCF of both left open (eV).
    moments : (float, float)
        Total moments, stored and again (muB).
    """

    path: str
    stored: float
    again: float
    tolerance: float
    moments: tuple[float, float]

    @property
    def agrees(self) -> bool:
        """Whether energy and moment are the same within what both runs leave open; a moment up to its overall sign."""
        stored, again = map(abs, self.moments)
        return abs(self.again - self.stored) <= self.tolerance and abs(again - stored) <= MOMENT_TOLERANCE


def copy_of(study: AnyStudy, folder: Path) -> AnyStudy:
    """An empty run folder of the same recipe, engine and decisions."""
    folder.mkdir(parents=True, exist_ok=True)
    for kept in (study.folder / SUMMARY, *study.folder.glob("promotions.*.json")):
        write_atomic(folder / kept.name, kept.read_bytes())
    return open_study(folder)


def chain(study: AnyStudy, path: str) -> tuple[Job, ...]:
    """The job and those that it follows, first things first.

    Raises
    ------
    InputError
        If the study has no such job.
    """
    if path not in study.by_path:
        todo = "its jobs are listed by: defectflow status RUN --json"
        raise InputError(f'has no job "{path}"', where=str(study.folder), todo=todo)
    job = study.by_path[path]
    return (*(chain(study, job.after) if job.after else ()), job)


def reproduce(study: AnyStudy, path: str, folder: Path, jobs: int | None, options: RunOptions) -> Reproduced:
    """Run a job and those before it in a folder of their own, and compare with what is stored.

    Raises
    ------
    InputError
        If the job is unknown, or the folder holds something.
    EngineError
        If a calculation fails.
    """
    links = tuple(with_overrides(study, job) for job in chain(study, path))  # corrections that its pair needed, too
    stored = trusted_result(study, path)
    if folder.exists() and any(folder.iterdir()):
        raise InputError("is not empty", where=str(folder), todo="choose another with -o")
    again = copy_of(study, folder)
    again.__dict__["jobs"] = links  # a cached property: this study has no other jobs
    states = run_jobs(again, jobs, options)
    for name, reason in failed_jobs(again, states).items():
        raise EngineError(f"{name}: {reason}", where=str(folder))
    result = again.result(path)
    left = stored.convergence.residue + result.convergence.residue
    return Reproduced(path, stored.e0, result.e0, left, (stored.total_moment, result.total_moment))
