from dataclasses import replace

import pytest

from defectflow.analyse.compare import compare_study, numerical_uncertainty
from defectflow.demo import tiny_pair, tiny_result
from defectflow.schema import StateEntry


def entry(state, e0, start="symmetric", result=True):
    pair = replace(tiny_pair(state), start=start)
    found, missing = (tiny_result(state, e0), "") if result else (None, "failed")
    return StateEntry("path", pair, found, missing, None, (6,), (0,))


def test_the_difference_and_j_of_a_pair():
    found = compare_study((entry("FM", -10.0), entry("AF", -10.2)))[0]
    assert found.exchange.delta == pytest.approx(-0.2)
    assert found.exchange.j_per_bond == pytest.approx(-25.0)
    assert found.certificate.passed


def test_the_lowest_of_several_starts_is_kept_and_the_others_are_reported():
    found = compare_study((entry("FM", -10.0), entry("FM", -10.5, "rattle-1"), entry("AF", -10.2)))[0]
    assert (found.fm.name, found.fm.e0) == ("pair 1 FM (rattle-1)", -10.5)
    assert [s.name for s in found.others] == ["pair 1 FM"]


def fell_to(order, e0, asked="AF"):
    """A start that was asked for in one order and came out in another."""
    wanted = entry(asked, e0, "rattle-1")
    return replace(wanted, result=tiny_result(order, e0))


def test_a_run_counts_for_the_order_that_came_out():
    """An AF start that fell to FM below the FM run: FM is the ground state, not AF by 0.2 eV with a certificate."""
    found = compare_study((entry("FM", -10.0), entry("AF", -10.2), fell_to("FM", -11.0)))[0]
    assert found.exchange.delta == pytest.approx(0.8)
    assert not found.certificate.passed


def test_a_lower_state_without_moments_fails_the_certificate():
    found = compare_study((entry("FM", -10.0), entry("AF", -10.2), entry("NM", -12.0)))[0]
    assert any("1.800 eV below FM and AF" in r for r in found.certificate.reasons)


def test_a_start_that_fell_to_the_same_state_does_not_take_its_certificate():
    """An AF start that fell to FM lay 1e-9 eV below the FM run, and "intended 0.00 muB" stood against the pair."""
    found = compare_study((entry("FM", -10.0), entry("AF", -9.8), fell_to("FM", -10.0 - 1e-9)))[0]
    assert (found.fm.name, found.certificate.passed) == ("pair 1 FM", True)


def test_a_missing_start_is_a_remark():
    found = compare_study((entry("FM", -10.0), entry("FM", 0.0, "rattle-1", result=False), entry("AF", -10.2)))[0]
    assert found.certificate.passed
    assert any("rattle-1" in r for r in found.certificate.remarks)


def test_signed_patterns_are_compared_by_their_order():
    found = compare_study((entry("FM", -10.0), entry("AF", -10.2)))
    patterns = tuple(replace(e, pair=replace(e.pair, state=p)) for e, p in zip(
        (entry("FM", -10.0), entry("AF", -10.2)), ("++", "+-"), strict=True))  # fmt: skip
    assert compare_study(patterns)[0].exchange == found[0].exchange


def test_a_difference_within_its_uncertainty_decides_nothing():
    orders = [compare_study((entry("FM", -10.0), entry("AF", e)))[0].order for e in (-10.001, -10.2, -9.8)]
    assert orders == ["undecided", "AF", "FM"]


def test_a_missing_state_leaves_no_number_and_a_reason():
    found = compare_study((entry("FM", -10.0), entry("AF", 0.0, result=False)))[0]
    assert found.exchange is None
    assert found.certificate.reasons == ("pair 1 AF: no result (failed)",)


def test_the_uncertainty_holds_the_scf_residues_and_the_smearing_of_the_difference():
    fm, af = tiny_result("FM", -10.0), tiny_result("AF", -10.2)
    assert numerical_uncertainty(fm, af) == pytest.approx(2e-3)
    assert numerical_uncertainty(replace(fm, free_energy=-10.05), af) == pytest.approx(0.052)
