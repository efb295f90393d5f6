"""Line-ups as rows and tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from defectflow.schema.lineup import LineUp

if TYPE_CHECKING:
    from rich.table import Table


def line_up_row(line: LineUp) -> dict[str, Any]:
    """JSON of a line-up; energies in eV, lengths in A, moments in muB."""
    return {
        "name": line.name,
        "oxide": line.oxide,
        "state": line.state,
        "fermi_minus_vbm": {
            name: {"value": e.value, "uncertainty": e.uncertainty, "check": name in line.checks}
            for name, e in line.methods.items()
        },
        "adopted": line.adopted,
        "uncertainty": line.uncertainty,
        "spread": line.spread,
        "phi_p": line.phi_p,
        "phi_n": line.phi_n,
        "gap": line.gap,
        "flatness": line.flatness,
        "charge_flatness": line.charge_flatness,
        "distances": list(line.distances),
        "metal_moments": list(line.metal_moments),
        "strained": line.strained,
        "strain": list(line.strain),
        "settings": line.settings,
        "source": line.source,
        "probe": line.probe,
        "variants": [{"change": v.change, "difference": v.difference} for v in line.variants],
    }


def line_up_table(line: LineUp) -> Table:
    """A row per method."""
    from rich.table import Table

    table = Table("method", "E_F - E_VBM (eV)", "±", "", box=None)
    for name, e in line.methods.items():
        check = "check, not in the mean" if name in line.checks else ""
        table.add_row(name, f"{e.value:.3f}", f"{e.uncertainty:.3f}", check)
    return table
