"""Stored numbers are run again with the real GPAW, and agree."""

import json

import pytest

from tests.conftest import ROOT

pytestmark = [pytest.mark.gpaw, pytest.mark.slow]


def test_the_host_of_the_shipped_study(defectflow, demo):
    done = defectflow("reproduce", demo, "bulk/dos", "--json")
    found = json.loads(done.stdout)
    assert (done.returncode, found["agrees"]) == (0, True)


def test_a_point_of_the_committed_convergence_study(defectflow):
    """The command of docs/results.md."""
    study = ROOT / "results" / "mgo_carbon_convergence"
    done = defectflow("reproduce", study, "kpoints=1x1x1-gamma/C_O-C_O_s5_d7.36/FM/static", "--json")
    found = json.loads(done.stdout)
    assert abs(found["again"] - found["stored"]) < 1e-3
    assert found["moments"] == pytest.approx([4.0, 4.0], abs=0.01)
