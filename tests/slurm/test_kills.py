"""A study on a real SLURM, whatever is killed: the same results, and no calculation comes to its end twice."""

import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from defectflow.run.collect import collect
from tests.slurm.conftest import Run, wait_for

pytestmark = pytest.mark.slow


def check(run, entries):
    """The stored energies, each calculated exactly once."""
    assert [e.result.e0 for e in collect(run.study())] == [e.result.e0 for e in entries]
    assert run.ended() == {job.path: 1 for job in run.study().jobs}


def ends(driver):
    text, _ = driver.communicate(timeout=400)
    assert driver.returncode == 0, text


def jobs_of(run):
    from defectflow.run.cluster import cluster_tag
    from defectflow.schedulers import get_scheduler

    return get_scheduler("slurm").tagged(cluster_tag(run.folder))


def interchange_of(driver):
    """The process that hands out Parsl's tasks."""
    for child in psutil.Process(driver.pid).children():
        if any("interchange" in word for word in (child.name(), *child.cmdline())):
            return child
    return None


def test_a_study_runs_to_the_end_and_leaves_no_scheduler_job(run, entries):
    run.finish()
    check(run, entries)
    wait_for(lambda: not jobs_of(run))


def test_a_second_run_sends_nothing_whatever_parsl_left(run, entries):
    """What is done is known from the results: Parsl's own records may be cut off or gone.

    Nor is anything started by its bare name: Parsl would take interchange.py and process_worker_pool.py from PATH.
    """
    run.environment["PATH"] = "/usr/bin:/bin"
    run.finish()
    shutil.rmtree(run.folder / "cluster")
    run.finish()
    check(run, entries)


def test_a_killed_drivers_calculations_go_on_and_the_next_driver_takes_them_over(run, entries):
    run.environment["DEFECTFLOW_REPLAY_STEP"] = "0.6"
    driver = run.start()
    run.until(4)
    driver.kill()
    driver.communicate()
    before = run.until(1)
    text = run.finish()
    check(run, entries)
    assert any(re.search(f"done +{folder.relative_to(run.folder)}", text) for folder in before)
    assert run.lost() == []


def test_a_killed_driver_leaves_no_interchange_and_no_scheduler_job_in_which_nothing_runs(run):
    """Parsl's interchange would hand out work, and its jobs would wait, until the walltime."""
    run.environment["DEFECTFLOW_REPLAY_STEP"] = "0.05"
    driver = run.start()
    run.until(1)
    interchange = interchange_of(driver)
    driver.kill()
    driver.communicate()
    interchange.wait(10)
    (run.folder / "driver.json").unlink()  # as after the silence that makes a driver count as dead
    wait_for(lambda: not jobs_of(run), 60)


def test_a_killed_worker_is_started_again_and_not_counted_as_a_failure(run, entries):
    driver = run.start()
    folder = next(iter(run.until(3)))
    found = subprocess.run(["pgrep", "-f", f"replay.worker {folder}"], capture_output=True, text=True, check=True)
    os.kill(int(found.stdout.split()[0]), signal.SIGKILL)
    ends(driver)
    check(run, entries)
    assert len(run.lost()) == 1
    assert "signal 9" in run.lost()[0]


def test_a_cancelled_scheduler_job_is_replaced_and_its_words_are_kept(run, entries):
    run.environment["DEFECTFLOW_REPLAY_STEP"] = "0.5"
    driver = run.start()
    tracks = run.until(3)
    subprocess.run(["scancel", next(iter(tracks.values())).job], check=True)
    ends(driver)
    check(run, entries)
    assert any("CANCELLED" in words for words in run.lost())


def test_a_requeued_scheduler_job_runs_nothing_twice(run, entries):
    run.environment["DEFECTFLOW_REPLAY_STEP"] = "0.5"
    driver = run.start()
    tracks = run.until(3)
    subprocess.run(["scontrol", "requeue", next(iter(tracks.values())).job], check=True)
    ends(driver)
    check(run, entries)


def test_a_stopped_and_started_slurmd_costs_nothing(run, entries):
    driver = run.start()
    run.until(3)
    daemons = sorted(_slurm_dir().glob("slurmd-*.pid"))
    for pid_file in daemons:
        os.kill(int(pid_file.read_text()), signal.SIGTERM)
    time.sleep(3)
    for pid_file in daemons:
        subprocess.run(["slurmd", "-N", pid_file.stem.removeprefix("slurmd-")], check=True)
    ends(driver)
    check(run, entries)


def _slurm_dir():
    text = subprocess.run(["scontrol", "show", "config"], capture_output=True, text=True, check=True).stdout
    return Path(re.search(r"SlurmctldPidFile\s*= (\S+)", text).group(1)).parent


def test_a_signal_to_the_whole_process_group_ends_the_driver_soon(run, entries):
    """What logging out sends. With the interchange in the group, Parsl's clean-up waited for over an hour."""
    driver = run.start()
    run.until(2)
    started = time.monotonic()
    os.killpg(driver.pid, signal.SIGHUP)
    text, _ = driver.communicate(timeout=60)
    assert driver.returncode == 130, text
    assert "takes it over" in text
    assert time.monotonic() - started < 45
    run.finish()
    check(run, entries)


def test_a_second_driver_is_kept_out(run):
    first = run.start()
    run.until(2)
    text = run.finish(status=2)
    assert f"is in use by process {first.pid}" in text
    ends(first)


def test_a_full_disk_ends_the_driver_with_a_message_and_loses_nothing(slurm, tmp_path, write_site, entries):
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(small)], check=False)
    if mounted.returncode != 0:
        pytest.skip("no small file system can be mounted here")
    try:
        run = Run(small, write_site(tmp_path))
        run.counter = tmp_path / "count"
        run.environment["DEFECTFLOW_REPLAY_COUNT"] = str(run.counter)
        driver = run.start()
        run.until(2)
        filler = small / "filler"
        with pytest.raises(OSError, match="No space"):
            filler.write_bytes(b"0" * 13_000_000)
        text, _ = driver.communicate(timeout=120)
        assert driver.returncode == 2, text
        assert "No space left on device" in text
        filler.unlink()
        run.finish()
        assert [e.result.e0 for e in collect(run.study())] == [e.result.e0 for e in entries]
    finally:
        subprocess.run(["umount", "-l", str(small)], check=True)
