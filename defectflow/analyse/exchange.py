"""Exchange constants from FM/AF energy differences.

Convention: unit vectors e_i, every bond counted once, H = -sum_bonds J e_i.e_j; J > 0
favours FM. With z equal bonds per cell E_AF - E_FM = 2 z J.
"""

from __future__ import annotations

from dataclasses import dataclass

from defectflow.errors import AnalysisError

# Factor from our J to that of another Hamiltonian: (factor, power of the spin length that divides it).
CONVENTIONS = {
    "-sum_bonds J e.e": (1.0, 0),
    "-sum_bonds J S.S": (1.0, 2),
    "-2 sum_bonds J S.S": (0.5, 2),
    "-sum_{i!=j} J e.e": (0.5, 0),
    "-sum_{i!=j} J S.S": (0.5, 2),
    "+J S1.S2": (-1.0, 2),
}


@dataclass(frozen=True)
class Exchange:
    """Exchange of one pair in one cell.

    Attributes
    ----------
    delta : float
        E_AF - E_FM (eV per cell), positive if FM is lower.
    images : int
        Bonds z of the pair's own shell that one cell holds.
    j_per_bond : float
        delta / 2z (meV), every image counted as a bond.
    j_dimer : float
        delta / 2 (meV), the cell read as one isolated pair.
    """

    delta: float
    images: int
    j_per_bond: float
    j_dimer: float


def exchange(e_fm: float, e_af: float, images: int) -> Exchange:
    """Exchange from two total energies (eV per cell).

    >>> exchange(0.0, -0.125, 4).j_per_bond
    -15.625
    >>> exchange(0.0, -0.125, 4).j_dimer
    -62.5
    """
    if images < 1:
        raise AnalysisError(f"a pair has at least one image, not {images}")
    delta = e_af - e_fm
    return Exchange(delta, images, 1000 * delta / (2 * images), 1000 * delta / 2)


def convert(j: float, convention: str, spin: float) -> float:
    """J of another Hamiltonian (same unit as `j`), for spins of length `spin` (C on O: S = 1).

    Raises
    ------
    AnalysisError
        If the convention is unknown (the message lists them) or the spin is not positive.

    >>> convert(-15.625, "+J S1.S2", 1.0)
    15.625
    """
    if convention not in CONVENTIONS:
        raise AnalysisError(f'unknown convention "{convention}"', todo=f"known: {'; '.join(CONVENTIONS)}")
    if not spin > 0:
        raise AnalysisError(f"a spin is positive, not {spin}")
    factor, power = CONVENTIONS[convention]
    return j * factor / spin**power


def heisenberg_sum(bonds: dict[int, int]) -> str:
    """What the cell measures: dE/2 as a sum over shells of the infinite sublattice, cut off after the audited ones.

    >>> heisenberg_sum({1: 1, 5: 2})
    'J1 + 2 J5 + ...'
    """
    terms = [f"J{shell}" if n == 1 else f"{n} J{shell}" for shell, n in sorted(bonds.items())]
    return " + ".join([*terms, "..."])


def energy_difference(shell_j: dict[int, float], bonds: dict[int, int]) -> float:
    """E_AF - E_FM of a cell (same unit as the couplings) from the couplings per shell; absent shells count zero."""
    return 2 * sum(n * shell_j.get(shell, 0.0) for shell, n in bonds.items())
