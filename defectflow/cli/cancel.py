"""``defectflow cancel``: end the driver of a study and all that it runs."""

from __future__ import annotations

import typer

from defectflow.cli.shared import RunFolder, console


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command()(cancel)


def cancel(folder: RunFolder) -> None:
    """End the driver, wherever it runs, and cancel the scheduler jobs of the study; what is done stays."""
    from defectflow.run import open_study
    from defectflow.run.cancel import cancel_study

    ended = cancel_study(open_study(folder).folder)
    jobs = ", ".join(ended) or "none was there"
    console().print(f"cancelled scheduler jobs: {jobs}; to go on: defectflow resume {folder}")
