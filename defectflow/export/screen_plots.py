"""Energy and spin order of the configurations of a screening against the distance of their defects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from defectflow.analyse.rank import Ranked
from defectflow.export.plots import BLUE, GREEN, GREY, ORANGE, RED, new_figure
from defectflow.export.screen import composition_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ORDERS = {"FM": (BLUE, "o"), "AF": (RED, "s"), "NM": (GREY, "D")}
_OTHERS = ((GREEN, "^"), (ORANGE, "v"))


def distance_figure(rows: tuple[Ranked, ...], step: str) -> Figure:
    """A column for each composition: energy above the lowest (meV), and E_AF - E_FM where both were found.

    Every spin order that came out is drawn; an open symbol has a failed certificate.
    """
    families = _families(rows)
    orders = any(r.af_minus_fm is not None for family in families.values() for r in family)
    figure = new_figure((2.9 * len(families) + 0.6, 4.6 if orders else 2.8))
    axes = figure.subplots(2 if orders else 1, len(families), squeeze=False, sharex="col")
    for column, (name, family) in zip(axes.T, families.items(), strict=True):
        column[0].set_title(f"{name}, {step}", fontsize=9)
        _draw_energies(column[0], family)
        if orders:
            _draw_orders(column[1], family)
        column[-1].set_xlabel("shortest distance (Å)")
        column[-1].margins(x=0.12, y=0.15)
    axes[0][0].set_ylabel("energy above lowest (meV)")
    if orders:
        axes[1][0].set_ylabel("$E_{AF} - E_{FM}$ (meV per cell)")
    handles = {label: h for axis in axes[0] for h, label in zip(*axis.get_legend_handles_labels(), strict=True)}
    figure.legend(handles.values(), handles.keys(), loc="outside upper center", ncols=6, frameon=False, fontsize=8)
    return figure


def _families(rows: tuple[Ranked, ...]) -> dict[str, list[Ranked]]:
    """Compositions of more than one defect; those of a single configuration only where there are no others."""
    found: dict[str, list[Ranked]] = {}
    for row in rows:
        if row.orders and np.isfinite(row.configuration.distance):
            name = composition_text(row.configuration.composition) + (f" q{row.charge:+d}" if row.charge else "")
            found.setdefault(name, []).append(row)
    several = {name: family for name, family in found.items() if len(family) > 1}
    return several or found


def _draw_energies(axis: Axes, family: list[Ranked]) -> None:
    lowest = min(o.e0 for r in family for o in r.orders)
    names = list(dict.fromkeys(o.order for r in family for o in r.orders))
    styles = {**dict(zip([n for n in names if n not in _ORDERS], _OTHERS * len(names), strict=False)), **_ORDERS}
    for name in names:
        colour, marker = styles[name]
        for row in family:
            for order in row.orders:
                if order.order == name:
                    face = colour if row.certificate.passed else "white"
                    at = [row.configuration.distance], [1000 * (order.e0 - lowest)]
                    style: dict[str, Any] = {
                        "color": colour,
                        "markerfacecolor": face,
                        "capsize": 3,
                        "linestyle": "none",
                    }
                    axis.errorbar(*at, yerr=1000 * row.uncertainty, fmt=marker, label=f"{name} found", **style)
    axis.axhline(0, color="black", linewidth=0.6)


def _draw_orders(axis: Axes, family: list[Ranked]) -> None:
    known = [(r.configuration.distance, r.af_minus_fm, r) for r in family if r.af_minus_fm is not None]
    for distance, difference, row in known:
        face = BLUE if row.certificate.passed else "white"
        style: dict[str, Any] = {"color": BLUE, "markerfacecolor": face, "capsize": 3}
        axis.errorbar([distance], [1000 * difference], yerr=1000 * row.uncertainty, fmt="o", **style)
    if known:
        axis.axhline(0, color="black", linewidth=0.6)
    else:
        axis.text(0.5, 0.5, "not both FM and AF found", transform=axis.transAxes, ha="center", fontsize=8)
        axis.set_yticks([])
