"""Which configurations go on to the next round of a screening, and why."""

from __future__ import annotations

from collections.abc import Sequence

from defectflow.analyse.configured import verify_configuration
from defectflow.analyse.rank import Ranked
from defectflow.schema.configuration import Promotion
from defectflow.schema.screen import Keep


def promote(rows: Sequence[Ranked], keep: Keep) -> tuple[tuple[Promotion, ...], dict[str, str]]:
    """Apply the rules of a round to the configurations ranked in the round before.

    One whose lowest run is not what it was meant to be (not converged, a dopant off its site) does not go on, and the
    others of its composition and charge are counted from the lowest one that is.

    Returns
    -------
    tuple of Promotion
        Those that any rule keeps, in the order of the rows.
    dict of str to str
        The others, with the reason.
    """
    kept: list[Promotion] = []
    dropped: dict[str, str] = {}
    sound: dict[object, list[float]] = {}  # E0 of what has a place, by composition and charge
    for row in rows:
        if row.lowest is None or row.e0 is None:
            dropped[row.name] = "no result in the round before"
            continue
        if against := verify_configuration(row.lowest).reasons:
            dropped[row.name] = f"without certificate in the round before ({against[0]})"
            continue
        energies = sound.setdefault((tuple(row.configuration.composition.items()), row.charge), [])
        energies.append(row.e0)
        place, above = len(energies), row.e0 - energies[0]
        if reasons := _reasons(row, keep, place, above):
            kept.append(Promotion(row.configuration.label, row.charge, "; ".join(reasons), above))
        else:
            dropped[row.name] = f"{above:.3f} eV above the lowest, number {place}: no rule keeps it"
    return tuple(kept), dropped


def _reasons(row: Ranked, keep: Keep, place: int, above: float) -> list[str]:
    found = []
    if keep.lowest is not None and place <= keep.lowest:
        found.append(f"number {place} of the lowest {keep.lowest}")
    if keep.window is not None and above <= keep.window + row.uncertainty:
        found.append(f"{above:.3f} eV above the lowest, within {keep.window:g} eV (± {row.uncertainty:.3f})")
    if keep.order_error is not None and row.af_minus_fm is not None:
        error = keep.order_error + row.uncertainty
        if abs(row.af_minus_fm) <= error:
            found.append(f"order open: AF - FM = {row.af_minus_fm:+.3f} eV, error {error:.3f} eV")
    return found
