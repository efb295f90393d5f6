"""Ranking of configurations, their certificates, and what goes on to the next round. Synthetic results."""

from dataclasses import replace

import numpy as np
import pytest

from defectflow.analyse.configured import order_found, verify_configuration
from defectflow.analyse.promote import promote
from defectflow.analyse.rank import rank
from defectflow.demo import tiny_pair, tiny_result
from defectflow.schema.configuration import Configuration, ConfigurationEntry, ConfigurationState
from defectflow.schema.screen import Keep

MIX = {"C_O": 2}


def entry(label="a", order="FM", e0=-10.0, composition=MIX, charge=0, **changes):
    pair = tiny_pair(order)
    bare = pair.cell.with_moments(np.zeros(8))
    centres = bare.coords[[4, 5]]
    one = Configuration(label, composition, 1, bare, (4, 5), ("C_O", "C_O"), centres, 3.0, np.zeros(3))
    state = ConfigurationState(one, order, charge, pair.cell, (4, 5))
    result = replace(tiny_result(order, e0), **changes)
    return ConfigurationEntry(f"scan/{label}/{order}/static", state, result, "", None)


def moments(*pair):
    found = np.zeros(8)
    found[4:6] = pair
    return found


def failing(e):
    worse = replace(e.result.convergence, electronic=False, last_energy_change=0.5)
    return replace(e, result=replace(e.result, convergence=worse))


def missing(e):
    return replace(e, result=None, missing="not run yet")


def test_configurations_rise_in_energy():
    rows = rank((entry("a", e0=-10.0), entry("b", e0=-10.5)))
    assert [(r.configuration.label, r.above_lowest) for r in rows] == [("b", 0.0), ("a", 0.5)]


def test_compositions_and_charges_are_ranked_apart():
    rows = rank((entry("a"), entry("b", composition={"N_O": 2}, e0=-90.0), entry("c", charge=1, e0=-50.0)))
    assert [r.above_lowest for r in rows] == [0.0, 0.0, 0.0]


def test_the_lowest_order_of_a_configuration_is_its_energy():
    (row,) = rank((entry(order="FM", e0=-10.0), entry(order="AF", e0=-10.125)))
    assert (row.e0, row.orders[0].order, row.af_minus_fm) == (-10.125, "AF", pytest.approx(-0.125))


def test_a_run_counts_for_the_order_that_came_out():
    fallen = entry(order="AF", e0=-10.2, site_moments=moments(0.5, 0.5), total_moment=4.0)
    (row,) = rank((fallen, entry(order="FM", e0=-10.0)))
    assert ([o.order for o in row.orders], row.af_minus_fm) == (["FM"], None)
    assert any("came out FM" in r for r in row.certificate.remarks)


def test_what_has_no_result_comes_last_and_fails():
    rows = rank((missing(entry("a")), entry("b")))
    assert [(r.configuration.label, r.certificate.passed) for r in rows] == [("b", True), ("a", False)]


def test_other_settings_than_the_lowest_fail():
    settings = entry().result.settings.model_copy(update={"cutoff": 400.0})
    rows = rank((entry("a", e0=-11.0), entry("b", settings=settings)))
    assert "settings.cutoff differs" in rows[1].certificate.reasons[0]


def test_an_unconverged_run_fails_its_configuration():
    (row,) = rank((failing(entry()),))
    assert not row.certificate.passed


@pytest.mark.parametrize(
    ("found", "order"),
    [((0.5, 0.5), "FM"), ((-0.5, -0.5), "FM"), ((0.5, -0.5), "AF"), ((0.0, 0.01), "NM"), ((0.5, 0.0), "+0")],
)
def test_order_by_the_signs_of_the_moments(found, order):
    e = entry(site_moments=moments(*found), total_moment=0.0)
    assert order_found(e.result, e.state) == order


def test_a_moment_between_the_atoms_is_told_by_the_total():
    """An F+ centre: one muB in the vacancy, hardly any in the spheres of its neighbours."""
    e = entry(site_moments=moments(0.01, 0.01), total_moment=4.0)
    assert order_found(e.result, e.state) == "FM"


def test_an_antiferromagnetic_state_that_lost_its_moments_is_none():
    """Its total is zero as it should be, and says nothing: the moments are gone."""
    e = entry(order="AF", site_moments=moments(0.01, -0.01), total_moment=0.0)
    assert order_found(e.result, e.state) == "NM"
    assert "came out NM" in verify_configuration(e).remarks[0]


def test_a_dopant_that_wandered_off_fails():
    e = entry()
    coords = e.result.cell.coords.copy()
    coords[4] += [0.3, 0, 0]
    moved = replace(e, result=replace(e.result, cell=e.result.cell.with_coords(coords)))
    assert "a dopant moved by 1.20 A" in verify_configuration(moved).reasons[0]


def test_unpaired_electrons_without_spin_fail():
    e = entry(order="NM", n_electrons=7.0)
    half = {k: getattr(e.result, k)[:1] for k in ("eigenvalues", "occupations")}
    weights = replace(e.result.projections, weights=e.result.projections.weights[:1])
    e = replace(e, result=replace(e.result, projections=weights, **half))
    assert "7 electrons cannot all be paired" in verify_configuration(e).reasons[0]


ROWS = rank((entry("a", e0=-10.0), entry("b", e0=-9.9), entry("c", e0=-9.0), missing(entry("d"))))


@pytest.mark.parametrize(
    ("keep", "labels"),
    [
        (Keep(lowest=2), ["a", "b"]),
        (Keep(window=0.5), ["a", "b"]),
        (Keep(lowest=1, window=2.0), ["a", "b", "c"]),
        (Keep(order_error=0.1), []),
    ],
)
def test_rules_keep_what_they_say(keep, labels):
    assert [p.label for p in promote(ROWS, keep)[0]] == labels


def test_what_is_dropped_says_why():
    _, dropped = promote(ROWS, Keep(lowest=2))
    assert dropped == {
        "c": "1.000 eV above the lowest, number 3: no rule keeps it",
        "d": "no result in the round before",
    }


def test_a_run_that_failed_takes_nobodys_place():
    rows = rank((failing(entry("bad", e0=-13.0)), entry("a", e0=-10.0), entry("b", e0=-9.9)))
    kept, dropped = promote(rows, Keep(lowest=1, window=0.15))
    assert [(p.label, round(p.above_lowest, 3)) for p in kept] == [("a", 0.0), ("b", 0.1)]
    assert dropped["bad"].startswith("without certificate in the round before")


def test_an_open_order_goes_on():
    rows = rank((entry("a", e0=-10.0), entry("b", e0=-9.0), entry("b", "AF", e0=-9.01)))
    kept, _ = promote(rows, Keep(order_error=0.02))
    assert [(p.label, p.rule[:10]) for p in kept] == [("b", "order open")]


def test_each_composition_keeps_its_own_lowest():
    rows = rank((entry("a"), entry("b", composition={"N_O": 2}, e0=-90.0)))
    assert [p.label for p in promote(rows, Keep(lowest=1))[0]] == ["a", "b"]


def test_the_error_of_af_minus_fm_is_that_of_its_two_runs():
    """It was that of the two lowest runs, of FM both."""
    loose = replace(tiny_result("AF").convergence, energy_tolerance=0.01)
    runs = (entry(order="FM", e0=-10.0), entry(order="FM", e0=-9.999), entry(order="AF", e0=-9.9, convergence=loose))
    (row,) = rank(runs)
    assert row.uncertainty > 0.01
