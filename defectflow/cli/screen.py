"""``defectflow screen``: configurations counted, planned, run and ranked."""

from __future__ import annotations

import typer

from defectflow.cli import counting, screening

app = typer.Typer(help="Screen dopant configurations: count, plan, run, rank.", no_args_is_help=True)
for verb in (counting.count, screening.plan, screening.run, screening.rank):
    app.command()(verb)


def add_to(parent: typer.Typer) -> None:
    """Register the verbs."""
    parent.add_typer(app, name="screen")
