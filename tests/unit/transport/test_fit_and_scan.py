"""Fits find what made the data; scans and sensitivities are the curves they stand for."""

import numpy as np
import pytest

from defectflow.errors import AnalysisError, RecipeError
from defectflow.transport.features import FEATURES, features
from defectflow.transport.fit import fit
from defectflow.transport.iv import Sweeps
from defectflow.transport.model import solve_chain
from defectflow.transport.scan import Scan, scan, sensitivity
from defectflow.transport.sets import with_values

BIAS = np.linspace(-10, 10, 41)


def measured(chain, noise=0.0, n=1):
    total = solve_chain(chain, BIAS).curves.total[0]
    random = np.random.default_rng(3)
    return Sweeps(
        BIAS, {a: c + noise * random.standard_normal((n, 41)) for a, c in zip(("P", "AP"), total, strict=True)}
    )


def test_a_fit_finds_the_parameters_that_made_the_data(paper):
    made = with_values(paper, {"parallel.e0": -1.0, "t2": 1.7, "sp": 6.0})
    report = fit(paper, {"parallel.e0": None, "t2": None, "sp": (0.0, 20.0)}, measured(made))
    assert report.converged
    assert [p.value for p in report.parameters] == pytest.approx([-1.0, 1.7, 6.0], rel=1e-5)


def test_errors_of_a_fit_cover_the_truth(paper):
    report = fit(paper, {"sp": None, "parallel.e0": None}, measured(paper, noise=0.05, n=8))
    for p, true in zip(report.parameters, (8.4, -2.5), strict=True):
        assert abs(p.value - true) < 4 * p.error
    assert report.chi2 == pytest.approx(1, abs=0.6)


def test_a_parameter_that_the_data_do_not_know_is_said_to_be_undetermined(paper):
    """Data in P say nothing of the levels in AP."""
    only_p = Sweeps(BIAS, {"P": measured(paper).currents["P"]})
    report = fit(paper, {"sp": None, "antiparallel.e0": None}, only_p)
    assert [p.error is None for p in report.parameters] == [False, True]


def test_a_fit_stays_inside_its_bounds_and_says_so(paper):
    report = fit(paper, {"sp": (8.0, 9.0)}, measured(with_values(paper, {"sp": 12.0})))
    assert (report.parameters[0].value, report.parameters[0].at_bound) == (pytest.approx(9.0, abs=1e-3), True)


def test_a_scale_far_from_its_wide_bounds_is_at_none_of_them(paper):
    """A scale of 0.5 between 1e-6 and 1e6 "ended at its bound", and made sp "not determined"."""
    half = with_values(paper, {"scale": 0.5})
    report = fit(with_values(paper, {"scale": 0.7}), {"scale": None, "sp": (0.0, 20.0)}, measured(half))
    assert [(p.value, p.at_bound) for p in report.parameters] == [
        (pytest.approx(0.5), False),
        (pytest.approx(8.4), False),
    ]
    assert all(p.error is not None for p in report.parameters)


@pytest.mark.parametrize(
    ("bounds", "said"),
    [
        ({"spp": None}, "no parameter"),
        ({"sp": (9.0, 10.0)}, "does not lie between"),
        ({"sp": (10.0, 1.0)}, "does not lie between"),
        ({}, "cannot be fitted"),
    ],
)
def test_fits_that_make_no_sense_are_refused(paper, bounds, said):
    with pytest.raises(AnalysisError, match=said):
        fit(paper, bounds, measured(paper))


def test_a_fit_with_exchange_iterates_its_spins(paper):
    short = Sweeps(BIAS[::10], {k: c[:, ::10] for k, c in measured(paper).currents.items()})
    assert fit(with_values(paper, {"v": 5.0}), {"sp": None}, short).converged


def test_a_row_of_a_scan_is_the_curve_of_its_parameters(paper):
    rows = list(scan(Scan(paper, {"sp": np.array([2.0, 8.4]), "t2": np.array([1.0, 2.0])}, BIAS)))
    assert [(r["sp"], r["t2"]) for r in rows] == [(2.0, 1.0), (2.0, 2.0), (8.4, 1.0), (8.4, 2.0)]
    (alone,) = features(solve_chain(with_values(paper, {"t2": 2.0}), BIAS).curves)
    assert rows[3] == {**alone, "sp": 8.4, "t2": 2.0} | {k: pytest.approx(v) for k, v in alone.items()}


def test_a_current_between_two_biases_is_not_made_up(paper):
    """On a coarse grid I_AP at +5 mV was a straight line between -10 and +10 mV."""
    (row,) = features(solve_chain(paper, np.linspace(-10, 10, 4)).curves)
    assert (row["I_P_0"], row["I_AP_5"]) == (None, None)


def test_features_have_their_descriptions(paper):
    (row,) = features(solve_chain(paper, BIAS).curves)
    assert set(row) == set(FEATURES)


def test_a_scan_of_the_exchange_solves_the_spins(paper):
    rows = list(scan(Scan(paper, {"v": np.array([0.0, 40.0])}, BIAS[::20])))
    assert rows[0]["I_P_0"] != pytest.approx(rows[1]["I_P_0"], rel=1e-4)


def test_a_sensitivity_is_a_derivative(paper):
    found = dict(sensitivity(paper, BIAS[::4]))
    low, high = (solve_chain(with_values(paper, {"sp": s}), np.zeros(1)).curves.total[0, 0, 0] for s in (8.3, 8.5))
    assert found["sp"]["I_P_0"] == pytest.approx((high - low) / 0.2, rel=1e-2)


@pytest.mark.parametrize(
    ("axes", "error"), [({"nonsense": [1.0]}, AnalysisError), ({"gamma": [-1.0, 1.0]}, RecipeError)]
)
def test_scans_of_what_cannot_be_are_refused_before_anything_is_solved(paper, axes, error):
    with pytest.raises(error):
        next(scan(Scan(paper, {k: np.array(v) for k, v in axes.items()}, BIAS)))


def test_enormous_scans_are_refused(paper):
    with pytest.raises(AnalysisError, match="too many"):
        Scan(paper, {"sp": np.zeros(20_000), "t2": np.zeros(20_000)}, BIAS)
