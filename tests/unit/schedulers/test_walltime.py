from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from defectflow.errors import EngineError
from defectflow.formats.clock import clock_seconds
from defectflow.schedulers.walltime import seconds_left, seconds_set


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("05:00:00", 18000.0),
        ("1-00:00:00", 86400.0),
        ("2-05", 190800.0),
        ("1-05:30", 106200.0),
        ("90", 5400.0),
        ("05:30", 330.0),
        ("UNLIMITED", None),
        ("INVALID", None),
        ("", None),
    ],
)
def test_clocks_of_schedulers(text, seconds):
    assert clock_seconds(text) == seconds


@given(st.text(max_size=30))
def test_no_text_crashes_the_clock(text):
    clock_seconds(text)


def test_a_slurm_time_limit_in_the_environment_crashes_nothing():
    # SBATCH_TIMELIMIT=05:00:00 made custodian's handler fail: int("05:00:00").
    assert seconds_left({"SBATCH_TIMELIMIT": "05:00:00"}, 0.0) is None


def test_slurm_tells_the_time_left():
    asked = []
    left = seconds_left({"SLURM_JOB_ID": "7"}, 0.0, lambda c: asked.append(c) or "1:00:00")
    assert (left, asked[0][0]) == (3600.0, "squeue")


def test_slurm_tells_the_end():
    assert seconds_left({"SLURM_JOB_END_TIME": "1000"}, 900.0) == 100.0


def test_pbs_tells_limit_and_use():
    text = "    Resource_List.walltime = 02:00:00\n    resources_used.walltime = 00:30:00\n"
    assert seconds_left({"PBS_JOBID": "7"}, 0.0, lambda c: text) == 5400.0


def test_lsf_tells_the_time_left():
    assert seconds_left({"LSB_JOBID": "7"}, 0.0, lambda c: "1:30 L") == 5400.0


def test_a_scheduler_that_does_not_answer_is_no_limit():
    for name in ("SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID"):
        assert seconds_left({name: "7"}, 0.0, lambda c: "") is None


def test_seconds_of_the_environment():
    assert seconds_set("MARGIN", 300.0, {"MARGIN": "8"}) == 8.0
    assert seconds_set("MARGIN", 300.0, {}) == 300.0


@pytest.mark.parametrize("text", ["soon", "-5", "nan", "0"])
def test_what_is_no_number_of_seconds_is_said(text):
    with pytest.raises(EngineError, match="no number of seconds"):
        seconds_set("MARGIN", 300.0, {"MARGIN": text})


@pytest.mark.parametrize("text", ["1e9", "tomorrow", "-5"])
def test_an_end_that_is_no_time_is_said(text):
    """It was ignored, and the run went on to its end."""
    with pytest.raises(EngineError, match="no time"):
        seconds_left({"DEFECTFLOW_END_TIME": text}, 0.0)
