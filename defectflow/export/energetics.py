"""Tables and figure of defect energetics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from defectflow.analyse.energetics import Energy
from defectflow.export.plots import BLUE, GREEN, ORANGE, RED, new_figure
from defectflow.export.tables import new_table

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.table import Table

    from defectflow.analyse.round_energies import Energetics


def _row(e: Energy) -> dict[str, Any]:
    return {"value": e.value, "uncertainty": e.uncertainty, "passed": e.passed, "reasons": list(e.reasons)}


def energetics_document(found: Energetics) -> dict[str, Any]:
    """JSON of one round: energies in eV; chemical potentials per atom on the engine's scale."""
    return {
        "round": found.step.name,
        "limits": {
            e.name: {"potentials": e.potentials, "errors": e.errors, "fixed_by": e.fixed_by} for e in found.limits
        },
        "formation": [
            {"defect": f.defect, "charge": f.charge, "at_vbm": {name: _row(e) for name, e in f.limits.items()}}
            for f in found.formation
        ],
        "capture": [
            {
                "vacancy": c.vacancy,
                "filled": c.filled,
                "dopant": c.dopant,
                "from": {name: _row(e) for name, e in c.energies.items()},
            }
            for c in found.captures
        ],
        "binding": [{"complex": e.name, **_row(e)} for e in found.bindings],
        "transitions": [
            {
                "defect": t.defect,
                "charges": list(t.charges),
                "above_vbm": t.level,
                "uncertainty": t.uncertainty,
                "passed": t.passed,
                "reasons": list(t.reasons),
            }
            for t in found.transitions
        ],
        "corrections": [
            {"defect": d, "charge": q, "point_charge": c.point_charge, "alignment": c.alignment, "scatter": c.scatter}
            for (d, q), c in found.corrections.items()
        ],
        "missing": list(found.missing),
    }


def formation_rows(found: Energetics) -> list[dict[str, Any]]:
    """Flat rows of the formation energies, one for each defect, charge and limit."""
    return [
        {
            "defect": f.defect,
            "charge": f.charge,
            "limit": name,
            "at_vbm_eV": e.value,
            "uncertainty_eV": e.uncertainty,
            "passed": e.passed,
        }
        for f in found.formation
        for name, e in f.limits.items()
    ]


def reaction_rows(found: Energetics) -> list[dict[str, Any]]:
    """Flat rows of capture and binding energies."""
    captures = [
        {
            "kind": "capture",
            "reaction": e.name,
            "dopant_from": name,
            "value_eV": e.value,
            "uncertainty_eV": e.uncertainty,
            "passed": e.passed,
        }
        for c in found.captures
        for name, e in c.energies.items()
    ]
    bound = [
        {
            "kind": "binding",
            "reaction": e.name,
            "dopant_from": "",
            "value_eV": e.value,
            "uncertainty_eV": e.uncertainty,
            "passed": e.passed,
        }
        for e in found.bindings
    ]
    return captures + bound


def energetics_tables(found: Energetics) -> list[Table]:
    """Tables for a terminal: limits, formation, capture, binding, levels; those without a row are left out."""
    tables = [_limits(found), _formation(found), _captures(found), _bindings(found), _transitions(found)]
    return [t for t in tables if t.row_count]


def _text(e: Energy | None) -> str:
    if e is None:
        return "-"
    return f"{e.value:+.2f} ± {e.uncertainty:.2f}" + ("" if e.passed else " FAILED")


def _limits(found: Energetics) -> Table:
    elements = list(dict.fromkeys(s for e in found.limits for s in e.potentials))
    table = new_table("limit", *(f"mu({s}) (eV)" for s in elements), "fixed by")
    for e in found.limits:
        fixed = ", ".join(f"{s}: {p}" for s, p in e.fixed_by.items())
        table.add_row(e.name, *(f"{e.potentials[s]:.3f}" if s in e.potentials else "-" for s in elements), fixed)
    return table


def _formation(found: Energetics) -> Table:
    table = new_table("defect", "q", *(f"E_f {e.name} (eV)" for e in found.limits))
    for f in found.formation:
        table.add_row(
            f.defect, f"{f.charge:+d}" if f.charge else "0", *(_text(f.limits.get(e.name)) for e in found.limits)
        )
    return table


def _captures(found: Energetics) -> Table:
    table = new_table("capture", "dopant from", "energy (eV)")
    for c in found.captures:
        for source, energy in c.energies.items():
            table.add_row(f"{c.vacancy} + {c.dopant} -> {c.filled}", source, _text(energy))
    return table


def _bindings(found: Energetics) -> Table:
    table = new_table("complex", "binding energy (eV)")
    for e in found.bindings:
        table.add_row(e.name, _text(e))
    return table


def _transitions(found: Energetics) -> Table:
    table = new_table("defect", "charges", "level above VBM (eV)")
    for t in found.transitions:
        text = f"{t.level:.2f} ± {t.uncertainty:.2f}" + ("" if t.passed else " FAILED")
        table.add_row(t.defect, "{:+d}/{:+d}".format(*t.charges), text)
    return table


def formation_figure(found: Energetics, gap: float) -> Figure:
    """Formation energies against E_F across the gap, a panel for each limit; the lowest charge of each defect."""
    import numpy as np

    figure = new_figure((3.2 * len(found.limits) + 0.6, 3.2))
    axes = figure.subplots(1, len(found.limits), sharey=True, squeeze=False)[0]
    fermi = np.linspace(0.0, gap, 400)
    names = list(dict.fromkeys(f.defect for f in found.formation))
    for axis, end in zip(axes, found.limits, strict=True):
        for n, name in enumerate(names):
            states = [f for f in found.formation if f.defect == name and end.name in f.limits]
            if not states:  # no phase holds one of its elements
                continue
            lines = [(f.charge, f.limits[end.name].value) for f in states]
            passed = all(f.limits[end.name].passed for f in states)
            curve = np.min([value + q * fermi for q, value in lines], axis=0)
            colour, dash = (BLUE, RED, GREEN, ORANGE)[n % 4], ("-", "--", ":", "-.")[n // 4 % 4]
            axis.plot(
                fermi, curve, color=colour, linestyle=dash, linewidth=1.2, label=name + ("" if passed else " (FAILED)")
            )
        axis.set_title(end.name, fontsize=9)
        axis.set_xlabel("$E_F - E_{VBM}$ (eV)")
        axis.set_xlim(0, gap)
        axis.axhline(0, color="black", linewidth=0.6)
    axes[0].set_ylabel("formation energy (eV)")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=4, frameon=False, fontsize=8)
    return figure
