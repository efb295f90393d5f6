"""Analysis of I(V) curves: on curves whose answer is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from defectflow.errors import AnalysisError
from defectflow.transport.iv import (
    Sweeps,
    analyse,
    derivative,
    effective_temperature,
    opposite_windows,
    output_power,
    peak,
    power_density,
)

BIAS = np.linspace(-10, 10, 401)


def sweeps(p, ap, noise=0.0, n=1):
    random = np.random.default_rng(1)
    noisy = {k: c + noise * random.standard_normal((n, len(BIAS))) for k, c in (("P", p), ("AP", ap))}
    return Sweeps(BIAS, noisy)


@given(st.floats(-3, 3), st.floats(-3, 3), st.floats(-3, 3), st.sampled_from([3, 5, 9]))
def test_the_derivative_of_a_parabola_is_exact_on_any_grid(a, b, c, window):
    bias = np.array([-4.0, -3.5, -1, 0, 0.2, 2, 5, 5.5, 9, 10])
    assert derivative(bias, a + b * bias + c * bias**2, window) == pytest.approx(b + 2 * c * bias, abs=1e-8)


@pytest.mark.parametrize("window", [1, 4, 403])
def test_a_window_that_does_not_exist_is_refused(window):
    with pytest.raises(AnalysisError, match="odd number from 3 to 401"):
        derivative(BIAS, BIAS, window)


def test_errors_come_from_repeated_sweeps():
    report = analyse(sweeps(2 * BIAS, BIAS + 50, noise=0.1, n=100))
    assert np.median(report.current["P"].error) == pytest.approx(0.01, rel=0.1)
    slope = 0.01 / (np.sqrt(2) * 0.05)  # of two points 2 steps of 0.05 mV apart
    assert np.median(report.conductance["P"].error) == pytest.approx(slope, rel=0.1)


def test_one_sweep_has_no_error():
    report = analyse(sweeps(BIAS, BIAS + 50))
    assert (report.current["P"].error, report.tmr.error) == (None, None)


def test_tmr_has_the_sign_of_the_paper():
    report = analyse(sweeps(4 * BIAS + 80, BIAS + 20))
    assert report.tmr.value == pytest.approx([3.0] * 401)


def test_opposite_signs_are_tmr_below_minus_one():
    report = analyse(sweeps(-np.ones(401), 2 + 0 * BIAS))
    assert (report.tmr.value < -1).all()
    assert report.opposite == ((-10.0, 10.0),)


def test_windows_of_opposite_signs_end_at_zeros():
    (window,) = opposite_windows(BIAS, BIAS - 1.03, BIAS + 0.96)
    assert window == pytest.approx((-0.96, 1.03))


def test_the_papers_peak_is_found_with_its_width():
    lorentz = 3.0 / (1 + ((BIAS + 3.5) / 0.65) ** 2)
    found = analyse(sweeps((1 + lorentz) * 2, 2 + 0 * BIAS)).peaks["tmr"]
    assert (found.bias, found.value, found.fwhm) == pytest.approx((-3.5, 3.0, 1.3), rel=2e-3)


def test_a_pole_is_no_peak():
    """TMR diverges where I_AP is zero; beside it stands a real peak of a tenth of its height."""
    bump = np.exp(-(((BIAS + 5) / 0.7) ** 2))
    report = analyse(sweeps((BIAS - 2.013) * (1 + bump) + 1e-3, BIAS - 2.013))
    assert report.poles == pytest.approx((2.013,))
    assert report.peaks["tmr"].bias == pytest.approx(-5, abs=0.05)


def test_tmr_is_unknown_where_i_ap_drowns_in_its_error():
    report = analyse(sweeps(BIAS, BIAS, noise=1.0, n=4))
    assert np.isnan(report.tmr.value[195:206]).any()


def test_a_monotonic_curve_has_no_peak():
    assert peak(BIAS, BIAS) is None


def test_a_peak_at_the_edge_of_the_data_has_no_width():
    assert peak(BIAS, 2 + np.exp(-(BIAS**2))).fwhm is None


def test_a_quarter_of_a_mev_is_three_kelvin():
    assert round(effective_temperature(0.25)) == 3


def test_output_is_power_given_not_taken():
    assert output_power(BIAS, 2 * BIAS).power == 0
    found = output_power(BIAS, 2 * (BIAS - 4))
    assert (found.power, found.bias) == pytest.approx((8.0, 2.0))


def test_the_papers_power_density_and_what_does_not_follow():
    assert power_density(100.0, 90.0) == pytest.approx(1.23, abs=0.005)


@pytest.mark.parametrize("pitch", [0.0, -1.0, float("nan")])
def test_an_array_without_a_pitch_is_refused(pitch):
    with pytest.raises(AnalysisError, match="pitch"):
        power_density(1.0, pitch)


@pytest.mark.parametrize("bias", [[0.0, 1.0], [0.0, 0.0, 1.0], [0.0, 1.0, float("nan")]])
def test_curves_that_are_none_are_refused(bias):
    with pytest.raises(AnalysisError):
        Sweeps(np.array(bias), {"P": np.ones((1, len(bias)))})
