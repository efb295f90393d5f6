"""``defectflow status``: where every job of a study stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from defectflow.cli.shared import AsJson, RunFolder, console, print_json

if TYPE_CHECKING:
    from defectflow.run import AnyStudy


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command()(status)


def status(folder: RunFolder, as_json: AsJson = False) -> None:
    """Show the state of every job; status 1 if one failed, did not converge or lost its result.

    waiting, submitted, done; interrupted: its driver is gone; stale: no result of today's inputs; failed, unconverged.
    """
    from defectflow.run import open_study

    study = open_study(folder)
    rows = [_row(study, job.path) for job in study.jobs]
    if as_json:
        print_json({"jobs": rows})
    else:
        _print(rows)
    raise typer.Exit(1 if any(r["state"] in ("failed", "unconverged", "stale") for r in rows) else 0)


def _row(study: AnyStudy, path: str) -> dict[str, Any]:
    from defectflow.engines import get_engine

    state = study.state(path)
    name = _state_now(study, path, state.state if state else "waiting")
    progress = get_engine(study.engine_name).progress(study.job_folder(path))
    return {
        "path": path,
        "state": name,
        "attempts": state.attempts if state else 0,
        "seconds": state.seconds if state else 0.0,
        "scf_step": progress.scf_step if progress else None,
        "corrections": [str(c) for c in state.corrections] if state else [],
        "error": state.error if state else "",
    }


def _state_now(study: AnyStudy, path: str, written: str) -> str:
    """What ``job.json`` says, unless the result or the driver is gone."""
    from defectflow.errors import DefectFlowError
    from defectflow.run.collect import trusted_result

    if written == "submitted" and not study.has_driver():
        return "interrupted"
    if written != "done":
        return written
    try:
        trusted_result(study, path)
    except DefectFlowError:
        return "stale"
    return "done"


def _print(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        step = f", SCF step {row['scf_step']}" if row["state"] == "submitted" and row["scf_step"] else ""
        time = f", {row['seconds']:.0f} s" if row["seconds"] else ""
        console().print(f"{row['state']:12s} {row['path']}{time}{step}")
        for correction in row["corrections"]:
            console().print(f"             corrected, {correction}")
        if row["error"]:
            console().print(f"             {row['error']}")
