"""The walltime guard asks the scheduler seldom, and counts all SCF steps of the attempt that runs."""

from __future__ import annotations

import json
import time

import pytest

from defectflow.engines.vasp import handlers
from defectflow.engines.vasp.engine import JOB
from defectflow.engines.vasp.handlers import KEPT, STOPPED, NotConverged, WalltimeGuard
from defectflow.engines.vasp.worker import LEG, _prepare
from defectflow.schema import JobInputs

STEP = "DAV:   1    -0.1E+02   -0.1E+01   -0.1E+01  100   0.1E+00\n"
IONIC = "   1 F= -.1E+02 E0= -.1E+02  d E =-.1E+02\n"


@pytest.fixture
def guard(monkeypatch):
    def make(left: float) -> WalltimeGuard:
        calls: list[float] = []
        monkeypatch.setattr(handlers, "seconds_left", lambda env, now: calls.append(now) or left)
        made = WalltimeGuard()
        made.calls = calls
        return made

    return make


def test_a_first_scf_step_late_in_a_relaxation_is_no_slow_step(guard, tmp_path):
    (tmp_path / "OSZICAR").write_text((STEP * 20 + IONIC) * 60 + STEP)
    late = guard(14 * 3600.0)
    late.started = time.time() - 6 * 3600
    assert not late.check(str(tmp_path))


def test_it_stops_three_slow_steps_before_the_end(guard, tmp_path):
    (tmp_path / "OSZICAR").write_text(STEP * 2)
    slow = guard(1000.0)
    slow.started = time.time() - 800
    assert slow.check(str(tmp_path))


def test_the_scheduler_is_asked_once_in_ten_minutes(guard, tmp_path):
    seldom = guard(1e6)
    for _ in range(50):
        seldom.check(str(tmp_path))
    assert len(seldom.calls) == 1


def test_the_last_whole_geometry_is_kept_aside(guard, tmp_path, toy_run):
    (tmp_path / "CONTCAR").write_bytes((toy_run / "CONTCAR").read_bytes())
    guard(1.0).correct(str(tmp_path))
    assert (tmp_path / KEPT).read_bytes() == (toy_run / "CONTCAR").read_bytes()
    assert (tmp_path / "STOPCAR").read_text() == "LABORT = .TRUE.\n"


def test_a_stop_for_the_walltime_is_no_failure_to_converge(tmp_path):
    (tmp_path / STOPPED).touch()
    assert not NotConverged().check(str(tmp_path))


def test_a_run_that_cannot_be_read_is_left_to_the_reader(tmp_path):
    assert not NotConverged().check(str(tmp_path))


def test_a_relaxation_stopped_in_its_first_step_begins_again(tmp_path, toy_run):
    """Its CONTCAR comes from an unconverged density, and there is no whole one before it."""
    for path in toy_run.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    before = (tmp_path / "POSCAR").read_text()
    inputs = JobInputs("vasp", ((JOB, (tmp_path / JOB).read_text()),))
    (tmp_path / LEG).write_text(json.dumps({"input_hash": inputs.hash}))
    (tmp_path / STOPPED).touch()
    assert not _prepare(tmp_path, inputs)
    assert (tmp_path / "POSCAR").read_text() == before
