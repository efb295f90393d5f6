"""Which states fill their levels unlike: what tells a metal from an orbital order.

The limits are ours, and lie between what the real runs in results/ showed. Gaps when relaxed: metals up to 0.09 eV,
orbital orders from 0.23 eV, few between. Partly filled levels: the third pair's two fillings, 0.4 and 1.2 levels, whose
-117 meV went away with like ones, and the second pair's, 0.2 and 0.5.
"""

from __future__ import annotations

from math import inf

from defectflow.schema import CalcResult
from defectflow.schema.filling import Filling, gap_edges, make_filling

UNLIKE = 0.5  # levels, mean over the k-points, by which two fillings differ
UNLIKE_RATIO = 1.25  # and by this ratio, or every metallic host would be remarked upon
METAL, ORDERED = 0.1, 0.2  # gaps (eV) below and above which a state is one or the other


def filling_of(result: CalcResult) -> Filling:
    """Partly filled levels and gap of a result."""
    return make_filling(result.eigenvalues, result.occupations, result.k_weights)


def open_gap(result: CalcResult) -> tuple[float, float] | None:
    """Edges (eV, on the scale of the eigenvalues) of the gap of a state with an order; None for a metal.

    Where in it E_F lies says nothing: Methfessel-Paxton occupations go beyond 0 and 1, so that several E_F give the
    right number of electrons (docs/results.md, The states).
    """
    top, bottom = gap_edges(result.eigenvalues, result.occupations, result.k_weights)
    return (top, bottom) if ORDERED < bottom - top < inf else None


def unlike_filling(first: Filling, second: Filling, names: tuple[str, str]) -> list[str]:
    """Remark on two states that fill their levels differently; empty if they are alike.

    Two states with a gap are alike: what is partly filled beside it is the smearing's. A state with a gap and one
    without are not, nor are two of which one fills more levels in part.

    Parameters
    ----------
    first, second : Filling
    names : (str, str)
    """
    gaps = (first.gap, second.gap)
    if min(gaps) > ORDERED or not (min(gaps) < METAL < ORDERED < max(gaps) or _counts_differ(first, second)):
        return []
    shown = " and ".join(
        f"{sum(f.partly):.1f} in {name} (gap {f.gap:.2f} eV)" for f, name in zip((first, second), names, strict=True)
    )
    what = "their difference may hold more than the spin order"
    todo = "try more starts for both (in a recipe: [spin] starts, orbital or rattle)"
    return [f"partly filled levels (mean over the k-points): {shown}; {what}; {todo}"]


def _counts_differ(first: Filling, second: Filling) -> bool:
    less, more = sorted((sum(first.partly), sum(second.partly)))
    return more - less > UNLIKE and more > UNLIKE_RATIO * less
