"""``defectflow export``: results for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from defectflow.cli.shared import AsJson, RunFolder, console, print_json


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command()(export)


def export(
    folder: RunFolder,
    to: Annotated[str, typer.Option("--to", help="ase, entries, dos, pydefect or doped.", show_default=False)],
    output: Annotated[Path, typer.Option("-o", "--output", help="File or folder to write.", show_default=False)],
    everything: Annotated[bool, typer.Option("--all", help="Also energies whose certificate failed.")] = False,
    broadening: Annotated[
        float | None, typer.Option("--broadening", help="Of a DOS (eV).", show_default="the recipe's")
    ] = None,
    step: Annotated[
        str,
        typer.Option("--round", help="For pydefect and doped.", show_default="the last with results"),
    ] = "",
    force: Annotated[bool, typer.Option("--force", help="Replace what is there.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write results for other programs; status 1 if an energy was left out, which is named with the reason.

    ase: an ASE database (.db) or extended XYZ (.extxyz); entries: pymatgen's ComputedStructureEntry; dos: its
    CompleteDos, one file for each state; pydefect: the folders of a screening as its commands read them; doped: the
    DefectEntry of each of its single point defects. The certificate goes with every energy; where the other program
    has no place for it, none is written without.
    """
    from defectflow.export.interop import HandOver, hand_over
    from defectflow.run import open_study

    done = hand_over(open_study(folder), HandOver(to, output, everything, broadening, force, step))
    if as_json:
        print_json({"files": [str(p) for p in done.files], "left_out": done.left_out})
    else:
        out = console()
        out.print(f"{len(done.files)} files in {output}" if len(done.files) > 1 else f"written: {done.files[0]}")
        for what, why in done.left_out.items():
            out.print(f"left out {what}: {why}", style="red")
    raise typer.Exit(1 if done.left_out else 0)
