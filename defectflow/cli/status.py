"""``defectflow status``: where every job of a study stands."""

from __future__ import annotations

from collections import Counter
from math import isnan
from typing import TYPE_CHECKING, Annotated, Any

import typer

from defectflow.cli.shared import AsJson, RunFolder, console, known_moment, print_json

if TYPE_CHECKING:
    from defectflow.run.overview import Overview

MANY = 40  # jobs above which those that are done or wait are counted, not listed
BAD = ("failed", "unconverged", "stale", "lost")


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command()(status)


def status(
    folder: RunFolder,
    check: Annotated[
        bool | None,
        typer.Option("--check/--no-check", help="Compare results with today's inputs.", show_default="up to 200 jobs"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show every job, from any machine that sees the folder; status 1 if one failed, did not converge or was lost.

    waiting, submitted, running, done; stopped: before its walltime ended; interrupted: its driver is gone; lost: its
    scheduler job was; failed, unconverged: by itself; blocked: what it follows failed; stale: no result of today's
    inputs.
    """
    from defectflow.engines import get_engine
    from defectflow.run import open_study
    from defectflow.run.overview import overview

    study = open_study(folder)
    seen = overview(study, get_engine(study.engine_name), check)
    if as_json:
        print_json(_document(seen))
    else:
        _print(seen)
        if not seen.checked:
            console().print("results are not compared with today's inputs: defectflow status --check")
    raise typer.Exit(exit_status(seen))


def exit_status(seen: Overview) -> int:
    """1 if a job failed, did not converge, was lost or is stale, else 0."""
    return 1 if any(r["state"] in BAD for r in seen.rows) else 0


def counts(seen: Overview) -> dict[str, int]:
    """How many jobs are in each state."""
    return dict(Counter(r["state"] for r in seen.rows))


def core_hours(seen: Overview) -> str:
    """Core-hours used and to come, in words."""
    to_come = "unknown" if isnan(seen.forecast) else f"about {seen.forecast:.2f}"
    return f"core-hours used {seen.core_hours:.2f}, to come {to_come}"


def _document(seen: Overview) -> dict[str, Any]:
    return {
        "jobs": list(seen.rows),
        "driver": seen.driver,
        "scheduler_jobs": [{"id": j.id, "state": j.state, "words": j.words, "node": j.node} for j in seen.queue],
        "scheduler_unknown": seen.queue_unknown,
        "core_hours": seen.core_hours,
        "core_hours_to_come": None if isnan(seen.forecast) else seen.forecast,
        "checked": seen.checked,
    }


def _print(seen: Overview) -> None:
    out = console()
    many = len(seen.rows) > MANY
    for row in seen.rows:
        if not many or row["state"] not in ("done", "waiting", "submitted", "blocked"):
            _print_row(row)
    out.print(", ".join(f"{n} {state}" for state, n in counts(seen).items()))
    out.print(f"driver: {seen.driver or 'none'}; {core_hours(seen)}")
    for job in seen.queue:
        out.print(f"scheduler job {job.id}: {job.words}{f' on {job.node}' if job.node else ''}")
    if seen.queue_unknown:
        out.print(f"the scheduler cannot be asked from here: {seen.queue_unknown}")


def _print_row(row: dict[str, Any]) -> None:
    out = console()
    time = f", {row['seconds']:.0f} s" if row["seconds"] else ""
    out.print(f"{row['state']:12s} {row['path']}{time}{_doing(row)}")
    for correction in row["corrections"]:
        out.print(f"             corrected, {correction}")
    for words in row["lost"]:
        out.print(f"             lost an attempt: {words}")
    if row["error"]:
        out.print(f"             {row['error']}")


def _doing(row: dict[str, Any]) -> str:
    if row["state"] != "running":
        return ""
    place = f" in scheduler job {row['scheduler_job']}" if row["scheduler_job"] else ""
    if row["scf_step"] is None:
        return f"{place}, starting"
    step = (
        f"step {row['ionic_step']}.{row['scf_step']}, E = {row['energy']:.4f} eV, dE = {row['energy_change']:+.1e} eV"
    )
    return f"{place}, {step}, M = {known_moment(row['moment'])} muB"
