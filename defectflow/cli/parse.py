"""``defectflow parse``: any finished run, ours or not, in one table or as JSON."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from defectflow.cli.shared import AsJson, console, print_json

if TYPE_CHECKING:
    from defectflow.schema import RunSummary


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command()(parse)


def parse(
    path: Annotated[Path, typer.Argument(help="Folder of a run, or a vasprun.xml or OUTCAR.", show_default=False)],
    as_json: AsJson = False,
) -> None:
    """Print energies, Fermi level, moments and convergence of a run; whether to believe it says ``verify``."""
    from defectflow.parse import parse_run

    summary = parse_run(path)
    if as_json:
        print_json(summary_document(summary))
    else:
        _print(summary)


def summary_document(s: RunSummary) -> dict[str, Any]:
    """The summary as JSON: eV per cell, muB, eV/A; `fermi` is one number, or up and down."""
    from defectflow.export.tables import filling_row

    c = s.convergence
    return {
        "path": s.path,
        "code": s.code,
        "version": s.version,
        "e0": s.e0,
        "free_energy": s.free_energy,
        "fermi": list(s.fermi) if len(s.fermi) == 2 else next(iter(s.fermi), None),
        "total_moment": s.total_moment,
        "site_moments": None if s.site_moments is None else list(s.site_moments),
        **filling_row(s.filling),
        "n_atoms": len(s.cell),
        "n_electrons": s.n_electrons,
        "n_kpoints": s.n_kpoints,
        "n_bands": s.n_bands,
        "n_ionic_steps": s.n_ionic_steps,
        "converged_electronic": c.electronic,
        "converged_ionic": c.ionic,
        "last_energy_change": c.last_energy_change,
        "max_force": c.max_force,
        "potentials": s.potentials,
        "warnings": list(s.warnings),
    }


def _print(s: RunSummary) -> None:
    screen, c = console(), s.convergence
    fermi = " and ".join(f"{f:.4f}" for f in s.fermi) or "not written"
    screen.print(f"{s.path}: {s.code} {s.version}, {_formula(s)}, {s.n_kpoints} k-points, {s.n_bands} bands")
    screen.print(f"E0 {s.e0:.8f} eV, F {s.free_energy:.8f} eV per cell; E_F {fermi} eV{_two(s)}")
    screen.print(f"total moment {_moment(s.total_moment)}; largest site moments {_largest(s)}")
    unjudged = "moved, not relaxed" if s.n_ionic_steps > 1 else "no ion moved"
    yes_no = {True: "converged", False: "NOT converged", None: unjudged}
    tail = f"largest force {c.max_force:.4f} eV/A, {s.n_ionic_steps} ionic steps"
    change = f"last change {c.last_energy_change:.1e} eV, tolerance {c.energy_tolerance:.1e} eV"
    screen.print(f"electronically {yes_no[c.electronic]} ({change})")
    screen.print(f"ionically {yes_no[c.ionic]} ({tail})")
    for warning in s.warnings:
        screen.print(f"warning {warning}", style="yellow")


def _two(s: RunSummary) -> str:
    return " (up, down: the total moment was fixed)" if len(s.fermi) == 2 else ""


def _formula(s: RunSummary) -> str:
    counts = {symbol: s.cell.species.count(symbol) for symbol in dict.fromkeys(s.cell.species)}
    return "".join(f"{symbol}{n}" for symbol, n in counts.items())


def _moment(moment: object) -> str:
    if moment is None:
        return "unknown"
    return f"{moment:.4f} muB" if isinstance(moment, float) else f"{moment} muB"


def _largest(s: RunSummary) -> str:
    sites = [(m, i) for i, m in enumerate(s.site_moments or (), 1) if isinstance(m, float)]
    top = sorted(sites, key=lambda pair: -abs(pair[0]))[:6]
    return ", ".join(f"{s.cell.species[i - 1]}{i} {m:+.3f}" for m, i in top) or "unknown"
