"""What a task leaves in its folder for others to see: where it runs, since when, how it ended."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from defectflow.errors import ParseError
from defectflow.schedulers import own_job
from defectflow.schema.jsonio import read_json

TRACK = "task.json"
DRIVER = "driver.json"


@dataclass(frozen=True)
class Track:
    """Where a task runs or ran.

    Attributes
    ----------
    host : str
    pid : int
        Of the process that started the worker.
    job : str
        Id of its scheduler job, empty without one.
    restarts : int
        How often the scheduler had started that job again.
    started : float
        Seconds since 1970.
    status : int or None
        None while it runs.
    seconds : float
        Wall time, once it has ended.
    """

    host: str
    pid: int
    job: str
    restarts: int
    started: float
    status: int | None = None
    seconds: float = 0.0

    @classmethod
    def here(cls, started: float) -> Track:
        """Of a task in this process."""
        restarts = os.environ.get("SLURM_RESTART_COUNT", "0")
        return cls(node_name(), os.getpid(), own_job(), int(restarts) if restarts.isdigit() else 0, started)

    @property
    def running(self) -> bool:
        """Whether it has not said that it ended."""
        return self.status is None

    def ended_with(self, status: int, seconds: float) -> Track:
        """The same, ended."""
        return replace(self, status=status, seconds=seconds)

    def document(self) -> dict[str, Any]:
        """For a JSON file."""
        return asdict(self)


def node_name() -> str:
    """Name of this node as its scheduler knows it."""
    return os.environ.get("SLURMD_NODENAME") or os.uname().nodename


def read_track(folder: Path) -> Track | None:
    """What the last task in a folder left, None if nothing that can be read."""
    try:
        track = Track(**read_json(folder / TRACK))
    except (ParseError, TypeError):
        return None
    texts = isinstance(track.host, str) and isinstance(track.job, str)
    numbers = all(isinstance(v, int | float) for v in (track.started, track.seconds, track.restarts))
    return track if texts and numbers and isinstance(track.status, int | None) else None


@dataclass(frozen=True)
class Fence:
    """Says whether a driver is still in charge of its run folder: its token stands in ``driver.json`` there."""

    run: Path
    token: str

    def holds(self) -> bool:
        """Whether it is; a file that cannot be read means no."""
        try:
            return bool(read_json(self.run / DRIVER).get("token") == self.token)
        except ParseError:
            return False
