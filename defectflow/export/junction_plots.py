"""Figures of a junction: potential with levels, DOS of every layer, band line-up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from defectflow.export.plots import BLUE, GREEN, GREY, ORANGE, RED, new_figure
from defectflow.schema.lineup import LineUp, Profile

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ENERGY = "energy relative to $E_F$ (eV)"


def potential_figure(line: LineUp, shape: Profile) -> Figure:
    """Planar and macroscopic average of the electrostatic potential energy, with the levels in the barrier."""
    figure = new_figure((6.4, 3.8))
    axis = figure.subplots()
    axis.plot(shape.z, shape.planar, color=GREY, linewidth=0.8, label="planar average")
    axis.plot(shape.z, shape.macroscopic, color=BLUE, linewidth=1.6, label="macroscopic average")
    oxide = [z for z, kind in zip(shape.layer_z, shape.layer_kinds, strict=True) if kind == "oxide"]
    for energy, name in ((shape.vbm, "VBM"), (shape.cbm, "CBM")):
        axis.plot([min(oxide), max(oxide)], [energy, energy], color=RED, linewidth=1.2)
        axis.annotate(name, (max(oxide), energy), xytext=(2, 2), textcoords="offset points", fontsize=8, color=RED)
    axis.axhline(0, color="black", linestyle="--", linewidth=0.8, label="$E_F$")
    axis.set_xlabel("height along the normal (Å)")
    axis.set_ylabel(ENERGY)
    axis.set_xlim(0, float(shape.z[-1]))
    axis.set_title(_title(line), fontsize=9)
    figure.legend(loc="outside lower center", ncols=3, frameon=False, fontsize=8)
    return figure


def layer_figure(line: LineUp, shape: Profile) -> Figure:
    """DOS of every layer as a map, a panel for each spin; VBM and CBM of the barrier are marked."""
    figure = new_figure((7.0, 4.2))
    axes = figure.subplots(1, 2, sharey=True)
    values = np.log10(np.maximum(shape.layer_dos, 1e-3))
    image: Any = None
    for spin, (axis, name) in enumerate(zip(axes, ("up", "down"), strict=True)):
        layers = np.arange(len(shape.layer_names) + 1) + 0.5
        steps = np.concatenate([shape.energies, [2 * shape.energies[-1] - shape.energies[-2]]])
        image = axis.pcolormesh(
            layers, steps, values[:, spin, :].T, cmap="cividis", vmin=-3, vmax=1, rasterized=True, shading="flat"
        )
        _mark_levels(axis, shape)
        axis.set_xlabel("layer, through the barrier", fontsize=8)
        axis.set_title(f"spin {name}", fontsize=9)
        axis.set_xticks(range(1, len(shape.layer_names) + 1, 2))
        axis.tick_params(labelsize=7)
    axes[0].set_ylabel(ENERGY)
    figure.suptitle(_title(line), fontsize=9)
    bar = figure.colorbar(image, ax=list(axes))
    bar.set_label("log10 of the DOS (states/eV/layer)")
    return figure


def _mark_levels(axis: Axes, shape: Profile) -> None:
    oxide = [n + 1 for n, kind in enumerate(shape.layer_kinds) if kind == "oxide"]
    axis.axhline(0, color="white", linestyle="--", linewidth=0.9)
    axis.annotate("$E_F$", (1, 0), xytext=(0, 3), textcoords="offset points", color="white", fontsize=8)
    for edge in (min(oxide) - 0.5, max(oxide) + 0.5):
        axis.axvline(edge, color="white", linewidth=0.6)
    for energy in (shape.vbm, shape.cbm):
        axis.plot([min(oxide) - 0.5, max(oxide) + 0.5], [energy, energy], color=ORANGE, linewidth=1.2)


def line_up_figure(line: LineUp) -> Figure:
    """Band edges of the barrier beside the metal's Fermi level, and what each method gives."""
    figure = new_figure((7.0, 3.6))
    left, right = figure.subplots(1, 2, width_ratios=(2, 3))
    vbm, cbm = -line.phi_p, line.phi_n
    for x in (0, 2):
        left.fill_between([x, x + 1], [vbm - 1.5] * 2, [0, 0], color=GREY, alpha=0.6, linewidth=0)
    left.fill_between([1, 2], [vbm - 1.5] * 2, [vbm] * 2, color=BLUE, alpha=0.6, linewidth=0)
    left.fill_between([1, 2], [cbm] * 2, [cbm + 1.0] * 2, color=ORANGE, alpha=0.6, linewidth=0)
    left.plot([0, 3], [0, 0], color="black", linestyle="--", linewidth=0.9)
    for energy, name in ((vbm, "$\\Phi_p$"), (cbm, "$\\Phi_n$")):
        left.annotate("", (1.5, energy), (1.5, 0), arrowprops={"arrowstyle": "<->", "linewidth": 0.8})
        left.text(1.55, energy / 2, f"{name} = {abs(energy):.2f} eV", va="center", fontsize=8)
    left.text(0.05, 0.08, "$E_F$", fontsize=8)
    left.set_ylabel(ENERGY)
    left.set_xticks([0.5, 1.5, 2.5], line.name.split("/"), fontsize=8)
    left.set_xlim(0, 3)
    _draw_methods(right, line)
    figure.suptitle(f"{_title(line)}; the gap is PBE's, {line.gap:.2f} eV", fontsize=9)
    return figure


def _draw_methods(axis: Axes, line: LineUp) -> None:
    for n, (name, e) in enumerate(line.methods.items()):
        face = "white" if name in line.checks else GREEN
        axis.errorbar(e.value, n, xerr=e.uncertainty, fmt="o", color=GREEN, markerfacecolor=face, capsize=3)
    axis.axvline(line.adopted, color="black", linewidth=0.9)
    low, high = line.adopted - line.uncertainty, line.adopted + line.uncertainty
    axis.axvspan(low, high, color=GREY, alpha=0.3, linewidth=0)
    axis.set_yticks(range(len(line.methods)), list(line.methods), fontsize=8)
    axis.invert_yaxis()
    axis.ticklabel_format(axis="x", useOffset=False)
    axis.set_xlabel("$E_F - E_{VBM}$ (eV); open: a check, not in the mean", fontsize=8)


def _title(line: LineUp) -> str:
    return f"{line.name}, {line.state}, {line.settings['version']}"


def potential_rows(shape: Profile) -> list[dict[str, Any]]:
    """The curves of the potential figure."""
    columns = zip(shape.z.tolist(), shape.planar.tolist(), shape.macroscopic.tolist(), strict=True)
    return [{"z_A": z, "planar_eV": p, "macroscopic_eV": m} for z, p, m in columns]


def layer_rows(shape: Profile) -> list[dict[str, Any]]:
    """The map of the layer figure: a row per energy, two columns per layer (states/eV/layer)."""
    rows = []
    for n, energy in enumerate(shape.energies.tolist()):
        row = {"energy_eV": energy}
        for name, curves in zip(shape.layer_names, shape.layer_dos, strict=True):
            row |= {f"{name} up": float(curves[0][n]), f"{name} down": float(curves[1][n])}
        rows.append(row)
    return rows
