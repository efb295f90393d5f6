"""Which levels a state fills in part: what tells a metal from an orbital order.

The limits are ours. They lie between what the real runs in results/ showed: the third pair's two fillings, 0.4 and 1.2
levels, whose -117 meV went away with like ones, and the second pair's, 0.2 and 0.5.
"""

from __future__ import annotations

from collections.abc import Sequence

from defectflow.schema import CalcResult
from defectflow.schema.filling import count_partly_filled

UNLIKE = 0.5  # levels, mean over the k-points, by which two fillings differ
UNLIKE_RATIO = 1.25  # and by this ratio, or every metallic host would be remarked upon


def partly_filled(result: CalcResult) -> tuple[float, ...]:
    """Partly filled levels of a result, see `count_partly_filled`."""
    return count_partly_filled(result.occupations, result.k_weights)


def unlike_filling(first: Sequence[float], second: Sequence[float], names: tuple[str, str]) -> list[str]:
    """Remark on two states of which one fills more levels in part than the other; empty if they are alike.

    Parameters
    ----------
    first, second : sequence of float
        Partly filled levels of each, by spin channel.
    names : (str, str)
    """
    counts = (sum(first), sum(second))
    if max(counts) - min(counts) <= UNLIKE or max(counts) <= UNLIKE_RATIO * min(counts):
        return []
    shown = " and ".join(f"{n:.1f} in {name}" for n, name in zip(counts, names, strict=True))
    what = "their difference may hold more than the spin order"
    todo = "try more starts for both (in a recipe: [spin] starts, orbital or rattle)"
    return [f"partly filled levels (mean over the k-points): {shown}; {what}; {todo}"]
