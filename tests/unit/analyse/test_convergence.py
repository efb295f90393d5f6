from dataclasses import replace

import pytest

from defectflow.analyse.compare import compare_study, with_errors
from defectflow.analyse.convergence import Curve, CurvePoint, error_terms, step_left
from defectflow.demo import tiny_pair, tiny_result
from defectflow.errors import AnalysisError
from defectflow.schema import StateEntry
from defectflow.schema.convergence import ErrorTerm


def comparison(delta, missing=False):
    energies = {"FM": -10.0, "AF": -10.0 + delta}
    found = [None if missing and s == "AF" else tiny_result(s, e) for s, e in energies.items()]
    states = [StateEntry("path", tiny_pair(s), r, "failed", None, (6,), (0,)) for s, r in zip(energies, found)]  # noqa: B905
    return compare_study(tuple(states))[0]


def curve(*deltas, axis="cutoff", kind="numerical", pair="1", **others):
    points = [CurvePoint(f"{n} eV", n, comparison(d or 0.0, d is None)) for n, d in enumerate(deltas)]
    return Curve(axis, kind, "settings.cutoff", pair, tuple(points), others)


def test_what_is_left_open_is_the_distance_to_the_most_accurate_value():
    assert step_left(curve(0.20, 0.25, 0.23), 0).value == pytest.approx(0.03)


def test_at_the_most_accurate_value_the_last_step_is_left_open():
    term = step_left(curve(0.20, 0.25, 0.23), 2)
    assert (term.value, term.between) == (pytest.approx(0.02), ("2 eV", "1 eV"))


def test_points_without_a_certificate_measure_nothing():
    assert step_left(curve(0.20, 0.25, None), 0).between == ("0 eV", "1 eV")


def test_a_value_that_was_not_run_has_no_error():
    with pytest.raises(AnalysisError, match="no point with a certificate"):
        step_left(curve(0.20, 0.25), 7)


def test_one_point_is_no_measurement():
    with pytest.raises(AnalysisError, match="two are needed"):
        step_left(curve(0.20, None), 0)


def test_a_pair_that_was_not_run_takes_the_largest_error():
    curves = (curve(0.2, 0.21, pair="1"), curve(0.2, 0.26, pair="2"))
    (term,) = error_terms(curves, "3", {"settings.cutoff": 0})
    assert (term.measured_on, term.value) == ("2", pytest.approx(0.06))


def test_a_pair_that_was_run_takes_its_own():
    curves = (curve(0.2, 0.21, pair="1"), curve(0.2, 0.26, pair="2"))
    assert error_terms(curves, "1", {"settings.cutoff": 0})[0].measured_on == "1"


def test_of_two_axes_of_one_setting_that_at_the_settings_of_the_study_counts():
    curves = (curve(0.2, 0.26, axis="coarse mesh", mesh=2), curve(0.2, 0.21, axis="fine mesh", mesh=4))
    (term,) = error_terms(curves, "1", {"settings.cutoff": 0, "mesh": 4})
    assert term.axis == "fine mesh"


def test_a_pair_whose_own_points_failed_takes_the_error_of_another():
    curves = (curve(0.2, None, pair="1"), curve(0.2, 0.26, pair="2"))
    assert error_terms(curves, "1", {"settings.cutoff": 0})[0].measured_on == "2"


def test_a_choice_is_no_numerical_error():
    assert error_terms((curve(0.2, 0.3, kind="choice"),), "1", {"settings.cutoff": 0}) == ()


def test_errors_enter_the_uncertainty_in_squares():
    found = with_errors(replace(comparison(0.5), uncertainty=0.03), (ErrorTerm("cutoff", 0.04, "1", ("a", "b")),))
    assert found.uncertainty == pytest.approx(0.05)


def test_an_order_within_its_whole_uncertainty_is_undecided():
    found = with_errors(comparison(0.02), (ErrorTerm("k mesh", 0.1, "1", ("a", "b")),))
    assert found.order == "undecided"
