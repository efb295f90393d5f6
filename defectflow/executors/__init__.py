"""Executors: where commands run. Each is a `concurrent.futures.Executor`."""

from defectflow.executors.local import LocalExecutor
from defectflow.executors.task import Ended, Task, allow_tasks, run_task, stop_tasks

__all__ = ["Ended", "LocalExecutor", "Task", "allow_tasks", "run_task", "stop_tasks"]
