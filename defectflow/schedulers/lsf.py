"""IBM Spectrum LSF: bsub, bjobs, bkill. Built from the documentation; there was none to run it on."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

from defectflow.errors import EngineError
from defectflow.schedulers.base import SchedulerJob, ask, ask_of_job, cancel_each, forgotten

_PENDING = {"PEND", "PSUSP", "WAIT", "PROV"}
_RUNNING = {"RUN", "USUSP", "SSUSP", "UNKWN", "ZOMBI"}
_FIELDS = "jobid stat exit_reason pend_reason first_host job_name job_description delimiter='|'"


class Lsf:
    """See `Scheduler`."""

    name = "lsf"

    def submit(self, script: Path) -> str:
        """Id from ``Job <123> is submitted to queue <normal>.``."""
        text = ask(["bash", "-c", 'bsub < "$1"', "bsub", str(script)], script.parent)
        found = re.search(r"Job <(\d+)> is submitted", text)
        if found is None:
            raise EngineError(f"names no job: {text.strip()}", where="bsub")
        return found.group(1)

    def tagged(self, tag: str) -> tuple[SchedulerJob, ...]:
        """By the job's description."""
        rows = _rows(ask(["bjobs", "-noheader", "-o", _FIELDS]))
        return tuple(job for row in rows if row[6] == tag and (job := _job(row)).state != "ended")

    def look(self, ids: Sequence[str]) -> dict[str, SchedulerJob]:
        """By ``bjobs -a``, which remembers jobs for about an hour."""
        return {job: _look(job) for job in ids}

    def rehearse(self, script: Path) -> None:
        """LSF has no rehearsal."""

    def cancel(self, ids: Iterable[str]) -> None:
        """By ``bkill``; a job that has ended meanwhile is no error."""
        cancel_each("bkill", ids, _look)


def _look(job: str) -> SchedulerJob:
    rows = _rows(ask_of_job(["bjobs", "-a", "-noheader", "-o", _FIELDS, job], "is not found") or "")
    return _job(rows[0]) if rows else forgotten(job)


def _rows(text: str) -> list[list[str]]:
    return [row for line in text.splitlines() if len(row := line.strip().split("|")) == 7]


def _job(row: list[str]) -> SchedulerJob:
    job, stat, why, pending, host, name, _ = row
    words = ", ".join(w for w in (stat, why, pending if stat == "PEND" else "") if w not in ("", "-"))
    return SchedulerJob(job, _state(stat), words, 0, "" if host == "-" else host, name)


def _state(stat: str) -> Literal["pending", "running", "ended"]:
    return "pending" if stat in _PENDING else "running" if stat in _RUNNING else "ended"
