"""SLURM: sbatch, squeue, scontrol, scancel (checked with 22.05)."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

from defectflow.errors import EngineError
from defectflow.formats.clock import clock_seconds
from defectflow.schedulers.base import SchedulerJob, ask, ask_of_job, forgotten

_PENDING = {"PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD", "SPECIAL_EXIT"}
_RUNNING = {"RUNNING", "COMPLETING", "SUSPENDED", "STOPPED", "SIGNALING", "STAGE_OUT", "RESIZING"}


class Slurm:
    """See `Scheduler`."""

    name = "slurm"

    def submit(self, script: Path) -> str:
        """Id that ``sbatch --parsable`` prints, without the cluster's name."""
        text = ask(["sbatch", "--parsable", str(script)], script.parent).strip()
        return text.splitlines()[-1].split(";")[0]

    def tagged(self, tag: str) -> tuple[SchedulerJob, ...]:
        """By the job's comment."""
        found = []
        for line in ask(["squeue", "--me", "-h", "-o", "%A|%T|%r|%N|%j|%k"]).splitlines():
            job, state, reason, node, name, comment = line.split("|", 5)
            if comment == tag and _state(state) != "ended":
                found.append(SchedulerJob(job, _state(state), _words(state, reason), 0, node, name))
        return tuple(found)

    def look(self, ids: Sequence[str]) -> dict[str, SchedulerJob]:
        """By ``scontrol``, and by ``sacct`` where it has forgotten the job."""
        return {job: _shown(job) for job in ids}

    def rehearse(self, script: Path) -> None:
        """By ``sbatch --test-only`` and the partition's time limit, which sbatch does not enforce everywhere."""
        ask(["sbatch", "--test-only", str(script)], script.parent)
        asked = dict(re.findall(r"^#SBATCH --(time|partition)=(\S+)", script.read_text(encoding="utf-8"), re.MULTILINE))
        limit = _time_limit(asked.get("partition", ""))
        if (clock_seconds(asked.get("time", "")) or 0.0) > (clock_seconds(limit) or math.inf):
            what = f"its limit is {limit}; a job of {asked['time']} would wait for ever (PartitionTimeLimit)"
            raise EngineError(what, where=f"partition {asked.get('partition', '')}".rstrip())

    def cancel(self, ids: Iterable[str]) -> None:
        """By ``scancel``."""
        if wanted := list(ids):
            ask(["scancel", *wanted])


def _time_limit(partition: str) -> str:
    """Longest walltime of a partition, of the default one if it is empty."""
    for line in ask(["sinfo", "-h", "-o", "%P|%l"]).splitlines():
        name, limit = line.split("|", 1)
        if name.rstrip("*") == partition or (not partition and name.endswith("*")):
            return limit.strip()
    return ""


def _shown(job: str) -> SchedulerJob:
    text = ask_of_job(["scontrol", "-o", "show", "job", job], "Invalid job id")
    if text is None:
        return _accounted(job)
    fields = dict(re.findall(r"(\w+)=(\S*)", text))
    state = fields.get("JobState", "")
    words = f"{_words(state, fields.get('Reason', ''))}, exit code {fields.get('ExitCode', '?')}"
    return SchedulerJob(job, _state(state), words, int(fields.get("Restarts", 0)), fields.get("BatchHost", ""))


def _accounted(job: str) -> SchedulerJob:
    """Of a job that the controller no longer knows: it has ended, whatever the accounts still say."""
    try:
        state, _, code = ask(["sacct", "-X", "-n", "-P", "-j", job, "-o", "State,ExitCode"]).strip().partition("|")
    except EngineError:
        return forgotten(job)
    return SchedulerJob(job, "ended", f"{state}, exit code {code}") if state else forgotten(job)


def _state(word: str) -> Literal["pending", "running", "ended"]:
    return "pending" if word in _PENDING else "running" if word in _RUNNING else "ended"


def _words(state: str, reason: str) -> str:
    return state if reason in ("", "None") else f"{state}, reason {reason}"
