"""``defectflow reproduce``: a stored number is run again and compared."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from defectflow.cli.run import Jobs
from defectflow.cli.shared import AsJson, RunFolder, console, print_json


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command()(reproduce)


def reproduce(
    folder: RunFolder,
    job: Annotated[str, typer.Argument(metavar="JOB", help="Path of a job, as status shows it.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Folder to run in.", show_default="a temporary one")
    ] = None,
    jobs: Jobs = None,
    as_json: AsJson = False,
) -> None:
    """Run one calculation of a finished study again, with those it follows, and compare; status 1 if it differs."""
    from defectflow.cli.progress import stop_on_signal, watching
    from defectflow.pipeline.reproduce import reproduce as again
    from defectflow.run import RunOptions, open_study

    study = open_study(folder)
    with tempfile.TemporaryDirectory() as scratch, stop_on_signal() as stop:
        place = output or Path(scratch) / "again"
        with watching(place, jobs or 1, quiet=as_json) as watch:
            found = again(study, job, place, jobs, RunOptions(watch=watch, stop=stop))
    row = {"path": found.path, "stored": found.stored, "again": found.again, "tolerance": found.tolerance}
    if as_json:
        print_json({**row, "moments": list(found.moments), "agrees": found.agrees})
    else:
        words = "agrees" if found.agrees else "DIFFERS"
        energies = f"stored E0 = {found.stored:.6f} eV, again {found.again:.6f} eV"
        left = f"{1000 * (found.again - found.stored):+.3f} meV, {1000 * found.tolerance:.1f} meV are left open"
        console().print(f"{found.path}: {energies} ({left}); M = {found.moments[1]:.2f} muB: {words}")
    raise typer.Exit(0 if found.agrees else 1)
