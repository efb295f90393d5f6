"""One setting for all spin states of a pair: a correction that changes energies is taken over by its partners."""

from __future__ import annotations

from dataclasses import replace

from defectflow.run.study import AnyStudy
from defectflow.schema import Correction, Job, JobState


def with_overrides(study: AnyStudy, job: Job) -> Job:
    """The job with every energy-changing correction that any run of its group needed.

    The run that was corrected is itself run again with them from its first step, so that no energy of the study
    comes out of a run whose settings changed on the way.
    """
    found = {c.tag: c.after for path in group(study, job.path) for c in kept_corrections(study.state(path))}
    return replace(job, overrides=tuple(sorted(found.items())))


def group(study: AnyStudy, path: str) -> list[str]:
    """Jobs compared with that of `path`: all states, starts and stages of one pair, or of the junction."""
    parts = path.split("/")
    depth = {"pairs": 2, "junction": 1}.get(parts[0])
    prefix = path if depth is None else "/".join(parts[:depth]) + "/"
    return [job.path for job in study.jobs if job.path.startswith(prefix)]


def kept_corrections(state: JobState | None) -> tuple[Correction, ...]:
    """Corrections that outlive an attempt: those that change energies."""
    return tuple(c for c in state.corrections if c.changes_energy) if state else ()
