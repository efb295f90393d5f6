from dataclasses import replace

import pytest

from defectflow.analyse.compare import compare_study, numerical_uncertainty
from defectflow.demo import tiny_pair, tiny_result
from defectflow.schema import StateEntry


def entry(state, e0, start="symmetric", result=True):
    pair = replace(tiny_pair(state), start=start)
    return StateEntry("path", pair, tiny_result(state, e0) if result else None, "" if result else "failed", (6,), (0,))


def test_the_difference_and_j_of_a_pair():
    found = compare_study((entry("FM", -10.0), entry("AF", -10.2)))[0]
    assert found.exchange.delta == pytest.approx(-0.2)
    assert found.exchange.j_per_bond == pytest.approx(-25.0)
    assert found.certificate.passed


def test_the_lowest_of_several_starts_is_kept_and_the_others_are_reported():
    found = compare_study((entry("FM", -10.0), entry("FM", -10.5, "rattle-1"), entry("AF", -10.2)))[0]
    assert (found.fm.name, found.fm.e0) == ("pair 1 FM (rattle-1)", -10.5)
    assert [s.name for s in found.others] == ["pair 1 FM"]


def test_a_lower_start_that_is_not_the_wanted_state_is_not_kept():
    wrong = entry("AF", -11.0, "rattle-1")
    flipped = replace(wrong.result, site_moments=abs(wrong.result.site_moments), total_moment=4.0)
    found = compare_study((entry("FM", -10.0), entry("AF", -10.2), replace(wrong, result=flipped)))[0]
    assert found.af.name == "pair 1 AF"
    assert found.certificate.passed


def test_a_missing_state_leaves_no_number_and_a_reason():
    found = compare_study((entry("FM", -10.0), entry("AF", 0.0, result=False)))[0]
    assert found.exchange is None
    assert found.certificate.reasons == ("pair 1 AF: no result (failed)",)


def test_the_uncertainty_holds_the_scf_residues_and_the_smearing_of_the_difference():
    fm, af = tiny_result("FM", -10.0), tiny_result("AF", -10.2)
    assert numerical_uncertainty(fm, af) == pytest.approx(2e-3)
    assert numerical_uncertainty(replace(fm, free_energy=-10.05), af) == pytest.approx(0.052)
