"""Tables of a screening, and its configurations with their energies for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from defectflow.analyse.rank import Ranked
from defectflow.export.frames import atoms_of, write_rows
from defectflow.export.tables import certificate_row, new_table
from defectflow.schema.configuration import ConfigurationState
from defectflow.schema.jsonio import write_atomic
from defectflow.schema.screen import ScreenRecipe

if TYPE_CHECKING:
    from ase import Atoms
    from rich.table import Table


def composition_text(composition: dict[str, int]) -> str:
    """``C_O:1 V_O:1``."""
    return " ".join(f"{name}:{n}" for name, n in composition.items())


def ranked_row(row: Ranked) -> dict[str, Any]:
    """JSON row: energies in eV per cell, distance in A (null for one defect), moments in muB."""
    c = row.configuration
    lowest = row.orders[0] if row.orders else None
    return {
        "label": c.label,
        "composition": composition_text(c.composition),
        "charge": row.charge,
        "degeneracy": c.degeneracy,
        "distance": c.distance if np.isfinite(c.distance) else None,
        "order": lowest.order if lowest else None,
        "asked": lowest.asked if lowest else None,
        "total_moment": lowest.total_moment if lowest else None,
        "e0": row.e0,
        "above_lowest": row.above_lowest,
        "af_minus_fm": row.af_minus_fm,
        "uncertainty": row.uncertainty if lowest else None,
        "passed": row.certificate.passed,
        "orders": [
            {"order": o.order, "asked": o.asked, "e0": o.e0, "total_moment": o.total_moment} for o in row.orders
        ],
        "certificate": certificate_row(row.certificate),
    }


def ranked_document(recipe: ScreenRecipe, step: str, rows: tuple[Ranked, ...]) -> dict[str, Any]:
    """The ranking of one round as JSON."""
    return {"round": step, "configurations": [ranked_row(r) for r in rows], "caveats": list(recipe.caveats)}


def state_row(state: ConfigurationState) -> dict[str, Any]:
    """JSON row of a state that is to be run."""
    c = state.configuration
    return {
        "label": c.label,
        "composition": composition_text(c.composition),
        "charge": state.charge,
        "order": state.order,
        "degeneracy": c.degeneracy,
        "distance": c.distance if np.isfinite(c.distance) else None,
        "atoms": len(c.cell),
        "moment": state.intended_moment,
    }


def state_table(states: tuple[ConfigurationState, ...]) -> Table:
    """What is to be run, for a terminal."""
    table = new_table("composition", "q", "label", "d (A)", "deg.", "order", "M start (muB)", "atoms")
    for s in states:
        c = s.configuration
        table.add_row(
            composition_text(c.composition),
            f"{s.charge:+d}" if s.charge else "0",
            c.label,
            f"{c.distance:.3f}" if np.isfinite(c.distance) else "-",
            str(c.degeneracy),
            s.order,
            f"{s.intended_moment:.2f}",
            str(len(c.cell)),
        )
    return table


def ranking_table(rows: tuple[Ranked, ...]) -> Table:
    """The ranking for a terminal."""
    from rich.text import Text

    table = new_table(
        "composition", "q", "label", "d (A)", "deg.", "order", "M (muB)", "E0 (eV)", "above lowest (eV)", "AF-FM (meV)",
        "certificate",
    )  # fmt: skip
    for r in rows:
        c, o = r.configuration, r.orders[0] if r.orders else None
        table.add_row(
            composition_text(c.composition),
            f"{r.charge:+d}" if r.charge else "0",
            c.label,
            f"{c.distance:.3f}" if np.isfinite(c.distance) else "-",
            str(c.degeneracy),
            o.order if o else "-",
            f"{round(o.total_moment, 2) + 0.0:.2f}" if o else "-",
            f"{o.e0:.4f}" if o else "-",
            f"{r.above_lowest:.4f}" if r.above_lowest is not None else "-",
            f"{1000 * r.af_minus_fm:+.0f} ± {1000 * r.uncertainty:.0f}" if r.af_minus_fm is not None else "-",
            Text("passed", style="green") if r.certificate.passed else Text(_failed(r), style="red"),
        )
    return table


def _failed(row: Ranked) -> str:
    return "FAILED" if row.orders else "no result"


def _frame(row: Ranked, step: str) -> Atoms | None:
    """Final geometry of the lowest run with its energy, forces and moments; None without a result."""
    result = row.lowest.result if row.lowest else None
    if result is None:
        return None
    atoms = atoms_of(result)
    values = {k: v for k, v in ranked_row(row).items() if isinstance(v, str | int | float | bool) and k != "e0"}
    atoms.info = {"round": step, "code": f"{result.code} {result.version}", **values}
    return atoms


def write_frames(rows: tuple[Ranked, ...], step: str, path: Path) -> None:
    """Extended XYZ with one frame for each configuration that has a result, lowest of each composition first."""
    import io

    from ase.io import write

    text = io.StringIO()
    write(text, [a for r in rows if (a := _frame(r, step))], format="extxyz")
    write_atomic(path, text.getvalue().encode())


def write_database(rows: tuple[Ranked, ...], step: str, path: Path) -> None:
    """ASE database (SQLite) with one row for each configuration that has a result; an earlier one is replaced whole."""
    frames = [atoms for row in rows if (atoms := _frame(row, step))]
    for atoms in frames:
        atoms.info.pop("total_moment", None)  # the database has it as magmom
    write_rows([(atoms, {}) for atoms in frames], path)
