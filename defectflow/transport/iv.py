"""Measured or computed I(V) curves: conductance, TMR, peaks and their widths, output power.

TMR is I_P / I_AP - 1, as in Katcko et al., doi:10.1038/s42005-019-0207-8. Bias in mV, currents in nA; nA/mV are uS.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy import constants

from defectflow.errors import AnalysisError
from defectflow.schema.cell import Floats

KELVIN_PER_MEV = constants.e / constants.k * 1e-3
UNSURE = 3.0  # standard errors: an I_AP closer to zero makes no TMR


@dataclass(frozen=True, eq=False)
class Sweeps:
    """Repeated sweeps over one bias grid.

    Attributes
    ----------
    bias : (nb,) float
        mV, rising.
    currents : dict of str to (sweeps, nb) float
        nA in "P" and "AP" (either may be missing).
    """

    bias: Floats
    currents: dict[str, Floats]

    def __post_init__(self) -> None:
        if len(self.bias) < 3 or (np.diff(self.bias) <= 0).any():
            raise AnalysisError("an I(V) curve needs three or more different biases, in rising order")
        if not all(np.isfinite(a).all() for a in (self.bias, *self.currents.values())):
            raise AnalysisError("an I(V) curve holds a number that is not finite")


@dataclass(frozen=True, eq=False)
class Mean:
    """A quantity over bias: mean over the sweeps, and its standard error; None with a single sweep."""

    value: Floats
    error: Floats | None


@dataclass(frozen=True)
class Peak:
    """An extremum.

    Attributes
    ----------
    bias, value : float
        Where (mV) and how high, by the parabola through its three highest points.
    fwhm : float or None
        Full width at half its height above zero (mV); None where the data end before.
    temperature : float or None
        At which kT is that width (K): 0.25 meV are 2.9 K.
    """

    bias: float
    value: float
    fwhm: float | None
    temperature: float | None


@dataclass(frozen=True)
class Output:
    """Largest -I V (pW) and where (mV); zero where the device only takes power."""

    power: float
    bias: float


@dataclass(frozen=True, eq=False)
class IvReport:
    """What a pair of I(V) curves says; the dictionaries have the alignments that were measured.

    Attributes
    ----------
    current, conductance : dict of str to Mean
        nA and uS (nA/mV).
    tmr : Mean or None
        I_P / I_AP - 1; NaN where I_AP is zero within three standard errors. None without both alignments.
    peaks : dict of str to Peak or None
        Of "tmr", "conductance P", "conductance AP": the highest extremum that is no edge and no pole.
    poles : tuple of float
        Biases (mV) at which I_AP passes zero: TMR diverges there.
    opposite : tuple of (float, float)
        Bias windows in which I_P and I_AP have opposite signs: TMR < -100 %.
    output : dict of str to Output
    """

    bias: Floats
    current: dict[str, Mean]
    conductance: dict[str, Mean]
    tmr: Mean | None
    peaks: dict[str, Peak | None]
    poles: tuple[float, ...]
    opposite: tuple[tuple[float, float], ...]
    output: dict[str, Output]


def analyse(sweeps: Sweeps, window: int = 3) -> IvReport:
    """Analyse curves; conductance is the slope of the parabola fitted to the `window` points around each bias."""
    bias = sweeps.bias
    current = {k: _mean(c) for k, c in sweeps.currents.items()}
    conductance = {k: _mean(derivative(bias, c, window)) for k, c in sweeps.currents.items()}
    both = {"P", "AP"} <= set(current)
    tmr = tmr_of(current["P"], current["AP"]) if both else None
    poles = zeros(bias, current["AP"].value) if both else ()
    opposite = opposite_windows(bias, current["P"].value, current["AP"].value) if both else ()
    peaks = {f"conductance {k}": peak(bias, g.value) for k, g in conductance.items()}
    peaks |= {"tmr": peak(bias, tmr.value, poles)} if tmr else {}
    output = {k: output_power(bias, c.value) for k, c in current.items()}
    return IvReport(bias, current, conductance, tmr, peaks, poles, opposite, output)


def _mean(sweeps: Floats) -> Mean:
    n = len(sweeps)
    return Mean(sweeps.mean(axis=0), sweeps.std(axis=0, ddof=1) / n**0.5 if n > 1 else None)


def derivative(bias: Floats, current: Floats, window: int = 3) -> Floats:
    """dI/dV (uS) along the last axis: slope of the least-squares parabola through the `window` points around a bias.

    With 3 points it is the parabola through them; at both ends the first or last `window` points are used.

    >>> derivative(np.array([0.0, 1.0, 3.0]), np.array([0.0, 1.0, 9.0])).tolist()
    [0.0, 2.0, 6.0]
    """
    if window < 3 or window % 2 == 0 or window > len(bias):
        todo = f"an odd number from 3 to {len(bias)}"
        raise AnalysisError(f"a derivative over {window} of {len(bias)} points does not exist", todo=todo)
    first = np.clip(np.arange(len(bias)) - window // 2, 0, len(bias) - window)
    near = first[:, None] + np.arange(window)
    x = bias[near] - bias[:, None]
    scale = np.abs(x).max(axis=1, keepdims=True)
    slope = np.linalg.pinv((x / scale)[..., None] ** np.arange(3))[:, 1] / scale
    return np.asarray((current[..., near] * slope).sum(axis=-1))


def tmr_of(parallel: Mean, antiparallel: Mean) -> Mean:
    """I_P / I_AP - 1 with its standard error; NaN where I_AP is zero within its own."""
    p, ap = parallel.value, antiparallel.value
    known = np.abs(ap) > (0 if antiparallel.error is None else UNSURE * antiparallel.error)
    safe = np.where(known, ap, np.nan)
    error = None
    if parallel.error is not None and antiparallel.error is not None:
        error = np.hypot(parallel.error, p / safe * antiparallel.error) / np.abs(safe)
    return Mean(p / safe - 1, error)


def zeros(bias: Floats, values: Floats) -> tuple[float, ...]:
    """Biases at which values pass zero, by linear interpolation.

    >>> zeros(np.array([0.0, 1.0, 2.0]), np.array([-1.0, 1.0, 3.0]))
    (0.5,)
    """
    a, b = values[:-1], values[1:]
    n = np.flatnonzero((a * b < 0) | ((b == 0) & (a != 0)))
    return tuple((bias[n] + (bias[n + 1] - bias[n]) * a[n] / (a[n] - b[n])).tolist())


def opposite_windows(bias: Floats, first: Floats, second: Floats) -> tuple[tuple[float, float], ...]:
    """Windows in which two curves have opposite signs; their ends are interpolated zeros, or the first or last bias."""
    ends = sorted({float(bias[0]), *zeros(bias, first), *zeros(bias, second), float(bias[-1])})
    middles = np.array([(a + b) / 2 for a, b in pairwise(ends)])
    found: list[tuple[float, float]] = []
    signs = np.interp(middles, bias, first) * np.interp(middles, bias, second)
    for (a, b), sign in zip(pairwise(ends), signs, strict=True):
        if sign < 0:
            found = [*found[:-1], (found[-1][0], b)] if found and found[-1][1] == a else [*found, (a, b)]
    return tuple(found)


def peak(bias: Floats, values: Floats, poles: tuple[float, ...] = ()) -> Peak | None:
    """The extremum farthest from zero that is neither an edge of the data nor beside a pole."""
    size = np.abs(values)
    tops = [
        n
        for n in range(1, len(bias) - 1)
        if size[n] > size[n - 1] and size[n] >= size[n + 1] and not _at_pole(bias, n, poles)
    ]
    if not tops:
        return None
    top = max(tops, key=lambda n: float(size[n]))
    curve = np.polyfit(bias[top - 1 : top + 2] - bias[top], values[top - 1 : top + 2], 2)
    shift = float(-curve[1] / (2 * curve[0])) if curve[0] else 0.0
    value = float(np.polyval(curve, shift))
    width = _fwhm(bias, values * np.sign(value), top, abs(value) / 2)
    return Peak(float(bias[top]) + shift, value, width, None if width is None else effective_temperature(width))


def _at_pole(bias: Floats, n: int, poles: tuple[float, ...]) -> bool:
    return any(bias[n - 1] <= p <= bias[n + 1] for p in poles)


def _fwhm(bias: Floats, values: Floats, top: int, half: float) -> float | None:
    left, right = (zeros(bias[part], values[part] - half) for part in (slice(0, top + 1), slice(top, None)))
    return right[0] - left[-1] if left and right else None


def effective_temperature(width: float) -> float:
    """Temperature (K) at which kT is a width in meV, as the paper reads widths; a thermal edge is 3.5 kT wide.

    >>> round(effective_temperature(0.25), 1)
    2.9
    """
    return width * float(KELVIN_PER_MEV)


def output_power(bias: Floats, current: Floats) -> Output:
    """Largest power that a device gives to its circuit, -I V."""
    given = -current * bias
    n = int(given.argmax())
    return Output(float(given[n]), float(bias[n])) if given[n] > 0 else Output(0.0, 0.0)


def power_density(power: float, pitch: float) -> float:
    """Power density (W/cm^2) of a square array of devices.

    The paper's 0.1 nW per junction at a 90 nm pitch are 1.23 W/cm^2. Its 29.4 W into 0.1 ohm do not follow from its
    main text.

    Parameters
    ----------
    power : float
        Of one device (pW).
    pitch : float
        nm.

    Examples
    --------
    >>> round(power_density(100.0, 90.0), 2)
    1.23
    """
    if not 1e-3 <= pitch <= 1e12:
        raise AnalysisError(f"the pitch of an array lies between 0.001 and 1e12 nm, not {pitch:g} nm")
    return power * 1e-12 / (pitch * 1e-7) ** 2
