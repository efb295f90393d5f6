"""Signs of life in files: touched while their owner lives, and their age by the file system's own clock."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BEAT = 15.0  # s between two touches
SILENT = 120.0  # s without one after which the owner counts as dead


@contextmanager
def beating(path: Path) -> Iterator[None]:
    """Touch a file while the block runs; a full disk or a lost mount is no reason to end it."""
    end = threading.Event()

    def beat() -> None:
        while not end.wait(BEAT):
            with contextlib.suppress(OSError):
                os.utime(path)

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join()


def age(path: Path, only_look: bool = False) -> float | None:
    """Seconds since the file was touched, None if it is not there.

    Hosts of a cluster have clocks of their own; what counts is the time that the file system gives to a new file,
    or this host's where `only_look` forbids to make one. A touch in the future of the file system's own clock is from
    before that was set back, and as old as it is far away.
    """
    now = time.time() if only_look else _file_time(path.parent)
    try:
        found = now - path.stat().st_mtime
        return max(0.0, found) if only_look else abs(found)
    except OSError:
        return None


def _file_time(folder: Path) -> float:
    probe = folder / f".clock.{os.uname().nodename}.{os.getpid()}"
    try:
        probe.touch()
        now = probe.stat().st_mtime
        probe.unlink()
    except OSError:
        return time.time()  # a folder that this user may only read, or a full disk
    return now
