"""Figures: vector files, both spins, E_F marked, colours that colour-blind readers tell apart."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from defectflow.analyse.compare import PairComparison
from defectflow.analyse.dos import Dos
from defectflow.materials import PublishedOrder
from defectflow.schema import PairOrbit
from defectflow.schema.jsonio import write_atomic

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's palette, https://jfly.uni-koeln.de/color/
BLUE, ORANGE, GREEN, RED, GREY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#999999"
# The second dopant is dashed: in FM cells its curve lies on that of the first.
_GROUP_STYLES = ((RED, "-"), (BLUE, (0, (3, 2))), (GREEN, "-"), (ORANGE, "-"))


@dataclass(frozen=True, eq=False)
class DosPanel:
    """One panel: a spin state's DOS under its name; the scale follows the curves of the groups in `dopants`.

    `marked` are dopant states around the zero of energy (eV), in spin up and down.
    """

    title: str
    row: str
    column: str
    dos: Dos
    dopants: tuple[str, ...]
    marked: tuple[tuple[float, ...], tuple[float, ...]] = ((), ())


def save(figure: Figure, stem: Path) -> list[Path]:
    """Write ``stem.pdf`` and ``stem.svg``; same input, same bytes."""
    from matplotlib import rc_context

    paths = [stem.with_name(f"{stem.name}.{suffix}") for suffix in ("pdf", "svg")]
    drawn = BytesIO(), BytesIO()  # a file is written once it is whole
    with rc_context({"svg.hashsalt": "defectflow", "svg.fonttype": "none", "pdf.fonttype": 42}):
        figure.savefig(drawn[0], format="pdf", metadata={"CreationDate": None})
        figure.savefig(drawn[1], format="svg", metadata={"Date": None})
    for path, picture in zip(paths, drawn, strict=True):
        write_atomic(path, picture.getvalue())
    return paths


def dos_figure(panels: list[DosPanel]) -> Figure:
    """Spin-resolved DOS, a row per pair and a column per spin order; up above the axis, down below."""
    rows, columns = (list(dict.fromkeys(getattr(p, k) for p in panels)) for k in ("row", "column"))
    figure = new_figure((3.6 * len(columns) + 0.6, 1.55 * len(rows) + 1.2))
    axes = figure.subplots(len(rows), len(columns), sharex=True, sharey=True, squeeze=False)
    # Scaled to the states on the dopants: the host's valence band would hide them.
    top = 1.6 * max(float(p.dos.groups[name].max()) for p in panels for name in p.dopants)
    for panel in panels:
        axis = axes[rows.index(panel.row)][columns.index(panel.column)]
        _draw_dos(axis, panel, top)
    for row in axes:
        row[0].set_ylabel("DOS (states/eV/cell)", fontsize=7)
    for axis in axes[-1]:
        axis.set_xlabel(f"energy relative to {_mathtext(panels[0].dos.reference.name)} (eV)")
    handles, labels = axes[0][0].get_legend_handles_labels()
    across = len(labels) if len(labels) <= 6 else 4  # a long name of the reference needs a second row
    figure.legend(handles, labels, loc="outside upper center", ncols=across, frameon=False)
    return figure


def _mathtext(name: str) -> str:
    return name.replace("E_F", "$E_F$")


def _draw_dos(axis: Axes, panel: DosPanel, top: float) -> None:
    d = panel.dos
    for sign, curve in zip((1, -1), d.total, strict=True):
        label = "total" if sign == 1 else None
        axis.fill_between(d.energies, sign * curve, color=GREY, alpha=0.45, linewidth=0, label=label)
    for (name, curves), (colour, line) in zip(d.groups.items(), _GROUP_STYLES, strict=False):
        for sign, curve in zip((1, -1), curves, strict=True):
            label = name if sign == 1 else None
            axis.plot(d.energies, sign * curve, color=colour, linestyle=line, linewidth=0.9, label=label)
    axis.axhline(0, color="black", linewidth=0.5)
    axis.axvline(d.fermi, color="black", linestyle="--", linewidth=0.8, label="$E_F$ of the cell")
    if abs(d.fermi) > 1e-9:
        _draw_reference(axis, panel, top)
    axis.set_ylim(-top, top)
    axis.set_xlim(d.energies[0], d.energies[-1])
    axis.text(0.02, 0.94, panel.title, transform=axis.transAxes, va="top", fontsize=8)
    axis.text(0.985, 0.94, "up", transform=axis.transAxes, va="top", ha="right", fontsize=7)
    axis.text(0.985, 0.06, "down", transform=axis.transAxes, va="bottom", ha="right", fontsize=7)


def _draw_reference(axis: Axes, panel: DosPanel, top: float) -> None:
    """The zero of energy with its uncertainty, and the dopant states around it as ticks on the axis."""
    error = panel.dos.reference.uncertainty
    axis.axvline(0, color=BLUE, linewidth=1.0, label=_mathtext(panel.dos.reference.name))
    axis.axvspan(-error, error, color=BLUE, alpha=0.15, linewidth=0)
    for sign, energies in zip((1, -1), panel.marked, strict=True):
        axis.vlines(energies, 0, sign * 0.12 * top, color="black", linewidth=1.1)


def energy_figure(comparisons: tuple[PairComparison, ...], published: PublishedOrder | None) -> Figure:
    """E_AF - E_FM and J per bond against the distance of the pair.

    Parameters
    ----------
    published : PublishedOrder or None
        Differences to mark beside our own.
    """
    known = [(c, c.exchange) for c in comparisons if c.exchange]
    figure = new_figure((6.4, 3.4))
    left, right = figure.subplots(1, 2)
    for passed, marker, face in ((True, "o", BLUE), (False, "o", "white")):
        chosen = [(c, e) for c, e in known if c.certificate.passed is passed]
        if not chosen:
            continue
        x = [c.orbit.distance_over_a for c, _ in chosen]
        error = [1000 * c.uncertainty for c, _ in chosen]
        style = {"fmt": marker, "color": BLUE, "markerfacecolor": face, "capsize": 3}
        label = "certificate passed" if passed else "certificate failed"
        left.errorbar(x, [1000 * e.delta for _, e in chosen], yerr=error, label=label, **style)
        right.errorbar(x, [e.j_per_bond for _, e in chosen], yerr=_per_bond(chosen), **style)
    for c, e in known:
        at = (c.orbit.distance_over_a, 1000 * e.delta)
        left.annotate(c.orbit.label, at, xytext=(6, 3), textcoords="offset points", fontsize=8)
    for c in comparisons:
        if published and (delta := published.delta_af_fm.get(c.orbit.label)) is not None:
            left.plot([c.orbit.distance_over_a], [1000 * delta], "D", color=RED, label=published.short)
            right.plot([c.orbit.distance_over_a], [1000 * delta / (2 * c.orbit.images)], "D", color=RED)
    left.set_ylabel("$E_{AF} - E_{FM}$ (meV per cell)")
    right.set_ylabel("$J$ per bond (meV), $J > 0$ FM")
    for axis in (left, right):
        axis.axhline(0, color="black", linewidth=0.6)
        axis.set_xlabel("pair distance $d/a$")
        axis.margins(x=0.12, y=0.1)
    figure.legend(loc="outside upper center", ncols=3, frameon=False, fontsize=8)
    return figure


def _per_bond(chosen: list[tuple[PairComparison, Any]]) -> list[float]:
    return [1000 * c.uncertainty / (2 * c.orbit.images) for c, _ in chosen]


def geometry_figure(orbits: tuple[PairOrbit, ...], lattice: np.ndarray) -> Figure:
    """The dopants of each pair in one supercell and its periodic images, shortest bonds drawn."""
    figure = new_figure((2.3 * len(orbits), 2.9))
    for n, orbit in enumerate(orbits):
        axis: Any = figure.add_subplot(1, len(orbits), n + 1, projection="3d")
        _draw_pair(axis, orbit, lattice)
        axis.set_title(f"pair {orbit.label}: d = {orbit.distance_over_a:.3f} a, z = {orbit.images}", fontsize=8)
    return figure


def _draw_pair(axis: Any, orbit: PairOrbit, lattice: np.ndarray) -> None:
    corners = np.array(list(product((0, 1), repeat=3)))
    for a, b in product(corners, repeat=2):
        if (b - a).sum() == 1 and (b >= a).all():
            axis.plot(*np.array([a, b] @ lattice).T, color=GREY, linewidth=0.6)
    shifts = np.array(list(product((-1, 0, 1), repeat=3))) @ lattice
    middle = lattice.sum(axis=0) / 2
    first = middle - np.array(orbit.vector) / 2 + shifts
    second = middle + np.array(orbit.vector) / 2 + shifts
    _draw_bonds(axis, first, second, orbit.distance, lattice)
    for sites, colour, label in ((first, BLUE, "first"), (second, ORANGE, "second")):
        inside = sites[_inside(sites, lattice)]
        axis.scatter(*inside.T, s=45, color=colour, edgecolor="black", linewidth=0.4, depthshade=False, label=label)
    axis.set_axis_off()
    axis.set_box_aspect(np.linalg.norm(lattice, axis=1))
    axis.view_init(elev=18, azim=-62)


def _draw_bonds(axis: Any, first: np.ndarray, second: np.ndarray, distance: float, lattice: np.ndarray) -> None:
    for a, b in product(first, second):
        near = abs(np.linalg.norm(b - a) - distance) < 1e-3
        if near and (_inside(a[None], lattice).all() or _inside(b[None], lattice).all()):
            axis.plot(*np.array([a, b]).T, color="black", linewidth=1.0)


def _inside(sites: np.ndarray, lattice: np.ndarray) -> np.ndarray:
    coords = sites @ np.linalg.inv(lattice)
    return np.asarray(((coords > -0.01) & (coords < 1.01)).all(axis=1))


def new_figure(size: tuple[float, float]) -> Figure:
    """Figure of a size in inches, its parts laid out without overlap."""
    from matplotlib.figure import Figure

    return Figure(figsize=size, layout="constrained")
