"""The machine at hand: as many calculations side by side as there are cores."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor


def usable_cores() -> int:
    """Cores that this process may use, which a scheduler or container may have made fewer."""
    return len(os.sched_getaffinity(0))


class LocalExecutor(ThreadPoolExecutor):
    """Each thread waits for one worker process.

    Independent calculations on one core each finish sooner than one calculation on all cores.
    """

    def __init__(self, jobs: int | None = None) -> None:
        super().__init__(max_workers=jobs or usable_cores(), thread_name_prefix="defectflow")
