"""Executors: where commands run. Each is a `concurrent.futures.Executor`."""

from defectflow.executors.base import TaskExecutor
from defectflow.executors.local import LocalExecutor
from defectflow.executors.task import FENCED, LOST, NO_TIME, Ended, Task, run_task
from defectflow.executors.tracks import Fence, Track, read_track

__all__ = [
    "FENCED",
    "LOST",
    "NO_TIME",
    "Ended",
    "Fence",
    "LocalExecutor",
    "Task",
    "TaskExecutor",
    "Track",
    "read_track",
    "run_task",
]
