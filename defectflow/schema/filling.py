"""How many levels a run fills in part."""

from __future__ import annotations

from defectflow.schema.cell import Floats

PARTLY = (0.02, 0.98)  # occupation of one spin; outside it a level counts as empty or full


def count_partly_filled(occupations: Floats, k_weights: Floats) -> tuple[float, ...]:
    """Partly filled levels at each k-point (k-weighted mean), one number for each spin channel.

    A metal has many; an insulator, or a state whose electrons chose their orbitals, almost none. On a coarse mesh with
    symmetry kept the number is as coarse as the mesh.

    Parameters
    ----------
    occupations : (spin, k, band) float
        Of one spin: 0 to 1.
    k_weights : (k,) float
    """
    partly = (occupations > PARTLY[0]) & (occupations < PARTLY[1])
    return tuple(float(n) for n in partly.sum(axis=2) @ k_weights / k_weights.sum())
