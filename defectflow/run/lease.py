"""One driver a run folder, also across hosts that share it and where the file system knows no locks.

Two layers: a lock of the operating system (``.driver.lock``), which ends with its process; and ``driver.json``, which
names the driver and is touched while it lives. Another host believes it for as long as it is fresh. Its token goes with
every calculation: one that belongs to a driver that is no longer in charge is not started (see `Fence`).
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from defectflow.engines.guard import lock_file
from defectflow.errors import LockedError, ParseError
from defectflow.executors.signs import SILENT, age, beating
from defectflow.executors.tracks import DRIVER, Fence
from defectflow.schema.jsonio import read_json, write_atomic

LOCK = ".driver.lock"
CANCEL = ".cancel"  # there while somebody asks the driver to end


@contextmanager
def lease(folder: Path) -> Iterator[Fence]:
    """Hold a run folder for one driver.

    Raises
    ------
    LockedError
        If another driver holds it, here or on another host.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with lock_file(folder / LOCK, seconds=0.5):  # longer than somebody who only looks holds it
        _refuse_other_host(folder)
        fence = Fence(folder.resolve(), uuid.uuid4().hex)
        write_atomic(folder / DRIVER, json.dumps(_who(fence)).encode())
        with beating(folder / DRIVER):
            try:
                yield fence
            finally:
                with contextlib.suppress(OSError):
                    if fence.holds():
                        (folder / DRIVER).unlink()


def check_in_charge(fence: Fence) -> None:
    """Whether this driver still is.

    Raises
    ------
    LockedError
        If another one has taken over.
    """
    if not fence.holds():
        raise not_in_charge(fence.run)


def not_in_charge(folder: Path) -> LockedError:
    """Why this driver ends before its work does."""
    if not folder.is_dir():
        todo = "what was finished is in it; go on with: defectflow resume RUN, wherever it lies now"
        return LockedError("the run folder is gone (moved or deleted); this driver ends", where=str(folder), todo=todo)
    what = "another driver has taken over, or driver.json was deleted; this one ends"
    return LockedError(what, where=str(folder), todo="see: defectflow status")


@contextmanager
def cancelling(folder: Path, seconds: float = 90.0) -> Iterator[None]:
    """Ask the driver of a folder to end, wherever it runs, and hold the folder once it has.

    Raises
    ------
    LockedError
        If it still goes on after `seconds`.
    """
    request = folder / CANCEL
    request.touch()
    try:
        _wait_until_free(folder, time.monotonic() + seconds)
        with lease(folder):
            yield
    finally:
        request.unlink(missing_ok=True)


def _wait_until_free(folder: Path, end: float) -> None:
    while who := driver_of(folder):
        if time.monotonic() > end:
            raise LockedError(f"{who} does not end", where=str(folder), todo="end it there, then cancel again")
        time.sleep(0.5)


def cancel_requested(folder: Path) -> bool:
    """Whether somebody asked the driver to end."""
    return (folder / CANCEL).exists()


def driver_of(folder: Path, only_look: bool = False) -> str:
    """Who drives the folder now, empty if nobody does; see `age` for `only_look`."""
    seen = age(folder / DRIVER, only_look)
    if seen is None or seen > SILENT:
        return ""
    try:
        record = read_json(folder / DRIVER)
    except ParseError:
        return ""
    if not _of_this_folder(record, folder):
        return ""
    if record.get("host") == socket.gethostname() and not _alive(record.get("pid")):
        return ""
    return f"process {record.get('pid')} on {record.get('host')}"


def _refuse_other_host(folder: Path) -> None:
    try:
        record = read_json(folder / DRIVER)
    except ParseError:
        return
    host = record.get("host")
    if not isinstance(host, str) or not _of_this_folder(record, folder):
        return
    seen = age(folder / DRIVER)
    if host != socket.gethostname() and seen is not None and seen < SILENT:
        todo = f"stop it there, or wait: without a sign of it for {SILENT:.0f} s it counts as dead"
        raise LockedError(f"is in use by a driver on {host}, seen {seen:.0f} s ago", where=str(folder), todo=todo)


def _who(fence: Fence) -> dict[str, object]:
    here = {"host": socket.gethostname(), "pid": os.getpid(), "inode": fence.run.stat().st_ino}
    return {"token": fence.token, "started": time.time(), **here}


def _of_this_folder(record: Mapping[str, object], folder: Path) -> bool:
    # A copy of a folder is not driven by the driver of the original.
    return record.get("inode", folder.stat().st_ino) == folder.stat().st_ino


def _alive(pid: object) -> bool:
    if not isinstance(pid, int) or pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except (OverflowError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    return True
