"""What the driver asks of an executor beyond ``submit``."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from concurrent.futures import Executor, Future
from pathlib import Path

from defectflow.executors.task import Ended
from defectflow.executors.tracks import Fence


class TaskExecutor(Executor):
    """A `concurrent.futures.Executor` whose calculations may outlive their driver.

    Attributes
    ----------
    slots : int
        Calculations that run at the same time.
    """

    slots: int

    @abstractmethod
    def take_charge(self, fence: Fence, folders: Sequence[Path]) -> None:
        """Begin, as the driver that holds the run folder; `folders` are those of calculations an earlier one left."""

    @abstractmethod
    def adopt(self, folder: Path) -> Future[Ended] | None:
        """Future of a calculation that an earlier driver started in `folder` and that still runs, None if none does."""

    def waiting_for(self) -> str:
        """Why scheduler jobs wait, in the scheduler's words; empty if none does."""
        return ""

    @abstractmethod
    def leave(self) -> None:
        """End at once, as a driver that is stopped: no new calculation is started."""
