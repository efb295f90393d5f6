"""Curves of a convergence study as rows, as a table for a terminal and as a figure."""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING, Any

from defectflow.analyse.convergence import Curve
from defectflow.export.plots import BLUE, GREEN, GREY, ORANGE, RED, new_figure
from defectflow.export.tables import new_table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from rich.table import Table

_STYLES = ((BLUE, "o"), (ORANGE, "s"), (GREEN, "^"), (RED, "D"), (GREY, "v"))


def curve_rows(curve: Curve) -> list[dict[str, Any]]:
    """Rows of one curve: energies in eV per cell; null where there is none, with the reasons."""
    rows = []
    for p in curve.points:
        c = p.comparison
        rows.append(
            {
                "axis": curve.axis,
                "kind": curve.kind,
                "pair": curve.pair,
                "value": p.label,
                "delta_af_fm": c.exchange.delta if c.exchange else None,
                "uncertainty": c.uncertainty if c.exchange else None,
                "e_fm": c.fm.e0 if c.fm else None,
                "e_af": c.af.e0 if c.af else None,
                "passed": c.certificate.passed,
                "reasons": "; ".join(c.certificate.reasons),
            }
        )
    return rows


def curves_table(curves: tuple[Curve, ...]) -> Table:
    """All points of all curves; the change is that from the point before."""
    table = new_table("axis", "kind", "pair", "value", "E_AF-E_FM (meV)", "change (meV)", "certificate")
    for curve in curves:
        before: float | None = None
        for p in curve.points:
            e, passed = p.comparison.exchange, p.comparison.certificate.passed
            shown = f"{1000 * e.delta:+.1f} ± {1000 * p.comparison.uncertainty:.1f}" if e else "-"
            change = f"{1000 * (p.delta - before):+.1f}" if p.delta is not None and before is not None else ""
            verdict = "passed" if passed else ("FAILED" if e else "not run")
            table.add_row(curve.axis, curve.kind, curve.pair, p.label, shown, change, verdict)
            before = p.delta if p.delta is not None else before
        table.add_section()
    return table


def curves_figure(curves: tuple[Curve, ...]) -> Figure:
    """A panel for each axis: E_AF - E_FM against the values, a line for each pair; open symbols: no certificate."""
    axes_names = list(dict.fromkeys(c.axis for c in curves))
    columns = min(3, len(axes_names))
    rows = -(-len(axes_names) // columns)
    figure = new_figure((3.1 * columns, 2.9 * rows))
    panels = figure.subplots(rows, columns, squeeze=False)
    labels = list(dict.fromkeys(c.pair for c in curves))
    for panel, name in zip(panels.flat, axes_names, strict=False):
        _draw(panel, [c for c in curves if c.axis == name], labels)
    for panel in panels.flat[len(axes_names) :]:
        panel.set_visible(False)
    for row in panels:
        row[0].set_ylabel("$E_{AF} - E_{FM}$ (meV per cell)")
    handles = {text: h for p in panels.flat for h, text in zip(*p.get_legend_handles_labels(), strict=True)}
    figure.legend(handles.values(), handles.keys(), loc="outside upper center", ncols=6, frameon=False, fontsize=8)
    return figure


def _draw(panel: Axes, curves: list[Curve], labels: list[str]) -> None:
    for curve in curves:
        colour, marker = _STYLES[labels.index(curve.pair) % len(_STYLES)]
        drawn = [(n, p.comparison) for n, p in enumerate(curve.points) if p.comparison.exchange]
        for passed, face in ((True, colour), (False, "white")):
            at = [(n, c) for n, c in drawn if c.certificate.passed is passed]
            panel.errorbar(
                [n for n, _ in at],
                [1000 * c.exchange.delta for _, c in at if c.exchange],
                yerr=[1000 * c.uncertainty for _, c in at],
                color=colour,
                marker=marker,
                markerfacecolor=face,
                linestyle="-" if passed else "none",
                capsize=3,
                linewidth=0.9,
                markersize=4.5,
                label=f"pair {curve.pair}" if passed else None,
            )
    points = curves[0].points
    panel.set_xticks(range(len(points)), [_broken(p.label) for p in points], fontsize=7)
    panel.set_xlim(-0.5, len(points) - 0.5)
    panel.axhline(0, color="black", linewidth=0.6)
    panel.set_title(fill(f"{curves[0].axis} ({curves[0].kind})", 34), fontsize=9)  # else a long name is cut


def _broken(label: str) -> str:
    short = {"methfessel-paxton": "MP", "fermi-dirac": "FD", "gaussian": "Gauss"}
    for name, word in short.items():
        label = label.replace(name, word)
    return label.replace(" ", "\n", 1)
