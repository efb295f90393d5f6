"""What keeps a worker process honest: it dies with its driver and never shares a folder."""

from __future__ import annotations

import fcntl
import json
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

from defectflow.errors import DefectFlowError, LockedError
from defectflow.schema.jsonio import write_atomic


def die_with_parent() -> None:
    """End this process as soon as its standard input closes, which happens however the driver ends."""
    threading.Thread(target=_wait_for_end, daemon=True).start()


def _wait_for_end() -> None:
    try:
        while os.read(0, 1024):
            pass
    except OSError:
        pass
    os._exit(3)


def lock_file(path: Path, seconds: float = 0.0) -> IO[str]:
    """Hold an exclusive lock on `path` until the returned file is closed or the process ends.

    Raises
    ------
    LockedError
        If another process still holds it after `seconds`; the message says which.
    """
    file = path.open("a+", encoding="utf-8")
    deadline = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            if time.monotonic() >= deadline:
                file.seek(0)
                holder = file.read().strip() or "unknown"
                file.close()
                raise LockedError(f"is in use by {holder}", where=str(path.parent)) from None
            time.sleep(0.1)
    file.truncate(0)
    file.write(f"process {os.getpid()} on {os.uname().nodename}: {' '.join(sys.argv[:2])}\n")
    file.flush()
    return file


def run_worker(main: Callable[[Path], None], folder: Path) -> None:
    """Run a worker's main; a known error is written to ``error.json`` for the driver, and the status is 1."""
    try:
        main(folder)
    except DefectFlowError as error:
        document = {
            "kind": type(error).__name__,
            "what": error.what,
            "where": error.where,
            "todo": error.todo,
        }
        write_atomic(folder / "error.json", json.dumps(document).encode())
        print(error, file=sys.stderr, flush=True)
        os._exit(1)  # not sys.exit: under MPI the other ranks must end too
