"""One setting for all spin states of a pair: a correction that changes energies is taken over by its partners."""

from __future__ import annotations

from dataclasses import replace

from defectflow.run.study import AnyStudy
from defectflow.schema import Correction, Job, JobState


def with_overrides(study: AnyStudy, job: Job) -> Job:
    """The job with every energy-changing correction that any run of its group needed.

    The run that was corrected is itself run again with them from its first step, so that no energy of the study
    comes out of a run whose settings changed on the way. Overrides that the job came with stay.
    """
    needed = {c.tag: c.after for path in group(study, job.path) for c in kept_corrections(study.state(path))}
    return replace(job, overrides=tuple(sorted((dict(job.overrides) | needed).items())))


def has_overrides(study: AnyStudy, path: str) -> bool:
    """Whether any run of the group of `path` needed an energy-changing correction."""
    return any(kept_corrections(study.state(other)) for other in group(study, path))


def group(study: AnyStudy, path: str) -> list[str]:
    """Jobs compared with that of `path`: all states, starts and stages of one pair, or of the junction."""
    return list(study.groups[study.group_of(study.by_path[path])])


def kept_corrections(state: JobState | None) -> tuple[Correction, ...]:
    """Corrections that outlive an attempt: those that change energies."""
    return tuple(c for c in state.corrections if c.changes_energy) if state else ()
