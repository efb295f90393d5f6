"""The verbs of a cluster on a real SLURM."""

import json
import re
import shutil
import subprocess
import sys
import time

import pytest

from tests.slurm.conftest import QUICK, Run, wait_for
from tests.slurm.test_kills import jobs_of

pytestmark = pytest.mark.slow
TWO_RANKS = """
[resources]
tasks = 2
[launch]
gpaw = "mpirun --oversubscribe -n {tasks}"
"""


def test_status_shows_what_each_calculation_does_and_its_scheduler_job(run):
    run.environment["DEFECTFLOW_REPLAY_STEP"] = "1"
    driver = run.start()
    run.until(3)
    time.sleep(2)
    seen = json.loads(run.finish("status", run.folder, "--json"))
    running = {row["path"]: row for row in seen["jobs"] if row["state"] == "running"}
    assert {row["scheduler_job"] for row in running.values()} <= {j["id"] for j in seen["scheduler_jobs"]}
    assert any(row["scf_step"] and row["energy"] < 0 for row in running.values())
    assert f"process {driver.pid}" in seen["driver"]
    driver.kill()
    driver.communicate()


def test_cancel_ends_the_driver_and_its_scheduler_jobs(run):
    run.environment["DEFECTFLOW_REPLAY_STEP"] = "2"
    driver = run.start()
    run.until(2)
    text = run.finish("cancel", run.folder)
    driver.communicate(timeout=60)
    assert "cancelled scheduler jobs: " in text
    assert driver.returncode == 130
    wait_for(lambda: not jobs_of(run))


def test_a_failure_of_its_own_is_not_tried_again_and_shows_its_last_lines(run):
    run.environment["DEFECTFLOW_REPLAY_FAULT"] = "crash@s5_d7.36/FM"
    text = run.finish(status=1)
    assert "the replay engine was asked to crash" in text
    assert run.study().state("pairs/C_O-C_O_s5_d7.36/FM/static").attempts == 1
    run.environment["DEFECTFLOW_REPLAY_FAULT"] = ""
    run.finish("retry", run.folder, status=1)
    run.finish("rerun", run.folder, "pairs/C_O-C_O_s5_d7.36/FM/static")
    assert run.ended() == {job.path: 1 for job in run.study().jobs}
    assert "==>" in run.finish("logs", run.folder, "pairs/C_O-C_O_s5_d7.36/FM/static")


def test_a_calculation_killed_again_and_again_is_lost_and_says_how_often(slurm, tmp_path, write_site):
    run = Run(tmp_path, write_site(tmp_path))
    run.environment["DEFECTFLOW_REPLAY_FAULT"] = "killed@s5_d7.36/FM"
    text = run.finish(status=1)
    assert "ran out of memory (killed by signal 9" in text
    assert "raise resources.memory" in text
    assert run.study().state("pairs/C_O-C_O_s5_d7.36/FM/static").state == "lost"


def test_a_site_that_refuses_every_job_ends_the_driver_with_the_schedulers_words(slurm, tmp_path, write_site):
    run = Run(tmp_path, write_site(tmp_path, partition="nosuch"))
    started = time.monotonic()
    text = run.finish(status=2)
    assert "invalid partition specified: nosuch" in text
    assert time.monotonic() - started < 90


def test_doctor_proves_a_site_with_a_job_on_a_compute_node(slurm, tmp_path, write_site, defectflow, monkeypatch):
    monkeypatch.chdir(tmp_path)
    site = write_site(tmp_path, more=TWO_RANKS)
    done = defectflow(
        "doctor", "--site", site, "--json", OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1"
    )
    checks = {c["name"]: c for c in json.loads(done.stdout)["checks"]}
    assert {"queue", "one-minute job", "shared folder", "clock", "engine gpaw"} <= set(checks)
    assert checks["ranks of gpaw"]["found"].startswith("2 of 2")
    assert done.returncode == 0


