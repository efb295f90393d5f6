"""Which configurations go on to the next round of a screening, and why."""

from __future__ import annotations

from collections.abc import Sequence

from defectflow.analyse.rank import Ranked
from defectflow.schema.configuration import Promotion
from defectflow.schema.screen import Keep


def promote(rows: Sequence[Ranked], keep: Keep) -> tuple[tuple[Promotion, ...], dict[str, str]]:
    """Apply the rules of a round to the configurations ranked in the round before.

    Returns
    -------
    tuple of Promotion
        Those that any rule keeps, in the order of the rows.
    dict of str to str
        The others, with the reason.
    """
    kept: list[Promotion] = []
    dropped: dict[str, str] = {}
    places: dict[object, int] = {}
    for row in rows:
        family = (tuple(row.configuration.composition.items()), row.charge)
        places[family] = place = places.get(family, 0) + 1
        if row.above_lowest is None:
            dropped[row.name] = "no result in the round before"
        elif reasons := _reasons(row, keep, place):
            kept.append(Promotion(row.configuration.label, row.charge, "; ".join(reasons), row.above_lowest))
        else:
            dropped[row.name] = f"{row.above_lowest:.3f} eV above the lowest, number {place}: no rule keeps it"
    return tuple(kept), dropped


def _reasons(row: Ranked, keep: Keep, place: int) -> list[str]:
    found = []
    above = row.above_lowest or 0.0
    if keep.lowest is not None and place <= keep.lowest:
        found.append(f"number {place} of the lowest {keep.lowest}")
    if keep.window is not None and above <= keep.window + row.uncertainty:
        found.append(f"{above:.3f} eV above the lowest, within {keep.window:g} eV (± {row.uncertainty:.3f})")
    if keep.order_error is not None and row.af_minus_fm is not None:
        error = keep.order_error + row.uncertainty
        if abs(row.af_minus_fm) <= error:
            found.append(f"order open: AF - FM = {row.af_minus_fm:+.3f} eV, error {error:.3f} eV")
    return found
