"""What a scheduler job runs: Parsl's workers, watched: ``python -m defectflow.executors.pool RUN TOKEN COMMAND...``.

Where the driver is gone or another one has taken over, the calculations that run here go on to their end, and then the
job ends instead of waiting for its walltime.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

from defectflow.executors.signs import age
from defectflow.executors.tracks import DRIVER, Fence

LOOK = 5.0  # s
PATIENCE = 300.0  # s without a sign of the driver after which it is gone


def main(run: Path, token: str, command: list[str]) -> int:
    """Run the workers until they end or are no longer needed."""
    workers = subprocess.Popen(command)
    signal.signal(signal.SIGTERM, lambda *_: workers.terminate())
    while workers.poll() is None:
        time.sleep(LOOK)
        if not _needed(run, token) and not _busy(workers.pid):
            print("the driver is gone and nothing runs here: this job ends", flush=True)
            workers.kill()
            return 0
    return workers.returncode


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
    sys.exit(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3:]))
