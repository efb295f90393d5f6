"""One driver a run folder, also where hosts share it and know no locks of each other."""

import errno
import json
import os
import shutil
import socket
import time

import pytest

from defectflow.engines.guard import is_locked, lock_file
from defectflow.errors import LockedError, ParseError
from defectflow.executors import FENCED, Fence, Task, run_task
from defectflow.executors.tracks import DRIVER
from defectflow.run.cluster import cluster_tag
from defectflow.run.lease import LOCK, check_in_charge, driver_of, lease


def other_host(folder, seconds_ago):
    record = {"token": "theirs", "host": "login2", "pid": 7, "started": 0.0}
    (folder / DRIVER).write_text(json.dumps(record))
    then = time.time() - seconds_ago
    os.utime(folder / DRIVER, (then, then))


def test_a_lease_names_its_driver_and_leaves_nothing(tmp_path):
    with lease(tmp_path):
        assert driver_of(tmp_path).startswith(f"process {os.getpid()} on ")
    assert driver_of(tmp_path) == ""
    assert not (tmp_path / DRIVER).exists()


def test_a_second_lease_is_refused(tmp_path):
    with lease(tmp_path), pytest.raises(LockedError, match=f"process {os.getpid()}"), lease(tmp_path):
        pass


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_is_no_obstacle(tmp_path, monkeypatch, number):
    """As Lustre mounted without flock: every driver and worker ended with "Function not implemented"."""

    def flock(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("fcntl.flock", flock)
    with lease(tmp_path):
        assert driver_of(tmp_path).startswith(f"process {os.getpid()} on ")


def test_who_asks_for_the_lock_leaves_none(tmp_path):
    """`status` of a folder that never had a driver left .driver.lock there."""
    assert not is_locked(tmp_path / LOCK)
    assert not (tmp_path / LOCK).exists()


def test_a_held_lock_is_seen(tmp_path):
    with lock_file(tmp_path / LOCK):
        assert is_locked(tmp_path / LOCK)


def test_a_driver_on_another_host_is_believed_while_it_gives_signs(tmp_path):
    other_host(tmp_path, seconds_ago=30)
    assert driver_of(tmp_path) == "process 7 on login2"
    with pytest.raises(LockedError, match="in use by a driver on login2, seen 3"), lease(tmp_path):
        pass


def test_a_driver_on_another_host_that_is_silent_counts_as_dead(tmp_path):
    other_host(tmp_path, seconds_ago=300)
    with lease(tmp_path) as fence:
        assert fence.token != "theirs"


def test_a_driver_that_lost_its_folder_ends(tmp_path):
    with lease(tmp_path) as fence:
        check_in_charge(fence)
        other_host(tmp_path, seconds_ago=0)
        with pytest.raises(LockedError, match="another driver has taken over"):
            check_in_charge(fence)
    assert json.loads((tmp_path / DRIVER).read_text())["token"] == "theirs"


def test_a_calculation_of_a_driver_that_is_no_longer_in_charge_is_not_started(tmp_path):
    task = Task(("touch", "started"), tmp_path, fence=Fence(tmp_path, "mine"))
    other_host(tmp_path, seconds_ago=0)
    assert run_task(task).status == FENCED
    assert not (tmp_path / "started").exists()


def test_a_copied_folder_does_not_take_the_jobs_of_the_original_for_its_own(tmp_path):
    (tmp_path / "run").mkdir()
    tag = cluster_tag(tmp_path / "run")
    shutil.copytree(tmp_path / "run", tmp_path / "copy")
    assert cluster_tag(tmp_path / "run") == tag
    assert cluster_tag(tmp_path / "copy") != tag


def test_a_moved_folder_keeps_its_jobs(tmp_path):
    (tmp_path / "run").mkdir()
    tag = cluster_tag(tmp_path / "run")
    (tmp_path / "run").rename(tmp_path / "moved")
    assert cluster_tag(tmp_path / "moved") == tag


def test_a_copied_folder_is_not_driven_by_the_driver_of_the_original(tmp_path):
    with lease(tmp_path / "run"):
        shutil.copytree(tmp_path / "run", tmp_path / "copy")
        assert driver_of(tmp_path / "run")
        assert driver_of(tmp_path / "copy") == ""


@pytest.mark.parametrize("pid", [0, -1, 99999999999999999999, None, "7", [1]])
def test_a_damaged_process_number_is_no_driver(tmp_path, pid):
    record = {"token": "x", "host": socket.gethostname(), "pid": pid}
    (tmp_path / DRIVER).write_text(json.dumps(record))
    assert driver_of(tmp_path) == ""


@pytest.mark.parametrize("text", ["", '{"ke', '{"key": null}', "[]"])
def test_a_damaged_mark_is_an_error_and_never_replaced(tmp_path, text):
    """With a new mark the jobs that run would be forgotten, and calculated again beside themselves."""
    cluster_tag(tmp_path)
    mark = tmp_path / "cluster" / "mark.json"
    mark.write_text(text)
    with pytest.raises(ParseError):
        cluster_tag(tmp_path)
    assert mark.read_text() == text


def test_a_driver_seen_in_the_future_counts_as_dead(tmp_path):
    """The clock of the file system was set back an hour: the folder was "in use, seen 0 s ago" for that hour."""
    other_host(tmp_path, seconds_ago=-3600)
    with lease(tmp_path) as fence:
        assert fence.token != "theirs"
