"""What a pair of computed curves is asked for: signs at zero bias, window of opposite signs, TMR, output power."""

from __future__ import annotations

import numpy as np

from defectflow.schema.cell import Floats
from defectflow.transport.chain import Curves
from defectflow.transport.iv import opposite_windows, output_power, peak, zeros

FEATURES = {
    "I_P_0": "I_P at zero bias (nA); as all of these four, of a bias that is on the grid",
    "I_AP_0": "I_AP at zero bias (nA)",
    "I_P_5": "I_P at +5 mV (nA)",
    "I_AP_5": "I_AP at +5 mV (nA)",
    "I_AP_max": "largest |I_AP| (nA)",
    "opposite": "bias over which I_P and I_AP have opposite signs, TMR < -100 % (mV)",
    "tmr_peak": "highest TMR extremum that is neither an edge nor a pole, as a fraction",
    "tmr_peak_bias": "its bias (mV)",
    "tmr_peak_fwhm": "its full width at half height (mV)",
    "output_P": "largest power given in P (pW)",
    "output_AP": "largest power given in AP (pW)",
    "mirror_P": "largest |I_up(V) + I_down(-V)| over the largest spin current, P: 0 if the spins mirror each other",
    "mirror_AP": "the same in AP",
}


def features(curves: Curves) -> list[dict[str, float | None]]:
    """Features of every parameter set of some curves, by the names in `FEATURES`; None where there is none."""
    return [_features(curves.bias, currents) for currents in curves.currents]


def _features(bias: Floats, currents: Floats) -> dict[str, float | None]:
    p, ap = currents.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = peak(bias, p / ap - 1, zeros(bias, ap)) if len(bias) > 2 else None
    at = {f"I_{k}_{v}": _at(bias, c, float(v)) for v in (0, 5) for k, c in (("P", p), ("AP", ap))}
    return {
        **at,
        "I_AP_max": float(np.abs(ap).max()),
        "opposite": sum(b - a for a, b in opposite_windows(bias, p, ap)),
        "tmr_peak": found.value if found else None,
        "tmr_peak_bias": found.bias if found else None,
        "tmr_peak_fwhm": found.fwhm if found else None,
        "output_P": output_power(bias, p).power,
        "output_AP": output_power(bias, ap).power,
        "mirror_P": _asymmetry(bias, currents[0]),
        "mirror_AP": _asymmetry(bias, currents[1]),
    }


def _at(bias: Floats, current: Floats, v: float) -> float | None:
    """Current at a bias that was computed (nA); between two of them it is not known."""
    at = np.flatnonzero(np.abs(bias - v) < 1e-6)
    return float(current[at[0]]) if len(at) else None


def _asymmetry(bias: Floats, spins: Floats) -> float | None:
    reach = min(-bias[0], bias[-1])
    if reach < 0:
        return None
    v = bias[np.abs(bias) <= reach]
    rest = np.interp(v, bias, spins[0]) + np.interp(-v, bias, spins[1])
    return float(np.abs(rest).max() / np.abs(spins).max()) if spins.any() else None
