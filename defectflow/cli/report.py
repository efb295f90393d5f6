"""``defectflow report``: a study as one page for those who were not there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from defectflow.cli.shared import AsJson, RunFolder, console, print_json, refuse_existing

if TYPE_CHECKING:
    from defectflow.pipeline.report import Report


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command()(report)


def report(
    folder: RunFolder,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Folder to write into.", show_default="RUN/report")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the report that -o names.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write an HTML page that needs no network, its figures (PDF, SVG) and numbers (CSV) beside it.

    Status 1 if a certificate failed or a job is not done; the page then begins with what, why and how to mend it.
    """
    from defectflow.pipeline.report import FOLDER, PAGE, write_report
    from defectflow.run import Study

    study = Study.open(folder)
    if output is not None:
        refuse_existing([output / PAGE], force)
    written = write_report(study, output or folder / FOLDER)
    print_json(_document(written)) if as_json else _print(written)
    raise typer.Exit(1 if written.problems else 0)


def _document(written: Report) -> dict[str, Any]:
    found = [vars(p) for p in written.problems]
    return {"files": [str(f) for f in written.files], "passed": not found, "problems": found}


def _print(written: Report) -> None:
    out = console()
    for p in written.problems:
        out.print(f"{p.state} {p.what}: {p.reason}", style="red")
        out.print(f"  {p.command}")
    if not written.problems:
        out.print("every job is done and all certificates passed")
    out.print(f"written: {written.files[0]} and {len(written.files) - 1} files beside it")
