"""The driver with the replay engine: real stored results, real processes, nothing calculated."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest

from defectflow.engines import get_engine
from defectflow.errors import InputError, LockedError
from defectflow.executors import LocalExecutor
from defectflow.inputs import plan_jobs
from defectflow.resources import resource
from defectflow.run import RunOptions, Study, run_study
from defectflow.run.collect import collect
from defectflow.schema import CalcResult, JobState, load_recipe
from defectflow.schema.jsonio import load_record, save_record

QUICK = resource("workflows", "quick.toml")
FAST = RunOptions(poll=0.05)


def run(folder, jobs=4):
    study = Study.create(folder, QUICK, "replay")
    with LocalExecutor(jobs) as executor:
        return study, run_study(study, get_engine("replay"), executor, FAST)


def attempts(study):
    return {job.path: study.state(job.path).attempts for job in study.jobs}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    return run(tmp_path_factory.mktemp("finished") / "run")


@pytest.fixture
def copied(tmp_path, finished):
    """A copy of the finished study, in which one job may not have been started yet."""

    def call(without=None):
        folder = shutil.copytree(finished[0].folder, tmp_path / "run")
        if without:
            shutil.rmtree(folder / without)
        return Study.open(folder)

    return call


def test_a_study_runs_to_the_end_and_every_result_says_that_it_was_replayed(finished):
    study, states = finished
    assert set(states.values()) == {"done"}
    assert all("replayed, not calculated" in study.result(j.path).warnings[-1] for j in study.jobs)


def test_a_second_run_starts_nothing(finished):
    study, _ = finished
    before = attempts(study)
    assert set(run(study.folder)[1].values()) == {"done"}
    assert attempts(study) == before


def test_the_replayed_energies_are_those_of_the_store(finished, entries):
    for replayed, stored in zip(collect(finished[0]), entries, strict=True):
        assert replayed.result.e0 == stored.result.e0


def _driver(folder, **environment):
    command = [sys.executable, "-m", "defectflow.cli.main", "run", str(QUICK), "-o", str(folder), "--engine", "replay"]
    return subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env={**os.environ, **environment}, text=True
    )


def _workers(folder):
    found = subprocess.run(["pgrep", "-f", f"replay.worker {folder}"], capture_output=True, text=True, check=False)
    return [int(pid) for pid in found.stdout.split()]


def _wait_for(condition, seconds=30.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "timed out"
        time.sleep(0.02)


@pytest.mark.slow
def test_killed_at_twenty_random_moments_it_loses_and_repeats_nothing(tmp_path, finished):
    """SIGKILL to driver and workers in turn; then the same numbers, and no finished job was started again."""
    folder, chance, done_before = tmp_path / "run", random.Random(20), {}
    for kill in range(20):
        driver = _driver(folder, DEFECTFLOW_REPLAY_STEP="0.05")
        time.sleep(chance.uniform(0.3, 3.0))
        if kill % 2 and (workers := _workers(folder)):
            os.kill(chance.choice(workers), signal.SIGKILL)
            time.sleep(chance.uniform(0.0, 0.3))
        driver.kill()
        driver.communicate()
        _wait_for(lambda: not _workers(folder))
        _check_nothing_ran_twice(folder, done_before)
    study, states = run(folder)
    assert set(states.values()) == {"done"}
    _check_nothing_ran_twice(folder, done_before)
    for again, once in zip(collect(study), collect(finished[0]), strict=True):
        assert again.result.e0 == once.result.e0
        assert np.array_equal(again.result.eigenvalues, once.result.eigenvalues)


def _check_nothing_ran_twice(folder, done_before):
    """A job whose result was there at the last look has the same file still: it was not made again."""
    if not (folder / "study.json").is_file():
        return
    for path in folder.rglob("result.json"):
        made = path.stat().st_mtime_ns
        assert done_before.setdefault(path, made) == made, path


def test_a_killed_driver_leaves_no_worker_behind(tmp_path):
    driver = _driver(tmp_path / "run", DEFECTFLOW_REPLAY_STEP="5")
    _wait_for(lambda: _workers(tmp_path / "run"))
    driver.kill()
    driver.communicate()
    _wait_for(lambda: not _workers(tmp_path / "run"), seconds=5)


def test_a_second_driver_is_kept_out_and_told_who_holds_the_study(tmp_path):
    folder = tmp_path / "run"
    first = _driver(folder, DEFECTFLOW_REPLAY_STEP="5")
    _wait_for(lambda: _workers(folder))
    before = {p: p.read_bytes() for p in (folder / "study.json", folder / "study.toml")}
    second = _driver(folder)
    _, message = second.communicate(timeout=60)
    first.kill()
    first.communicate()
    assert second.returncode == 2
    assert f"is in use by process {first.pid}" in message
    assert before == {p: p.read_bytes() for p in before}


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("delay", [0.0, 0.2, 1.0])
def test_ctrl_c_stops_the_queue_and_the_workers_before_it_lets_the_study_go(tmp_path, sent, delay):
    folder = tmp_path / "run"
    driver = _driver(folder, DEFECTFLOW_REPLAY_STEP="5")
    _wait_for(lambda: _workers(folder))
    time.sleep(delay)
    driver.send_signal(sent)
    _, message = driver.communicate(timeout=60)
    assert driver.returncode == 130
    assert "goes on where it was" in message
    assert not _workers(folder)
    assert len(list(folder.rglob("job.json"))) >= 1


def test_an_output_that_a_killed_driver_left_behind_is_kept(copied):
    """The worker ended well, the driver did not live to collect it: it must not run again."""
    study = copied()
    place = study.folder / "pairs/C_O-C_O_s2_d4.25/FM/static"
    for suffix in (".json", ".npz"):
        (place / f"result{suffix}").rename(place / f"output{suffix}")
    text = (place / "output.json").read_text()
    assert set(run(study.folder)[1].values()) == {"done"}
    assert attempts(study)["pairs/C_O-C_O_s2_d4.25/FM/static"] == 1
    assert (place / "result.json").read_text() == text


def test_a_state_that_a_killed_driver_did_not_write_is_repaired(copied):
    study = copied()
    path = "bulk/static"
    study.set_state(path, JobState("submitted", study.state(path).input_hash, "replay", 1))
    run(study.folder)
    assert study.state(path).state == "done"


def test_a_file_of_the_users_own_is_never_taken_for_ours(tmp_path):
    (tmp_path / "study.toml").write_text("precious")
    with pytest.raises(InputError, match="neither empty nor a run folder"):
        Study.create(tmp_path, QUICK, "replay")
    assert (tmp_path / "study.toml").read_text() == "precious"


def test_status_tells_interrupted_and_stale_jobs_from_good_ones(copied, defectflow):
    study = copied()
    study.set_state("bulk/static", JobState("submitted", study.state("bulk/static").input_hash, "replay", 1))
    (study.folder / "pairs/C_O-C_O_s4_d6.01/AF/static/result.json").unlink()
    done = defectflow("status", study.folder, "--json")
    states = {j["path"]: j["state"] for j in json.loads(done.stdout)["jobs"]}
    assert (states["bulk/static"], states["pairs/C_O-C_O_s4_d6.01/AF/static"]) == ("interrupted", "stale")
    assert done.returncode == 1


@pytest.mark.parametrize("left", [".study.json.123.tmp", ".driver.lock"])
def test_a_folder_that_was_killed_in_the_making_can_be_used(tmp_path, left):
    (tmp_path / left).write_text("half")
    assert Study.create(tmp_path, QUICK, "replay").recipe.name == "quick"


def test_an_unconverged_job_is_tried_again(faulty):
    study, state = faulty("unconverged")
    assert state == "unconverged"
    assert set(run(study.folder)[1].values()) == {"done"}


@pytest.fixture
def faulty(copied, monkeypatch):
    """The finished study but for one job, which has a fault in its first run."""

    def call(fault, path="pairs/C_O-C_O_s4_d6.01/AF/static"):
        monkeypatch.setenv("DEFECTFLOW_REPLAY_FAULT", f"{fault}@{path.split('/', 1)[1]}")
        study, states = run(copied(without=path).folder)
        monkeypatch.delenv("DEFECTFLOW_REPLAY_FAULT")
        return study, states[path]

    return call


@pytest.mark.parametrize(
    ("fault", "message"),
    [("killed", "killed by signal 9"), ("crash", "asked to crash"), ("cut", "perhaps cut off")],
)
def test_a_fault_fails_one_job_with_its_reason_and_the_next_run_mends_it(faulty, fault, message):
    study, state = faulty(fault)
    assert state == "failed"
    assert message in study.state("pairs/C_O-C_O_s4_d6.01/AF/static").error
    assert sum(e.result is None for e in collect(study)) == 1
    assert set(run(study.folder)[1].values()) == {"done"}


def test_an_unconverged_run_is_said_to_be_so(faulty):
    assert faulty("unconverged")[1] == "unconverged"


def test_a_flipped_moment_is_found_by_verify(faulty, defectflow):
    study, state = faulty("flipped")
    checked = defectflow("verify", study.folder, "--json")
    failed = [p["label"] for p in json.loads(checked.stdout)["pairs"] if not p["certificate"]["passed"]]
    assert (state, checked.returncode, failed) == ("done", 1, ["4"])


@pytest.mark.parametrize("name", ["result.json", "result.npz"])
def test_a_damaged_result_is_run_again(copied, name):
    study = copied()
    path = study.folder / "pairs/C_O-C_O_s2_d4.25/FM/static" / name
    path.write_bytes(path.read_bytes()[:-50])
    _, states = run(study.folder)
    assert set(states.values()) == {"done"}
    assert {p: n for p, n in attempts(study).items() if n == 2} == {"pairs/C_O-C_O_s2_d4.25/FM/static": 2}


def test_a_result_of_other_inputs_is_not_believed(copied):
    folder = copied().folder
    path = folder / "pairs/C_O-C_O_s2_d4.25/FM/static/result.json"
    save_record(replace(load_record(CalcResult, path), input_hash="0" * 64), path)
    entry = next(e for e in collect(Study.open(folder)) if e.name == "pair 2 FM")
    assert entry.result is None
    assert "made from other inputs" in entry.missing


@pytest.mark.parametrize(("old", "new"), [('"e0": -', '"e0": -1'), ('"moment_drift": ', '"moment_drift": NaN, "x": ')])
def test_a_result_that_was_edited_by_hand_is_not_believed(copied, old, new):
    folder = copied().folder
    path = folder / "pairs/C_O-C_O_s2_d4.25/FM/static/result.json"
    path.write_text(path.read_text().replace(old, new, 1))
    assert next(e for e in collect(Study.open(folder)) if e.name == "pair 2 FM").result is None
    assert set(run(folder)[1].values()) == {"done"}


def test_a_folder_of_another_recipe_is_refused_and_left_as_it_was(tmp_path, recipe_file, finished):
    before = (finished[0].folder / "study.json").read_bytes()
    with pytest.raises(InputError, match="was made with another recipe"):
        Study.create(finished[0].folder, recipe_file(("340 eV", "360 eV")), "replay")
    assert (finished[0].folder / "study.json").read_bytes() == before


def test_a_folder_in_which_nothing_was_prepared_takes_the_corrected_recipe(tmp_path, recipe_file):
    Study.create(tmp_path / "run", QUICK, "replay")
    study = Study.create(tmp_path / "run", recipe_file(("340 eV", "360 eV")), "replay")
    assert Study.open(study.folder).recipe.settings.cutoff == 360.0


def test_a_folder_that_was_moved_is_not_taken_over_by_anybody(tmp_path):
    from defectflow.run.lease import not_in_charge

    assert "moved or deleted" in not_in_charge(tmp_path / "gone").what
    assert "another driver" in not_in_charge(tmp_path).what


def test_a_folder_with_other_files_is_refused(tmp_path):
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(InputError, match="neither empty nor a run folder"):
        Study.create(tmp_path, QUICK, "replay")


def test_inputs_without_a_stored_run_are_refused_not_invented(tmp_path, recipe_file):
    study = Study.create(tmp_path / "run", recipe_file(("340 eV", "360 eV")), "replay")
    with LocalExecutor(2) as executor:
        states = run_study(study, get_engine("replay"), executor, FAST)
    assert set(states.values()) == {"failed", "blocked"}
    assert "no stored run" in study.state("bulk/static").error


def test_a_held_lock_is_an_error_with_its_holder(tmp_path):
    study = Study.create(tmp_path / "run", QUICK, "replay")
    with study.lock(), pytest.raises(LockedError, match=f"process {os.getpid()}"):
        study.lock()


def test_children_wait_for_their_parents(finished):
    study, _ = finished
    times = {p: (study.folder / p / "result.json").stat().st_mtime_ns for p in ("bulk/static", "bulk/dos")}
    assert times["bulk/static"] < times["bulk/dos"]
    assert [j.parent for j in plan_jobs(load_recipe(QUICK))][:2] == [None, "bulk/static"]


CRASHED = "pairs/C_O-C_O_s5_d7.36/FM/static"


@pytest.fixture
def crashed(faulty):
    """A study of which one calculation failed by itself and none was lost."""
    study, state = faulty("crash", CRASHED)
    assert state == "failed"
    return study


def _go_on(study, **options):
    with LocalExecutor(4) as executor:
        return run_study(study, get_engine("replay"), executor, replace(FAST, **options))


def test_what_failed_by_itself_is_kept_as_it_is_where_only_lost_work_is_retried(crashed):
    assert _go_on(crashed, keep_failed=True)[CRASHED] == "failed"
    assert crashed.state(CRASHED).attempts == 1


def test_a_named_job_is_run_again_all_the_same(crashed):
    assert _go_on(crashed, keep_failed=True, rerun=frozenset([CRASHED]))[CRASHED] == "done"
    assert crashed.state(CRASHED).attempts == 2


def test_a_killed_calculation_is_sent_again_where_retries_are_given(copied, monkeypatch):
    monkeypatch.setenv("DEFECTFLOW_REPLAY_FAULT", "killed-once@s5_d7.36/FM")
    study = copied(without=CRASHED)
    assert _go_on(study, retries=1)[CRASHED] == "done"
    assert study.state(CRASHED).attempts == 1
    assert study.state(CRASHED).lost == ("killed by signal 9 from outside, perhaps for memory",)


def test_a_calculation_stopped_before_its_walltime_goes_on_where_it_was(tmp_path, monkeypatch):
    monkeypatch.setenv("DEFECTFLOW_REPLAY_STEP", "0.1")
    monkeypatch.setenv("DEFECTFLOW_END_TIME", str(time.time() + 302.5))
    study = Study.create(tmp_path / "run", QUICK, "replay")
    stopped = [path for path, state in _go_on(study).items() if state == "stopped"]
    assert stopped
    monkeypatch.setenv("DEFECTFLOW_END_TIME", str(time.time() + 4000))
    assert set(_go_on(study, keep_failed=True).values()) == {"done"}
    assert all(study.state(path).attempts == 2 for path in stopped)


def test_the_index_says_what_the_jobs_say(finished):
    from defectflow.run.index import read_index, row_of

    study, _ = finished
    assert read_index(study.folder) == {j.path: row_of(j.path, study.state(j.path)) for j in study.jobs}


def test_a_calculation_keeps_few_files(finished):
    """Inode quotas are real: eight files for each calculation of this engine, and a handful for the study."""
    study, _ = finished
    files = [p for p in study.folder.rglob("*") if p.is_file()]
    assert len(files) <= 8 * len(study.jobs) + 5