def test_doctor_says_why_a_site_refuses_its_job(slurm, tmp_path, write_site, defectflow, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = defectflow("doctor", "--site", write_site(tmp_path, partition="nosuch"))
    assert "invalid partition specified: nosuch" in done.stdout
    assert done.returncode == 1
    assert [p.name for p in tmp_path.iterdir()] == ["site.toml"]


def test_scripts_sent_by_hand_come_to_the_same_results(run, entries):
    """Without Parsl: inputs --site, sbatch, collect, until nothing is left to send."""
    from defectflow.run.collect import collect

    run.finish("inputs", QUICK, "--engine", "replay", "--site", run.site, "-o", run.folder)
    for _ in range(3):
        found = json.loads(run.finish("collect", run.folder, "--json"))
        jobs = [_sbatch(script, run.environment) for script in found["scripts"]]
        wait_for(lambda sent=jobs: not run_squeue(sent))
    assert found["scripts"] == []
    assert set(found["states"].values()) == {"done"}
    assert [e.result.e0 for e in collect(run.study())] == [e.result.e0 for e in entries]
    assert run.ended() == {job.path: 1 for job in run.study().jobs}


def test_a_job_sent_by_hand_is_seen_and_never_cancelled_by_a_driver(run):
    """A driver took them for leftovers of another driver."""
    run.environment["DEFECTFLOW_REPLAY_STEP"] = "2"
    run.finish("inputs", QUICK, "--engine", "replay", "--site", run.site, "-o", run.folder)
    job = _sbatch(run.folder / "bulk/static/job.sh", run.environment)
    run.until(1)
    found = json.loads(run.finish("collect", run.folder, "--json"))
    assert found["states"]["bulk/static"] == "running"
    assert f"scheduler jobs {job} were sent by hand" in run.finish(status=2)
    assert run_squeue([job]) == {job}


def test_a_finished_study_sends_no_driver(slurm, tmp_path, write_site, demo):
    run = Run(tmp_path, write_site(tmp_path))
    shutil.copytree(demo, run.folder)
    assert "all jobs are done" in run.finish("submit", run.folder, "--site", run.site)


def test_doctor_says_that_a_walltime_is_beyond_the_partitions_limit(
    slurm, tmp_path, write_site, defectflow, monkeypatch
):
    """Its one-minute job would run; the site's own would wait for ever."""
    monkeypatch.chdir(tmp_path)
    done = defectflow("doctor", "--site", write_site(tmp_path, walltime="05:00:00"), "--json")
    checks = {c["name"]: c["ok"] for c in json.loads(done.stdout)["checks"]}
    assert (checks["one-minute job"], checks["a site's job"]) == (True, False)


def _sbatch(script, environment):
    sent = subprocess.run(["sbatch", "--parsable", script], capture_output=True, text=True, check=True, env=environment)
    return sent.stdout.strip()


def run_squeue(jobs):
    listed = subprocess.run(["squeue", "-h", "-o", "%A"], capture_output=True, text=True, check=True).stdout.split()
    return set(listed) & set(jobs)


def test_vasps_stand_in_runs_by_the_sites_words_under_custodian(slurm, tmp_path, write_site, toy):
    """The stand-in writes VASP's files with the numbers of a toy model; the chain around it is the real one."""
    words = f'[launch]\nvasp = "{sys.executable} -m defectflow.engines.vasp.standin"\n'
    run = Run(tmp_path, write_site(tmp_path, more=words), DEFECTFLOW_VASP_POLL="0.3")
    run.finish("run", toy, "--engine", "vasp", "--site", run.site, "-o", run.folder, "--no-figures")
    assert {run.study().state(job.path).state for job in run.study().jobs} == {"done"}


@pytest.mark.gpaw
def test_real_gpaw_on_two_ranks_through_slurm(slurm, tmp_path, write_site):
    """One real study of an eight-atom cell; mpirun starts the ranks inside the scheduler job."""
    text = QUICK.read_text()
    for old, new in (("matrix = [2, 2, 2]", "matrix = [1, 1, 1]"), ("340 eV", "250 eV"), ('"1e-3 eV"', '"1e-4 eV"')):
        assert old in text
        text = text.replace(old, new)
    recipe = tmp_path / "small.toml"
    recipe.write_text(text)
    root = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    run = Run(tmp_path, write_site(tmp_path, more=TWO_RANKS), **root)
    run.finish("run", recipe, "--site", run.site, "-o", run.folder, "--no-figures")
    result = run.study().result("pairs/C_O-C_O_s1_d3.01/AF/static")
    assert abs(result.total_moment) < 0.05
    log = (run.folder / "pairs/C_O-C_O_s1_d3.01/AF/static/gpaw.txt").read_text()
    assert re.search(r"^cores: +2$", log, re.MULTILINE)
