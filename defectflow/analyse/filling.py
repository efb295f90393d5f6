"""Which levels a state fills in part: what tells a metal from an orbital order.

The limits are ours. They lie between what the real runs in results/ showed: the third pair's two fillings, 0.4 and 1.2
levels, whose -117 meV went away with like ones, and the second pair's, 0.2 and 0.5.
"""

from __future__ import annotations

from defectflow.schema import CalcResult

PARTLY = (0.02, 0.98)  # occupation of one spin; outside it a level counts as empty or full
UNLIKE = 0.5  # levels, mean over the k-points, by which two fillings differ
UNLIKE_RATIO = 1.25  # and by this ratio, or every metallic host would be remarked upon


def partly_filled(result: CalcResult) -> tuple[float, ...]:
    """Partly filled levels at each k-point (k-weighted mean), one number for each spin channel.

    A metal has many; an insulator, or a state whose electrons chose their orbitals, almost none. On a coarse mesh with
    symmetry kept the number is as coarse as the mesh.
    """
    partly = (result.occupations > PARTLY[0]) & (result.occupations < PARTLY[1])
    return tuple(float(n) for n in partly.sum(axis=2) @ result.k_weights / result.k_weights.sum())


def unlike_filling(first: CalcResult, second: CalcResult, names: tuple[str, str]) -> list[str]:
    """Remark on two states of which one fills more levels in part than the other; empty if they are alike."""
    counts = [sum(partly_filled(r)) for r in (first, second)]
    if max(counts) - min(counts) <= UNLIKE or max(counts) <= UNLIKE_RATIO * min(counts):
        return []
    shown = " and ".join(f"{n:.1f} in {name}" for n, name in zip(counts, names, strict=True))
    todo = "their difference may hold more than the spin order; try more [spin] starts for both (orbital, rattle)"
    return [f"partly filled levels (mean over the k-points): {shown}; {todo}"]
