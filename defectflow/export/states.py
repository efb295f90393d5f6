"""All spin states that were found, pair by pair, as rows and as a figure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from defectflow.analyse.compare import PairComparison, StateSummary
from defectflow.analyse.filling import METAL
from defectflow.analyse.verify import order_of
from defectflow.export.plots import BLUE, GREY, RED, new_figure
from defectflow.export.tables import filling_row

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_STYLES = {"FM": (BLUE, "o", -0.14), "AF": (RED, "s", 0.14), "NM": (GREY, "^", 0.0)}  # colour, marker, shift in x


def state_rows(comparisons: tuple[PairComparison, ...]) -> list[dict[str, Any]]:
    """Rows of all states of pairs with both orders, lowest first: eV per cell, meV above the pair's lowest, muB, A."""
    return [_row(c, s) for c in _known(comparisons) for s in states_of(c)]


def states_of(comparison: PairComparison) -> list[StateSummary]:
    """All states of a pair, lowest first."""
    kept = [s for s in (comparison.fm, comparison.af) if s]
    return sorted((*kept, *comparison.others), key=lambda s: s.e0)


def states_figure(comparisons: tuple[PairComparison, ...]) -> Figure:
    """Energy of every state above the lowest of its pair; open symbols: metals; crosses: no certificate."""
    known = _known(comparisons)
    figure = new_figure((1.5 + 1.1 * len(known), 3.9))
    axis = figure.subplots()
    for n, c in enumerate(known):
        for state in states_of(c):
            _draw(axis, n, state, states_of(c)[0].e0)
    axis.set_xticks(range(len(known)), [c.orbit.label for c in known])
    axis.set_xlim(-0.5, len(known) - 0.5)
    axis.set_xlabel("pair")
    axis.set_ylabel("$E_0$ above the lowest state (meV per cell)")
    handles = dict(zip(*reversed(axis.get_legend_handles_labels()), strict=True))
    names = sorted(handles)
    figure.legend([handles[n] for n in names], names, loc="outside upper center", ncols=2, frameon=False, fontsize=8)
    return figure


def _draw(axis: Axes, at: int, state: StateSummary, lowest: float) -> None:
    order = order_of(*state.dopant_moments)
    colour, marker, shift = _STYLES[order]
    metal = state.filling.gap < METAL
    label = f"{order}, {f'metal (gap below {METAL:g} eV)' if metal else 'with a gap'}"
    style: dict[str, Any] = {"marker": marker, "markerfacecolor": "white" if metal else colour, "label": label}
    if not state.passed:
        style = {"marker": "x", "label": f"{order}, certificate failed"}
    axis.plot([at + shift], [1000 * (state.e0 - lowest)], linestyle="none", color=colour, **style)


def _known(comparisons: tuple[PairComparison, ...]) -> list[PairComparison]:
    return [c for c in comparisons if c.exchange]


def _row(comparison: PairComparison, state: StateSummary) -> dict[str, Any]:
    return {
        "pair": comparison.orbit.label,
        "order": order_of(*state.dopant_moments),
        "state": state.name,
        "e0": state.e0,
        "above_lowest_meV": 1000 * (state.e0 - states_of(comparison)[0].e0),
        "gap": filling_row(state.filling)["gap"],
        "partly_filled": sum(state.filling.partly),
        "total_moment": state.total_moment,
        "distance": state.distance,
        "passed": state.passed,
    }
