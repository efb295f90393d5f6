"""How the electrons of a run lie in its levels: spread over some (a metal), or in whole ones (an orbital order)."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

import numpy as np

from defectflow.schema.cell import Floats

PARTLY = (0.02, 0.98)  # occupation of one spin; outside it a level counts as empty or full


@dataclass(frozen=True)
class Filling:
    """Partly filled levels and the gap of a run.

    Attributes
    ----------
    partly : tuple of float
        Partly filled levels at each k-point (k-weighted mean), one number for each spin channel. On a coarse mesh with
        symmetry kept it is as coarse as the mesh, and it counts a level beside a small gap by the smearing.
    gap : float
        Between level N and N + 1 of a spin channel of N electrons, over all k-points (eV), of the channel where it is
        smallest; zero where they overlap (a metal), infinity where no channel has a level above. Counted, not taken
        from occupations: three equal levels filled by a third each are a metal.
    """

    partly: tuple[float, ...]
    gap: float


def make_filling(eigenvalues: Floats, occupations: Floats, k_weights: Floats) -> Filling:
    """Count partly filled levels and measure the gap.

    Parameters
    ----------
    eigenvalues : (spin, k, band) float
        eV.
    occupations : (spin, k, band) float
        Of one spin: 0 to 1.
    k_weights : (k,) float
    """
    partly = (occupations > PARTLY[0]) & (occupations < PARTLY[1])
    counts = tuple(float(n) for n in partly.sum(axis=2) @ k_weights / k_weights.sum())
    return Filling(counts, min(_gap(*channel, k_weights) for channel in zip(eigenvalues, occupations, strict=True)))


def gap_edges(eigenvalues: Floats, occupations: Floats, k_weights: Floats) -> tuple[float, float]:
    """Highest level N and lowest level N + 1 (eV) of all spin channels of N electrons each; they overlap in a metal.

    Parameters are those of `make_filling`.
    """
    edges = [_edges(*channel, k_weights) for channel in zip(eigenvalues, occupations, strict=True)]
    return max(top for top, _ in edges), min(bottom for _, bottom in edges)


def _gap(levels: Floats, occupations: Floats, k_weights: Floats) -> float:
    top, bottom = _edges(levels, occupations, k_weights)
    return max(0.0, bottom - top)


def _edges(levels: Floats, occupations: Floats, k_weights: Floats) -> tuple[float, float]:
    filled = round(float(occupations.sum(axis=1) @ k_weights / k_weights.sum()))
    ordered = np.sort(levels, axis=1)
    top = float(ordered[:, filled - 1].max()) if filled > 0 else -inf
    return top, float(ordered[:, filled].min()) if filled < levels.shape[1] else inf
