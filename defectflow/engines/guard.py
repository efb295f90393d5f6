"""What keeps a worker process honest: it dies with its driver and never shares a folder."""

from __future__ import annotations

import errno
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

_NO_LOCKS = (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP)  # a file system mounted without them, as some Lustre are


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

    Where the file system knows no locks nothing is held: there ``driver.json`` alone keeps a second driver out.

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
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
            break
    file.truncate(0)
    file.write(f"process {os.getpid()} on {os.uname().nodename}: {' '.join(sys.argv[:2])}\n")
    file.flush()
    return file


def is_locked(path: Path) -> bool:
    """Whether another process holds the lock of `lock_file` on `path`; it is not made for the question."""
    try:
        with path.open(encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)  # shared: two who ask do not see each other
    except BlockingIOError:
        return True
    except OSError:
        pass  # there is none, this user may not read it, or the file system knows no locks
    return False


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
