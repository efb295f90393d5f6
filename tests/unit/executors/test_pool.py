"""The watch over Parsl's workers in a scheduler job; a sleeping process stands for the workers."""

import json
import signal
import subprocess
import sys
import time

import psutil
import pytest

from defectflow.executors.pool import DRAIN, _drained
from defectflow.executors.tracks import DRIVER


@pytest.fixture
def pool(tmp_path):
    """The watch with workers that sleep, and a driver in charge."""
    (tmp_path / DRIVER).write_text(json.dumps({"token": "mine"}))
    child = "import subprocess, time; subprocess.Popen(['sleep', '600']); time.sleep(600)"
    workers = [sys.executable, "-c", child]
    command = [sys.executable, "-m", "defectflow.executors.pool", str(tmp_path), "mine", "60", *workers]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        end = time.monotonic() + 20
        while not (children := psutil.Process(process.pid).children()) and time.monotonic() < end:
            time.sleep(0.05)
        yield process, children[0]
        process.kill()


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGKILL])
def test_workers_never_outlive_the_job_that_was_cancelled(pool, sent):
    """A scheduler that cannot find a job's orphans leaves them running."""
    process, workers = pool
    process.send_signal(sent)
    workers.wait(10)
    assert not workers.is_running()


def test_a_cancelled_job_leaves_nothing_of_its_workers(pool):
    process, workers = pool
    while not (theirs := workers.children()):
        time.sleep(0.05)
    process.terminate()
    theirs[0].wait(10)
    assert not theirs[0].is_running()


def test_workers_that_lost_their_manager_are_found_too(pool):
    """A scheduler tells all processes of a job to end at once; Parsl's manager does, its workers do not."""
    process, workers = pool
    while not (theirs := workers.children()):
        time.sleep(0.05)
    workers.kill()
    process.terminate()
    theirs[0].wait(10)
    assert not theirs[0].is_running()


def test_the_job_ends_when_another_driver_has_taken_over_and_nothing_runs(pool, tmp_path):
    (tmp_path / DRIVER).write_text(json.dumps({"token": "theirs"}))
    assert pool[0].wait(20) == 0


def test_the_last_start_is_counted_from_the_schedulers_clock():
    assert _drained(["x", f"{DRAIN}99"], 1000.0, 300.0) == ["x", f"{DRAIN}697"]
    assert _drained(["x", f"{DRAIN}99"], 310.0, 300.0) == ["x", f"{DRAIN}20"]
    assert _drained(["x", f"{DRAIN}99"], None, 300.0) == ["x", f"{DRAIN}99"]
