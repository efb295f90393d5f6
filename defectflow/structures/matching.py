"""In-plane match of two square (001) surfaces, by Zur and McGill's search as pymatgen does it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from defectflow.errors import StructureError
from defectflow.schema.cell import Floats

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Match:
    """A common in-plane cell.

    Attributes
    ----------
    lattice : (2, 2) float
        Its vectors as rows (A).
    oxide, metal : (2, 2) int
        The same vectors in units of each crystal's own primitive in-plane vectors.
    strain : (float, float)
        Principal strains of the crystal that adapts, smaller size first; positive is stretched.
    """

    lattice: Floats
    oxide: Ints
    metal: Ints
    strain: tuple[float, float]


def match_squares(oxide: float, metal: float, strained: str, limits: tuple[float, float]) -> Match:
    """Smallest common cell of two square lattices with sides `oxide` and `metal` (A).

    Parameters
    ----------
    strained : str
        "electrode" or "oxide": the one that takes the other's lattice.
    limits : (float, float)
        Largest strain, largest area (A^2).

    Raises
    ------
    StructureError
        If no cell of that area has so little strain; the message gives the best there is.

    References
    ----------
    A. Zur and T. C. McGill, J. Appl. Phys. 55, 378 (1984), doi:10.1063/1.333084.
    """
    most, area = limits
    found = [_match(oxide, metal, strained, (o, m)) for o, m in _candidates(oxide, metal, area)]
    fitting = [match for match in found if _size(match) <= most]
    if not fitting:
        raise StructureError(_no_match(found, most, area), where="interface.max_strain", todo=_TODO)
    return min(fitting, key=lambda match: (round(abs(_area(match)), 3), _size(match)))


_TODO = "raise interface.max_strain or max_area, or choose another prototype of the electrode"


def _candidates(oxide: float, metal: float, area: float) -> list[tuple[Ints, Ints]]:
    from pymatgen.analysis.interfaces.zsl import ZSLGenerator

    squares = [[[side, 0.0, 0.0], [0.0, side, 0.0]] for side in (metal, oxide)]
    search = ZSLGenerator(max_area_ratio_tol=0.5, max_area=area, max_length_tol=0.25, max_angle_tol=0.01)
    # Its transformations belong to vectors before their reduction; the reduced ones are what it compared.
    return [(_integers(m.substrate_sl_vectors, oxide), _integers(m.film_sl_vectors, metal)) for m in search(*squares)]


def _integers(vectors: Sequence[Floats], side: float) -> Ints:
    return np.rint(np.array(vectors)[:, :2] / side).astype(np.int64)


def _match(oxide: float, metal: float, strained: str, cells: tuple[Ints, Ints]) -> Match:
    wide = {"oxide": oxide * cells[0], "electrode": metal * cells[1]}
    kept = wide["oxide" if strained == "electrode" else "electrode"].astype(float)
    if np.linalg.det(kept) < 0:  # with the normal a right-handed cell
        return _match(oxide, metal, strained, (cells[0][::-1], cells[1][::-1]))
    # Singular values of the map from the free to the adapted vectors: a rotation is no strain.
    stretch = np.linalg.svd(np.linalg.solve(wide[strained], kept), compute_uv=False) - 1.0
    low, high = sorted((float(s) for s in stretch), key=abs)
    return Match(kept, cells[0], cells[1], (low, high))


def _size(match: Match) -> float:
    return max(abs(s) for s in match.strain)


def _area(match: Match) -> float:
    return float(np.linalg.det(match.lattice))


def _no_match(found: list[Match], most: float, area: float) -> str:
    what = f"no common in-plane cell up to {area:g} A^2 has at most {100 * most:.1f} % strain"
    if not found:
        return what
    best = min(found, key=_size)
    return f"{what}; the best has {100 * _size(best):.1f} % on {abs(_area(best)):.1f} A^2"
