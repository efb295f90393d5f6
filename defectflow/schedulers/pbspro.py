"""PBS Pro (OpenPBS): qsub, qstat, qdel. Built from the documentation; there was none to run it on."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from defectflow.errors import EngineError
from defectflow.schedulers.base import SchedulerJob, ask, ask_of_job, cancel_each, forgotten

_PENDING = set("QHWTM")  # queued, held, waiting, moving, moved
_RUNNING = set("RESBU")  # running, exiting, suspended, array running, suspended by a user's keyboard


class PbsPro:
    """See `Scheduler`."""

    name = "pbspro"

    def submit(self, script: Path) -> str:
        """Id that ``qsub`` prints."""
        return ask(["qsub", str(script)], script.parent).strip().splitlines()[-1]

    def tagged(self, tag: str) -> tuple[SchedulerJob, ...]:
        """By the variable DEFECTFLOW_TAG of the job."""
        jobs = _jobs(ask(["qstat", "-f", "-F", "json"]))
        mine = {k: v for k, v in jobs.items() if _variables(v).get("DEFECTFLOW_TAG") == tag}
        return tuple(job for k, v in mine.items() if (job := _job(k, v)).state != "ended")

    def look(self, ids: Sequence[str]) -> dict[str, SchedulerJob]:
        """By ``qstat -x``, which remembers finished jobs where the site keeps a history."""
        return {job: _look(job) for job in ids}

    def rehearse(self, script: Path) -> None:
        """PBS Pro has no rehearsal."""

    def cancel(self, ids: Iterable[str]) -> None:
        """By ``qdel``; a job that has ended meanwhile is no error."""
        cancel_each("qdel", ids, _look)


def _look(job: str) -> SchedulerJob:
    found = _jobs(ask_of_job(["qstat", "-x", "-f", "-F", "json", job], "Unknown Job Id") or "")
    return _job(job, next(iter(found.values()))) if found else forgotten(job)


def _jobs(text: str) -> dict[str, Mapping[str, Any]]:
    try:
        jobs = json.loads(text or "{}", strict=False).get("Jobs", {})
    except ValueError:
        raise EngineError("printed no JSON", where="qstat -F json", todo="PBS Pro 14 or newer is needed") from None
    return dict(jobs)


def _variables(job: Mapping[str, Any]) -> Mapping[str, str]:
    found = job.get("Variable_List", {})
    return found if isinstance(found, dict) else dict(v.partition("=")[::2] for v in str(found).split(","))


def _job(name: str, job: Mapping[str, Any]) -> SchedulerJob:
    letter = str(job.get("job_state", "F"))
    words = ", ".join(str(p) for p in (f"job_state {letter}", job.get("comment"), _exit(job)) if p)
    restarts = max(0, int(job.get("run_count", 1)) - 1)
    node = str(job.get("exec_host", "")).split("/")[0]
    return SchedulerJob(name, _state(letter), words, restarts, node, str(job.get("Job_Name", "")))


def _exit(job: Mapping[str, Any]) -> str:
    return f"Exit_status {job['Exit_status']}" if "Exit_status" in job else ""


def _state(letter: str) -> Literal["pending", "running", "ended"]:
    return "pending" if letter in _PENDING else "running" if letter in _RUNNING else "ended"
