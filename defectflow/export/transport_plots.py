"""Figures of the transport model, in the manner of Fig. 3 of Katcko et al., doi:10.1038/s42005-019-0207-8."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from defectflow.export.plots import BLUE, GREEN, GREY, ORANGE, RED, new_figure
from defectflow.schema.cell import Floats
from defectflow.transport.iv import zeros
from defectflow.transport.model import ZONES, Solution, ZoneLevel
from defectflow.transport.sets import ALIGNMENTS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

UP, DOWN = RED, BLUE
STYLES = {"P": (GREEN, "-"), "AP": (ORANGE, "--")}


def curves_figure(solution: Solution, picture: tuple[ZoneLevel, ...]) -> Figure:
    """Levels at one bias, spin currents against bias (P above, AP below), both currents, and TMR."""
    figure = new_figure((10.0, 5.6))
    axes = figure.subplots(2, 3)
    c = solution.curves
    prefix, factor = _prefix(float(np.abs(c.currents).max()))
    for n, alignment in enumerate(ALIGNMENTS):
        _draw_levels(axes[n][0], [v for v in picture if v.alignment == alignment], alignment)
        spins = {"up": (UP, "-", c.currents[0, n, 0]), "down": (DOWN, "--", c.currents[0, n, 1])}
        _draw_curves(axes[n][1], c.bias, spins, (prefix, factor), f"{alignment}: spin currents")
        axes[n][1].set_ylim(*_limits(factor * c.currents))
    totals = {f"$I_{{{a}}}$": (*STYLES[a], c.total[0, n]) for n, a in enumerate(ALIGNMENTS)}
    _draw_curves(axes[0][2], c.bias, totals, (prefix, factor), "currents")
    _draw_tmr(axes[1][2], solution)
    for axis, letter in zip(axes.ravel(), "abcdef", strict=True):
        axis.tick_params(labelsize=8)
        axis.set_title(letter, loc="left", fontsize=9, fontweight="bold")
    figure.suptitle(solution.chain.name, fontsize=9)
    return figure


def _prefix(largest: float) -> tuple[str, float]:
    """Unit in which a current of some nA has one to three digits before its point, and the factor to it."""
    units = ("mA", "uA", "nA", "pA", "fA", "aA")
    step = 2 - int(np.floor(np.log10(largest) / 3)) if largest > 0 else 2
    step = min(max(step, 0), len(units) - 1)
    return units[step].replace("u", "µ"), 1000.0 ** (step - 2)


def _limits(values: Floats) -> tuple[float, float]:
    margin = 0.06 * (float(np.ptp(values)) or 1.0)
    return float(values.min()) - margin, float(values.max()) + margin


def _draw_levels(axis: Axes, levels: list[ZoneLevel], alignment: str) -> None:
    sides = {"up": (UP, -0.42, -0.02, "^"), "down": (DOWN, 0.02, 0.42, "v")}
    low = min(0.0, *(v.energy - v.width / 2 for v in levels))
    high = max(0.0, *(v.energy + v.width / 2 for v in levels))
    bottom, top = low - 0.12 * (high - low), high + 0.12 * (high - low)
    for v in levels:
        colour, left, right, mark = sides[v.spin]
        x, middle = ZONES.index(v.zone), ZONES.index(v.zone) + (left + right) / 2
        lower, upper = (
            (bottom, v.energy) if v.zone.startswith("lead") else (v.energy - v.width / 2, v.energy + v.width / 2)
        )
        axis.fill_between([x + left, x + right], lower, upper, color=colour, alpha=0.25, linewidth=0)
        axis.hlines(v.energy, x + left, x + right, color=colour, linewidth=1.8)
        axis.plot([middle], [v.energy], marker=mark, color=colour, markersize=4)
    axis.axhline(0, color="black", linestyle="--", linewidth=0.8)
    axis.annotate("$E_F$", (5.6, 0), xytext=(0, 2), textcoords="offset points", fontsize=8)
    axis.set_ylim(bottom, top)
    axis.set_xlim(-0.6, 6.0)
    axis.set_xticks(range(len(ZONES)), ZONES)
    axis.set_ylabel("energy (meV)", fontsize=8)
    axis.set_title(f"{alignment}, zero bias: levels, ▲ up ▼ down", fontsize=8)


def _draw_curves(
    axis: Axes, bias: Floats, curves: dict[str, tuple[str, str, Floats]], unit: tuple[str, float], title: str
) -> None:
    prefix, factor = unit
    for label, (colour, line, current) in curves.items():
        marker = "." if len(bias) == 1 else ""
        axis.plot(bias, factor * current, color=colour, linestyle=line, marker=marker, linewidth=1.3, label=label)
    _finish(axis, f"current ({prefix})", title)


def _draw_tmr(axis: Axes, solution: Solution) -> None:
    c = solution.curves
    bias, tmr = _broken(c.bias, 100 * c.tmr[0], zeros(c.bias, c.total[0, 1]))
    axis.plot(bias, tmr, color="black", marker="." if len(c.bias) == 1 else "", linewidth=1.2)
    axis.axhline(-100, color=GREY, linestyle=":", linewidth=1.0, label="below: opposite signs")
    if np.isfinite(tmr).any():
        low, high = np.nanpercentile(tmr, [5, 95])  # a pole, where I_AP passes zero, would hide the rest
        axis.set_ylim(*_limits(np.array([min(low, -130.0), max(high, 0.0)])))
    _finish(axis, "TMR (%)", "TMR = $I_P/I_{AP} - 1$")


def _broken(bias: Floats, values: Floats, poles: tuple[float, ...]) -> tuple[Floats, Floats]:
    """Curve with a gap at every pole, so that no line joins both of its sides."""
    at = np.searchsorted(bias, poles)
    return np.insert(bias, at, poles), np.insert(values, at, np.nan)


def _finish(axis: Axes, quantity: str, title: str) -> None:
    axis.axhline(0, color="black", linewidth=0.5)
    axis.axvline(0, color="black", linewidth=0.5)
    axis.set_xlabel("bias (mV)", fontsize=8)
    axis.set_ylabel(quantity, fontsize=8)
    axis.set_title(title, fontsize=8)
    axis.legend(frameon=False, fontsize=7)
