"""Macroscopic averages of a periodic function, exact in its Fourier series."""

from __future__ import annotations

import numpy as np

from defectflow.errors import AnalysisError
from defectflow.schema.cell import Floats


def macroscopic_average(values: Floats, length: float, periods: tuple[float, ...]) -> Floats:
    """Running average over each of `periods` in turn: (1/d) int_{z-d/2}^{z+d/2} f dz' for every period d.

    Parameters
    ----------
    values : (n,) float
        One period of the function on an even grid.
    length : float
        Its period (A).
    periods : tuple of float
        Widths d of the windows (A); two of them make the double average across an interface.

    Returns
    -------
    (n,) float
        On the same grid. The window acts on each Fourier component as sin(x)/x with x = G d / 2, so d need
        not be a multiple of the grid's step.

    Raises
    ------
    AnalysisError
        If there are no values or a width is not positive.

    References
    ----------
    M. Peressi, N. Binggeli, A. Baldereschi, J. Phys. D 31, 1273 (1998), doi:10.1088/0022-3727/31/11/002.
    """
    if not len(values) or length <= 0 or min(periods, default=1.0) <= 0:
        raise AnalysisError("a macroscopic average needs a potential and windows wider than zero")
    coefficients = np.fft.rfft(values)
    waves = np.arange(len(coefficients)) / length  # 1/A
    for width in periods:
        coefficients = coefficients * np.sinc(waves * width)  # numpy's sinc(x) is sin(pi x)/(pi x)
    return np.asarray(np.fft.irfft(coefficients, len(values)))


def at(values: Floats, length: float, heights: Floats) -> Floats:
    """A periodic function on an even grid at given heights (A), linearly interpolated."""
    grid = np.arange(len(values)) * length / len(values)
    return np.asarray(np.interp(heights, grid, values, period=length))
