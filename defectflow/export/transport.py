"""Rows and tables of the transport model: the same numbers for the terminal, JSON and CSV."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from defectflow.export.tables import new_table
from defectflow.schema.handoff import Handoff
from defectflow.transport.iv import IvReport, Mean, derivative
from defectflow.transport.model import Solution, ZoneLevel
from defectflow.transport.sets import ALIGNMENTS

if TYPE_CHECKING:
    from rich.table import Table


def curve_columns(solution: Solution) -> dict[str, Any]:
    """P and AP as lists over bias, and TMR as a fraction (null where I_AP is zero)."""
    return {**{a: _columns(solution, n) for n, a in enumerate(ALIGNMENTS)}, "tmr": _known(solution.curves.tmr[0])}


def _columns(solution: Solution, n: int) -> dict[str, list[float | None]]:
    c = solution.curves
    spins, (left, right) = c.currents[0, n], c.heat[0, n].sum(axis=0).T
    columns = {
        "bias_mV": c.bias,
        "up_nA": spins[0],
        "down_nA": spins[1],
        "total_nA": c.total[0, n],
        "error_nA": c.errors[0, n].sum(axis=0),
        "power_pW": c.power[0, n],
        "heat_left_pW": left,
        "heat_right_pW": right,
    }
    if len(c.bias) >= 3:
        columns["conductance_uS"] = derivative(c.bias, c.total[0, n])
    if solution.chain.spins.v:
        columns |= {"S1z": solution.spins.spins[n, :, 0], "S2z": solution.spins.spins[n, :, 1]}
    if solution.spins.couplings is not None:
        k = solution.spins.couplings
        named = {"heisenberg_meV": k.heisenberg, "ising_meV": k.ising, "dm_meV": k.dm}
        columns |= {name: v.reshape(2, -1)[n] for name, v in named.items()}
    return {name: _known(v) for name, v in columns.items()}


def _known(values: Iterable[float]) -> list[float | None]:
    return [float(v) + 0.0 if np.isfinite(v) else None for v in values]  # no minus zero


def curve_rows(solution: Solution) -> list[dict[str, Any]]:
    """CSV rows of the curves, one per bias."""
    columns = curve_columns(solution)
    flat = {"bias_mV": columns["P"]["bias_mV"]}
    flat |= {f"{a}_{name}": v for a in ALIGNMENTS for name, v in columns[a].items() if name != "bias_mV"}
    flat["tmr"] = columns["tmr"]
    return [dict(zip(flat, row, strict=True)) for row in zip(*flat.values(), strict=True)]


def zone_rows(picture: tuple[ZoneLevel, ...]) -> list[dict[str, Any]]:
    """CSV rows of the levels in every zone (meV)."""
    return [
        {"alignment": v.alignment, "spin": v.spin, "zone": v.zone, "energy_meV": v.energy, "width_meV": v.width}
        for v in picture
    ]


def level_rows(handoff: Handoff) -> list[dict[str, Any]]:
    """CSV rows of a hand-off's levels (meV relative to E_F)."""
    return [
        {
            "spin": v.spin,
            "bands": " ".join(map(str, v.bands)),
            "degeneracy": v.degeneracy,
            "energy_meV": v.energy,
            "width_meV": v.width,
            "occupation": v.occupation,
            "weight_1": v.weights[0],
            "weight_2": v.weights[1],
            **v.orbitals,
        }
        for v in handoff.levels
    ]


def curve_table(solution: Solution, rows: int = 11) -> Table:
    """Some of the biases for a terminal, evenly spread."""
    table = new_table("bias (mV)", "P up (nA)", "down", "total", "AP up (nA)", "down", "total", "TMR (%)")
    c = solution.curves
    for n in np.unique(np.linspace(0, len(c.bias) - 1, rows).round().astype(int)):
        numbers = [f"{x:+.3g}" for a in (0, 1) for x in (*c.currents[0, a, :, n], c.total[0, a, n])]
        tmr = c.tmr[0, n]
        table.add_row(f"{c.bias[n]:g}", *numbers, f"{100 * tmr:+.1f}" if np.isfinite(tmr) else "-")
    return table


def level_table(handoff: Handoff) -> Table:
    """Levels of a hand-off for a terminal."""
    table = new_table("spin", "bands", "E - E_F (meV)", "width", "occ.", "on centres 1, 2", "orbitals")
    for v in handoff.levels:
        orbitals = " ".join(f"{k} {w:.2f}" for k, w in v.orbitals.items() if w >= 0.005)
        weights = "{:.2f} {:.2f}".format(*v.weights)
        bands = ", ".join(map(str, v.bands))
        table.add_row(v.spin, bands, f"{v.energy:+.0f}", f"{v.width:.0f}", f"{v.occupation:.2f}", weights, orbitals)
    return table


def iv_row(report: IvReport) -> dict[str, Any]:
    """JSON of an analysed pair of curves: mV, nA, uS, pW; TMR as a fraction; null where a number is not known."""
    return {
        "bias_mV": report.bias.tolist(),
        "current_nA": {k: _mean_row(m) for k, m in report.current.items()},
        "conductance_uS": {k: _mean_row(m) for k, m in report.conductance.items()},
        "tmr": _mean_row(report.tmr) if report.tmr else None,
        "peaks": {k: vars(p) if p else None for k, p in report.peaks.items()},
        "poles_mV": list(report.poles),
        "opposite_mV": [list(w) for w in report.opposite],
        "output": {k: {"power_pW": o.power, "bias_mV": o.bias} for k, o in report.output.items()},
    }


def _mean_row(m: Mean) -> dict[str, Any]:
    return {"value": _known(m.value), "error": None if m.error is None else _known(m.error)}


def analysis_table(report: IvReport, rows: int = 11) -> Table:
    """Some of the biases of analysed curves for a terminal; ± where sweeps were repeated."""
    table = new_table("bias (mV)", *(f"{c} {a}" for a in report.current for c in ("I (nA)", "dI/dV (uS)")), "TMR (%)")
    means = [m for a in report.current for m in (report.current[a], report.conductance[a])]
    for n in np.unique(np.linspace(0, len(report.bias) - 1, rows).round().astype(int)):
        tmr = _shown(report.tmr, n, 100) if report.tmr else "-"
        table.add_row(f"{report.bias[n]:g}", *(_shown(m, n) for m in means), tmr)
    return table


def _shown(m: Mean, n: int, factor: float = 1.0) -> str:
    if not np.isfinite(m.value[n]):
        return "-"
    error = "" if m.error is None else f" ± {factor * m.error[n]:.2g}"
    return f"{factor * m.value[n]:+.4g}{error}"


def rows_table(rows: list[dict[str, Any]]) -> Table:
    """Any rows of one kind for a terminal, numbers with three digits."""
    table = new_table(*rows[0])
    for row in rows:
        table.add_row(*("-" if v is None else f"{v:.3g}" if isinstance(v, float) else str(v) for v in row.values()))
    return table
