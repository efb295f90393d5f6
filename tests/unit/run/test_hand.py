"""Jobs that a user sends by hand; here the scripts run under bash (the site without a scheduler)."""

import json
import subprocess
import time

import pytest

from defectflow.engines import get_engine
from defectflow.errors import LockedError
from defectflow.executors.tracks import TRACK, Track
from defectflow.resources import resource
from defectflow.run import Study
from defectflow.run.collect import collect
from defectflow.run.hand import collect_by_hand
from defectflow.run.lease import lease
from defectflow.schema.site import load_site

REPLAY = get_engine("replay")
SITE = load_site("laptop")


@pytest.fixture
def study(tmp_path):
    return Study.create(tmp_path / "run", resource("workflows", "quick.toml"), "replay")


def bring_back(study):
    return collect_by_hand(study, REPLAY, SITE)


def send(scripts):
    for script in scripts:
        subprocess.run([str(script)], check=False, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)


def test_only_what_is_ready_gets_a_script(study):
    found = bring_back(study)
    assert found.states["bulk/dos"] == "waiting"
    assert len(found.scripts) == 11
    assert all(script.stat().st_mode & 0o100 for script in found.scripts)


def test_two_rounds_bring_the_whole_study_back(study, entries):
    send(bring_back(study).scripts)
    second = bring_back(study)
    assert [s.parent.name for s in second.scripts] == ["dos"]
    send(second.scripts)
    assert set(bring_back(study).states.values()) == {"done"}
    assert [e.result.e0 for e in collect(study)] == [e.result.e0 for e in entries]


def test_collecting_twice_changes_no_script(study):
    scripts = bring_back(study).scripts
    before = {s: s.stat().st_mtime_ns for s in scripts}
    assert bring_back(study).scripts == scripts
    assert {s: s.stat().st_mtime_ns for s in scripts} == before


def test_a_job_that_failed_is_told_and_not_sent_again(study, monkeypatch):
    monkeypatch.setenv("DEFECTFLOW_REPLAY_STORE", "/nonexistent")
    send(bring_back(study).scripts[:1])
    assert bring_back(study).states["bulk/static"] == "failed"
    assert "no stored run" in study.state("bulk/static").error
    assert study.job_folder("bulk/static") / "job.sh" not in bring_back(study).scripts


def test_a_cut_off_output_is_no_result(study):
    first = bring_back(study).scripts[0]
    send([first])
    output = first.parent / "output.json"
    output.write_bytes(output.read_bytes()[:100])
    again = bring_back(study)
    assert again.states["bulk/static"] == "to send"
    assert first in again.scripts


def test_a_job_that_gives_signs_of_life_is_not_to_be_sent_again(study):
    """Sent twice it would meet itself in its folder."""
    first = bring_back(study).scripts[0].parent
    (first / TRACK).write_text(json.dumps(Track("node7", 1, "17", 0, time.time()).document()))
    again = bring_back(study)
    assert again.states["bulk/static"] == "running"
    assert first / "job.sh" not in again.scripts


def test_a_queue_that_does_not_answer_is_said(study, tmp_path, monkeypatch):
    squeue = tmp_path / "squeue"
    squeue.write_text("#!/bin/sh\necho Unable to contact slurm controller >&2\nexit 1\n")
    squeue.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    site = load_site("slurm")
    one = site.model_copy(update={"resources": site.resources.model_copy(update={"tasks": 1})})
    assert "Unable to contact" in collect_by_hand(study, REPLAY, one).queue_unknown


def test_scripts_are_made_where_the_scheduler_is_not(study, monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    site = load_site("slurm")
    one = site.model_copy(update={"resources": site.resources.model_copy(update={"tasks": 1})})
    assert len(collect_by_hand(study, REPLAY, one).scripts) == 11


def test_a_study_with_a_driver_is_left_alone(study):
    with lease(study.folder), pytest.raises(LockedError):
        bring_back(study)
