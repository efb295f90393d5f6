"""What a scheduler job runs: Parsl's workers, watched.

``python -m defectflow.executors.pool RUN TOKEN MARGIN COMMAND...``

The workers take no new calculation from MARGIN seconds before the job ends, by the scheduler's clock. Where the driver
is gone or another one has taken over, the calculations that run here go on to their end, and then the job ends instead
of waiting for its walltime.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from defectflow.executors.signs import age
from defectflow.executors.tracks import DRIVER, Fence
from defectflow.schedulers.walltime import seconds_left

LOOK = 5.0  # s
SPARE = 3.0  # s between the last start of a calculation and the margin
WORKER_START = 20.0  # s; workers that take nothing before they have started would be sent again for ever
DRAIN = "--drain_period="
PATIENCE = 300.0  # s without a sign of the driver after which it is gone


def main(run: Path, token: str, margin: float, command: list[str]) -> int:
    """Run the workers until they end or are no longer needed; nothing of them is left then."""
    _adopt_orphans()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    drained = _drained(command, seconds_left(os.environ, time.time()), margin)
    workers = subprocess.Popen(drained, preexec_fn=_die_with_parent)  # noqa: PLW1509  (this process has one thread)
    try:
        while workers.poll() is None:
            time.sleep(LOOK)
            if not _needed(run, token) and not _busy(workers.pid):
                print("the driver is gone and nothing runs here: this job ends", flush=True)
                return 0
        return workers.returncode
    finally:
        _kill_descendants()


# Not every scheduler finds what is left of a cancelled job, and Parsl's workers outlive their manager; Linux does.


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def _adopt_orphans() -> None:
    ctypes.CDLL(None).prctl(36, 1)  # PR_SET_CHILD_SUBREAPER


def _kill_descendants() -> None:
    import psutil

    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            process.kill()


def _drained(command: list[str], left: float | None, margin: float) -> list[str]:
    if left is None:
        return command  # nobody tells: the walltime that was asked for stands there
    period = max(left - margin - SPARE, WORKER_START)
    return [f"{DRAIN}{period:.0f}" if word.startswith(DRAIN) else word for word in command]


def _needed(run: Path, token: str) -> bool:
    return Fence(run, token).holds() and (age(run / DRIVER) or 0.0) < PATIENCE


def _busy(pid: int) -> bool:
    # A worker that runs a calculation has a child; a waiting one has none.
    import psutil

    try:
        return any(worker.children() for worker in psutil.Process(pid).children())
    except psutil.Error:
        return False


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2], float(sys.argv[3]), sys.argv[4:]))
