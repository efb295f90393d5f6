"""One-minute scheduler jobs: calculations that do not end in time, and a driver that does not either.

All three studies wait most of the time; they run side by side.
"""

import json

import pytest

from defectflow.run.collect import collect
from tests.slurm.conftest import Run

pytestmark = pytest.mark.slow
HANG = "hang-once@C_O-C_O_s1_d3.01/FM/static"
SUBMITTED = """
[driver_job]
partition = "short"
walltime = "00:01:00"
"""
ALLOCATION = """
scheduler = "slurm"
driver = "allocation"
partition = "short"
walltime = "00:01:00"
margin = "00:00:20"
[jobs]
calculations = 2
"""


@pytest.fixture(scope="module")
def studies(slurm, tmp_path_factory, write_site):
    """Three studies at once: run on one-minute jobs, sent with its driver, sent as an allocation."""
    names = ("timeout", "submitted", "allocation")
    folders = {name: tmp_path_factory.mktemp(name) for name in names}
    short = {"partition": "short", "walltime": "00:01:00", "margin": "00:00:20"}
    sites = {
        "timeout": write_site(folders["timeout"], **short),
        "submitted": write_site(folders["submitted"], more=SUBMITTED),
        "allocation": write_site(folders["allocation"], text=ALLOCATION),
    }
    steps = {"timeout": "2.5", "submitted": "2.0", "allocation": "1.5"}
    runs = {name: Run(folders[name], sites[name], step=steps[name]) for name in names}
    runs["timeout"].environment["DEFECTFLOW_REPLAY_FAULT"] = HANG
    driver = runs["timeout"].start()
    sent = {name: runs[name].submit() for name in ("submitted", "allocation")}
    text, _ = driver.communicate(timeout=500)
    return runs, {"timeout": text, **sent}


def check(run, entries):
    assert [e.result.e0 for e in collect(run.study())] == [e.result.e0 for e in entries]
    assert set(run.ended().values()) == {1}


def test_a_calculation_longer_than_its_job_stops_in_time_and_goes_on_in_the_next(studies, entries):
    run = studies[0]["timeout"]
    check(run, entries)
    attempts = [run.study().state(job.path).attempts for job in run.study().jobs]
    assert max(attempts) >= 2


def test_no_empty_scheduler_jobs_are_sent_over_and_over(studies):
    """Two of one minute each at a time for about three minutes; 27 were seen where workers drained at once."""
    assert len(list((studies[0]["timeout"].folder / "cluster").glob("block-*.sh"))) < 15


def test_a_job_that_ran_into_its_limit_is_told_by_the_schedulers_word(studies):
    assert any("TIMEOUT" in words for words in studies[0]["timeout"].lost())


def test_a_submitted_driver_sends_itself_again_until_the_study_is_done(studies, entries):
    run, text = studies[0]["submitted"], studies[1]["submitted"]
    assert "drives" in text
    run.until_done()
    check(run, entries)


def test_a_driver_in_an_allocation_goes_on_in_the_next_one(studies, entries):
    run = studies[0]["allocation"]
    run.until_done()
    check(run, entries)


def test_status_names_the_core_hours(studies):
    run = studies[0]["timeout"]
    seen = json.loads(run.finish("status", run.folder, "--json"))
    assert seen["core_hours"] > 0
    assert seen["core_hours_to_come"] == 0
