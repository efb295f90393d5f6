"""``defectflow energetics``: formation, capture and binding energies of a screening."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from defectflow.cli.screening import RoundName
from defectflow.cli.shared import AsJson, Force, RunFolder, console, print_json, refuse_made

if TYPE_CHECKING:
    from defectflow.analyse.round_energies import Energetics
    from defectflow.run import ScreenStudy


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command()(energetics)


def energetics(
    folder: RunFolder,
    step: RoundName = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Folder for the tables (CSV) and, if charged, the figure.")
    ] = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Chemical potentials, formation, capture, binding energies and levels; status 1 if a certificate failed."""
    from defectflow.export.energetics import energetics_document
    from defectflow.pipeline.energetics import energetics as calculate
    from defectflow.pipeline.energetics import write_energetics
    from defectflow.pipeline.screen import chosen_round
    from defectflow.run import ScreenStudy

    study = ScreenStudy.open(folder)
    chosen = chosen_round(study, step)
    refuse_made(output, f"energetics_{chosen.name}", force)
    found = calculate(study, chosen)
    files = [str(p) for p in write_energetics(found, output)] if output is not None else []
    if as_json:
        print_json({**energetics_document(found), "caveats": list(study.recipe.caveats), "files": files})
    else:
        _print(study, found, files)
    raise typer.Exit(0 if found.passed else 1)


def _print(study: ScreenStudy, found: Energetics, files: list[str]) -> None:
    from defectflow.export import energetics as tables

    screen = console()
    s = study.recipe.settings_of(found.step)
    used = (s.functional, f"{s.cutoff:g} eV", s.kpoints, s.smearing, "/".join(found.step.stages))
    screen.print(f"{study.recipe.name}, round {found.step.name}:", ", ".join(map(str, used)))
    if not found.limits:
        screen.print("no reference phases in this round, so no formation energies: add [[references]] to the recipe")
    for table in tables.energetics_tables(found):
        screen.print(table)
    screen.print("Formation energies at E_F = VBM. Capture: negative is favourable. Binding: positive stays together.")
    screen.print("± is what SCF, smearing and the scatter of the corrections leave open; compare rounds for settings.")
    for reason in (*found.reasons, *found.missing):
        screen.print(f"failed {reason}", style="red")
    for caveat in study.recipe.caveats:
        screen.print(f"note {caveat}", style="yellow")
    if files:
        screen.print("written:", *(f"  {p}" for p in files), sep="\n")
