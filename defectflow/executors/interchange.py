"""Parsl's interchange in a session of its own: ``python -m defectflow.executors.interchange``.

A signal to the driver's process group does not reach it, so Parsl's clean-up can talk to it; and it ends by itself when
its driver is gone, however that ended, so nothing goes on handing out work.
"""

from __future__ import annotations

import contextlib
import os
import runpy
import threading
import time

LOOK = 1.0  # s


def main() -> None:
    """Run the interchange of Parsl, whose settings come through standard input."""
    with contextlib.suppress(PermissionError):
        os.setsid()
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    runpy.run_module("parsl.executors.high_throughput.interchange", run_name="__main__")


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(LOOK)
    os._exit(0)


if __name__ == "__main__":
    main()
