"""One command in one folder, the unit that an executor runs."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

_STOPPED = threading.Event()
_LIVE: set[subprocess.Popen[bytes]] = set()
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


@dataclass(frozen=True)
class Task:
    """A command and the folder it runs in; its output goes to ``log`` there."""

    command: tuple[str, ...]
    folder: Path
    log: str = "worker.log"


@dataclass(frozen=True)
class Ended:
    """Exit status of a command (negative: the signal that ended it) and its wall time in seconds."""

    status: int
    seconds: float


def run_task(task: Task) -> Ended:
    """Run to the end.

    The worker's standard input stays open as long as this process lives. Its end, however it comes, is the
    signal for the worker to end too, so a killed driver leaves no calculation behind.
    """
    started = time.monotonic()
    with (task.folder / task.log).open("wb") as log:
        try:
            status = _run(task, log)
        except OSError as error:  # no such program, or no right to run it
            log.write(f"{task.command[0]}: {error.strerror}\n".encode())
            status = 127
    return Ended(status, time.monotonic() - started)


def _run(task: Task, log: BinaryIO) -> int:
    with subprocess.Popen(
        task.command,
        cwd=task.folder,
        stdin=subprocess.PIPE,
        stdout=log,
        stderr=subprocess.STDOUT,
        env={**os.environ, **_ONE_THREAD},
        start_new_session=True,
    ) as process:
        # Waiting with the pipe open: leaving the block closes it, and with it the worker's life line.
        _LIVE.add(process)
        if _STOPPED.is_set():  # it was started while the others were stopped
            _kill(process)
        try:
            return process.wait()
        finally:
            _LIVE.discard(process)


def allow_tasks() -> None:
    """Let tasks run (again)."""
    _STOPPED.clear()


def stop_tasks() -> None:
    """Kill the process groups of all tasks that this process runs, and of any that start until `allow_tasks`."""
    _STOPPED.set()
    for process in list(_LIVE):
        _kill(process)


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
