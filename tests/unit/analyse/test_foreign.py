"""Two job folders of ours, compared as runs of others are (the shipped study: real GPAW results)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from defectflow.analyse.foreign import compare_foreign
from defectflow.parse import parse_run
from defectflow.schema.filling import Filling


@pytest.fixture(scope="module")
def pair(demo):
    return [parse_run(demo / "pairs" / "C_O-C_O_s4_d6.01" / state / "static") for state in ("FM", "AF")]


def test_two_jobs_of_a_study_give_its_difference(pair):
    found = compare_foreign(*pair)
    assert found.certificate.passed
    assert found.delta == pytest.approx(0.2238, abs=1e-4)
    assert found.j_dimer == pytest.approx(1000 * found.delta / 2)


@pytest.mark.parametrize("key", ["cutoff", "smearing", "energy_tolerance", "symmetry"])
def test_a_setting_of_ours_that_differs_fails_the_certificate(pair, key):
    other = replace(pair[1], settings={**pair[1].settings, key: "7"})
    assert any(r.startswith(f"{key} differs") for r in compare_foreign(pair[0], other).certificate.reasons)


def test_a_mixer_of_ours_is_only_a_remark(pair):
    other = replace(pair[1], settings={**pair[1].settings, "mixer": "7"})
    assert compare_foreign(pair[0], other).certificate.passed


def test_unlike_fillings_are_remarked(pair):
    unlike = [replace(run, filling=Filling((0.0, levels), 0.0)) for run, levels in zip(pair, (2.0, 0.0), strict=True)]
    assert any("partly filled levels" in r for r in compare_foreign(*unlike).certificate.remarks)


def test_runs_that_wrote_no_occupations_are_not_remarked_for_their_fillings(pair):
    unknown = [replace(pair[0], filling=None), pair[1]]
    assert not any("partly filled" in r for r in compare_foreign(*unknown).certificate.remarks)
