"""The verbs of a cluster where nothing is to be sent: what is refused, and that nothing is left behind."""

import json
import shutil

import pytest

from defectflow.resources import resource

QUICK = resource("workflows", "quick.toml")


@pytest.fixture
def site(tmp_path):
    def write(text='scheduler = "slurm"\n'):
        path = tmp_path / "site.toml"
        path.write_text(text)
        return path

    return write


@pytest.fixture
def run(defectflow, tmp_path):
    """A verb that must fail with a message and leave no run folder."""

    def call(*words, output="run", **environment):
        done = defectflow(*words, "-o", tmp_path / output, **environment)
        assert done.returncode == 2, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        assert not (tmp_path / output).exists()
        return done.stderr

    return call


@pytest.mark.parametrize("name", ["sp ace", "br{ace}", "per%cent", "dol$HOME", "quo'te", "hash#", "a\nb"])
def test_a_path_that_job_scripts_cannot_name_is_refused(run, site, name):
    message = run("run", QUICK, "--engine", "replay", "--site", site(), output=name)
    assert "which job scripts cannot name" in message


def test_ranks_that_the_engine_does_not_have_name_the_sites_key(run, site):
    message = run(
        "inputs", QUICK, "--engine", "replay", "--site", site('scheduler = "slurm"\n[resources]\ntasks = 2\n')
    )
    assert "resources.tasks of the site: the replay engine runs on one rank, not 2" in message


def test_a_scheduler_that_is_not_there_is_named(run, site):
    message = run("run", QUICK, "--engine", "replay", "--site", site('scheduler = "lsf"\n'), PATH="/usr/bin:/bin")
    assert "bjobs: cannot be run" in message


@pytest.mark.parametrize("words", [(), ("--site", "laptop")])
def test_a_driver_is_sent_only_where_there_is_a_queue(run, words):
    assert "needs a site with a scheduler" in run("submit", QUICK, "--engine", "replay", *words)


@pytest.mark.parametrize("option", [("--ranks", 4), ("--jobs", 4)])
def test_counts_are_the_sites(run, site, option):
    message = run("run", QUICK, "--engine", "replay", "--site", site(), *option)
    assert f"{option[0]}: the study's site says how many" in message


@pytest.fixture
def finished(demo, tmp_path):
    """The shipped study in a folder of its own."""
    return shutil.copytree(demo, tmp_path / "demo")


def test_status_writes_nothing(defectflow, finished):
    (finished / "cluster").mkdir()
    (finished / "cluster" / "site.toml").write_text('scheduler = "slurm"\n')
    before = {p: p.stat().st_mtime_ns for p in finished.rglob("*") if p.name != ".driver.lock"}
    assert defectflow("status", finished).returncode == 0
    assert {p: p.stat().st_mtime_ns for p in finished.rglob("*") if p.name != ".driver.lock"} == before


def test_logs_of_no_job_name_the_verb_that_lists_them(defectflow, finished):
    done = defectflow("logs", finished, "../../etc")
    assert (done.returncode, "is no job of this study" in done.stderr) == (2, True)


def test_only_what_failed_is_run_again(defectflow, finished):
    done = defectflow("rerun", finished, "bulk/static")
    assert (done.returncode, "is no job that failed" in done.stderr) == (2, True)


def test_collect_needs_a_folder_that_was_prepared(defectflow, finished):
    done = defectflow("collect", finished)
    assert (done.returncode, "was not prepared to be sent by hand" in done.stderr) == (2, True)


def test_cancel_where_nothing_runs_says_so(defectflow, finished):
    done = defectflow("cancel", finished)
    assert (done.returncode, "none was there" in done.stdout) == (0, True)


def test_a_site_file_is_made_to_be_edited(defectflow, tmp_path):
    assert defectflow("init", tmp_path / "my.toml", "--site", "slurm").returncode == 0
    assert "doctor --site" in (tmp_path / "my.toml").read_text()


def test_doctor_on_a_laptop_needs_no_queue(defectflow):
    done = defectflow("doctor", "--site", "laptop", "--engine", "replay", "--json")
    assert all(check["ok"] for check in json.loads(done.stdout)["checks"])
