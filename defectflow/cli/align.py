"""``defectflow align``: where a junction's Fermi level lies in the cells of a study."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from defectflow.cli.shared import AsJson, RunFolder, console, print_json


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command()(align)


def align(
    folder: RunFolder,
    reference: Annotated[
        str,
        typer.Option(help='"junction" (the shipped line-up), a junction\'s run folder, or a reference file (JSON).'),
    ] = "junction",
    as_json: AsJson = False,
) -> None:
    """Place host VBM and junction E_F on the energy scale of every cell, through its far sites."""
    from defectflow.errors import AnalysisError
    from defectflow.pipeline.reference import cell_levels
    from defectflow.run import Study
    from defectflow.run.collect import collect

    study = Study.open(folder)
    entries = [e for e in collect(study) if e.result is not None]
    if not entries:
        raise AnalysisError("there is no result to align yet", where=str(folder), todo="defectflow status RUN")
    rows = [cell_levels(study, entry, reference) for entry in entries]
    if as_json:
        print_json({"cells": rows})
    else:
        _print(rows)


def _print(rows: list[dict[str, Any]]) -> None:
    from rich.table import Table

    table = Table(
        "cell", "E_VBM (eV)", "E_F of the cell", "E_F of the junction", "±", "the latter - the former", box=None
    )
    for r in rows:
        numbers = (r["vbm"], r["cell_fermi"], r["junction_fermi"], r["uncertainty"], r["junction_minus_cell"])
        table.add_row(r["name"], *(f"{n:.3f}" for n in numbers))
    console().print(table)
    console().print("energies on each cell's own scale; " + rows[0]["source"])
