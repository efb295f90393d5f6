"""Figure of the SCF steps of a study's jobs."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

from defectflow.export.plots import BLUE, GREEN, GREY, ORANGE, RED, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLOURS, _DASHES = (BLUE, ORANGE, GREEN, RED, GREY), ("-", "--", ":", "-.")
NAMED = 20  # jobs above which a legend would hide the curves


def trace_figure(traces: dict[str, list[float]]) -> Figure:
    """Absolute change of the energy (eV) at every SCF step, a line for each job."""
    figure = new_figure((6.8, 3.6 + 0.11 * min(len(traces), NAMED)))
    axis = figure.subplots()
    for n, (job, changes) in enumerate(traces.items()):
        known = [(step, abs(c)) for step, c in enumerate(changes, start=1) if isfinite(c) and c]
        colour, dash = _COLOURS[n % 5], _DASHES[n // 5 % 4]
        axis.plot([s for s, _ in known], [c for _, c in known], label=job, color=colour, linestyle=dash, linewidth=1.0)
    axis.set_yscale("log")
    axis.set_xlabel("SCF step, all ionic steps together")
    axis.set_ylabel("|change of the energy| (eV per cell)")
    if len(traces) <= NAMED:
        figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=6)
    return figure
