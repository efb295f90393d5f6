"""The machine at hand: as many calculations side by side as there are cores."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from defectflow.executors.base import TaskExecutor
from defectflow.executors.task import Ended, allow_tasks, stop_tasks
from defectflow.executors.tracks import Fence


def usable_cores() -> int:
    """Cores that this process may use, which a scheduler or container may have made fewer."""
    return len(os.sched_getaffinity(0))


class LocalExecutor(ThreadPoolExecutor, TaskExecutor):
    """Each thread waits for one worker process; all of them end with the driver.

    Independent calculations on one core each finish sooner than one calculation on all cores.
    """

    def __init__(self, jobs: int | None = None) -> None:
        self.slots = jobs or usable_cores()
        super().__init__(max_workers=self.slots, thread_name_prefix="defectflow")

    def take_charge(self, fence: Fence, folders: Sequence[Path]) -> None:
        """Nothing is left of an earlier driver: its workers ended with it."""
        allow_tasks()

    def adopt(self, folder: Path) -> Future[Ended] | None:
        """There is none."""
        return None

    def leave(self) -> None:
        """Kill what runs: nothing may go on without a driver that holds the lock."""
        self.shutdown(wait=False, cancel_futures=True)
        stop_tasks()
        self.shutdown(wait=True)
