"""One command in one folder, the unit that an executor runs."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from defectflow.executors.signs import beating
from defectflow.executors.tracks import TRACK, Fence, Track
from defectflow.schedulers.walltime import seconds_left
from defectflow.schema.jsonio import write_atomic

_STOPPED = threading.Event()
_LIVE: set[subprocess.Popen[bytes]] = set()
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

# Statuses of `Ended` that no process can have.
FENCED = -1001  # its driver is no longer the one of the run folder; nothing was started
NO_TIME = -1002  # its scheduler job ends too soon; nothing was started
LOST = -1003  # the scheduler job or its worker is gone


@dataclass(frozen=True)
class Task:
    """A command and the folder it runs in; its output goes to ``log`` there.

    Attributes
    ----------
    threads : int
        Threads of each rank.
    margin : float
        Seconds before the end of the scheduler job in which nothing is started; zero where there is no such end.
    fence : Fence or None
        What tells whether the driver that asked for this is still in charge.
    """

    command: tuple[str, ...]
    folder: Path
    log: str = "worker.log"
    threads: int = 1
    margin: float = 0.0
    fence: Fence | None = None


@dataclass(frozen=True)
class Ended:
    """Exit status of a command (negative: the signal that ended it, or one of the above) and its wall time (s)."""

    status: int
    seconds: float
    words: str = ""


def run_task(task: Task) -> Ended:
    """Run to the end.

    The worker's standard input stays open as long as this process lives. Its end, however it comes, is the
    signal for the worker to end too, so a killed driver leaves no calculation behind.
    """
    if task.fence is not None and not task.fence.holds():
        return Ended(FENCED, 0.0, "another driver has taken over")
    left = seconds_left(os.environ, time.time()) if task.margin else None
    if left is not None and left < task.margin:
        return Ended(NO_TIME, 0.0, f"its scheduler job ends in {left:.0f} s")
    started, clock = time.time(), time.monotonic()  # a clock that is set back must not make the time negative
    track = Track.here(started)
    _note(task, track)
    with beating(task.folder / TRACK):
        status = _logged(task, None if left is None else started + left)
    seconds = time.monotonic() - clock
    _note(task, track.ended_with(status, seconds))
    return Ended(status, seconds)


def _note(task: Task, track: Track) -> None:
    write_atomic(task.folder / TRACK, json.dumps(track.document(), indent=1).encode())


def _logged(task: Task, end: float | None) -> int:
    with (task.folder / task.log).open("wb") as log:
        try:
            return _run(task, log, _environment(task, end))
        except OSError as error:  # no such program, or no right to run it
            log.write(f"{task.command[0]}: {error.strerror}\n".encode())
            return 127


def _environment(task: Task, end: float | None) -> dict[str, str]:
    extra = dict.fromkeys(_THREADS, str(task.threads))
    if end is not None:
        extra |= {"DEFECTFLOW_END_TIME": f"{end:.0f}", "DEFECTFLOW_MARGIN": f"{task.margin:g}"}
        extra |= {"DEFECTFLOW_VASP_MARGIN": os.environ.get("DEFECTFLOW_VASP_MARGIN") or f"{task.margin:g}"}
    return {**os.environ, **extra}


def _run(task: Task, log: BinaryIO, env: dict[str, str]) -> int:
    with subprocess.Popen(
        task.command,
        cwd=task.folder,
        stdin=subprocess.PIPE,
        stdout=log,
        stderr=subprocess.STDOUT,
        env=env,
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


def _kill(process: subprocess.Popen[Any]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
