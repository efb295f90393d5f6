"""The contract that every scheduler fulfils, and how its commands are run."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from defectflow.errors import EngineError

# What an outer job tells its processes; a job that is sent from inside one must not take it over.
_OF_A_JOB = ("SLURM_", "SBATCH_", "SRUN_", "PBS_", "LSB_", "PMI_", "PMIX_", "OMPI_COMM_", "OMPI_UNIVERSE_")
_JOB_IDS = ("SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID")
_KEPT = ("SLURM_CONF", "PBS_CONF_FILE", "PBS_SERVER")
ANSWER_SECONDS = 60.0  # a busy scheduler answers late


@dataclass(frozen=True)
class SchedulerJob:
    """A job as its scheduler sees it.

    Attributes
    ----------
    id : str
    state : str
        "pending", "running" or "ended".
    words : str
        The scheduler's own words, e.g. ``TIMEOUT, reason TimeLimit``.
    restarts : int
        How often the scheduler has started the job again under the same id.
    node : str
        First node, empty while pending.
    name : str
        Job name, as far as it was asked for.
    """

    id: str
    state: Literal["pending", "running", "ended"]
    words: str
    restarts: int = 0
    node: str = ""
    name: str = ""


class Scheduler(Protocol):
    """A scheduler; each call may take seconds and raise EngineError with what the scheduler printed."""

    name: str

    def submit(self, script: Path) -> str:
        """Queue a script and return the job's id."""

    def tagged(self, tag: str) -> tuple[SchedulerJob, ...]:
        """Jobs of this user that carry the tag and have not ended."""

    def look(self, ids: Sequence[str]) -> dict[str, SchedulerJob]:
        """What the scheduler says of jobs; one that it has forgotten has ended."""

    def rehearse(self, script: Path) -> None:
        """Ask whether a script could ever run, where the scheduler answers that; EngineError if not."""

    def cancel(self, ids: Iterable[str]) -> None:
        """Take jobs out of the queue; those that have ended already are no error."""


def own_job() -> str:
    """Id of the scheduler job that this process runs in, empty if it runs in none."""
    return next((os.environ[name] for name in _JOB_IDS if os.environ.get(name)), "")


def ask(command: Sequence[str], folder: Path | None = None) -> str:
    """What a scheduler's command prints.

    Raises
    ------
    EngineError
        If it is not there, fails or does not answer, with its own words.
    """
    clean = {k: v for k, v in os.environ.items() if k in _KEPT or not k.startswith(_OF_A_JOB)}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=ANSWER_SECONDS, check=False, env=clean, cwd=folder
        )
    except OSError as error:
        todo = "run this where the scheduler's commands are, or choose another site"
        raise EngineError(f"cannot be run ({error.strerror})", where=command[0], todo=todo) from None
    except subprocess.TimeoutExpired:
        raise EngineError(f"did not answer in {ANSWER_SECONDS:g} s", where=command[0], todo="try again later") from None
    if done.returncode != 0:
        raise EngineError(f"says: {(done.stderr or done.stdout).strip()}", where=" ".join(command[:2]))
    return done.stdout


def ask_of_job(command: Sequence[str], unknown: str) -> str | None:
    """What a scheduler's command prints of one job, None where it says so that it knows no such job.

    A scheduler that does not answer has not said that a job ended: its EngineError goes on.
    """
    try:
        return ask(command)
    except EngineError as error:
        if unknown in str(error):
            return None
        raise


def cancel_each(command: str, ids: Iterable[str], look: Callable[[str], SchedulerJob]) -> None:
    """Cancel job by job with a scheduler's command; one that has ended meanwhile is no error."""
    for job in ids:
        try:
            ask([command, job])
        except EngineError:
            if look(job).state != "ended":
                raise


def forgotten(job: str) -> SchedulerJob:
    """A job that the scheduler no longer knows."""
    return SchedulerJob(job, "ended", "no longer known to the scheduler")
