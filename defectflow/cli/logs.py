"""``defectflow logs``: the last lines of what calculations, scheduler jobs and the driver printed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from defectflow.cli.shared import RunFolder, console

_OF_A_JOB = ("worker.log", "gpaw.txt", "relax.log", "OSZICAR", "vasp.out", "std_err.txt", "job.log")
_OF_A_RUN = ("run.log", "cluster/driver.log", "cluster/block-*.log")


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command()(logs)


def logs(
    folder: RunFolder,
    job: Annotated[str, typer.Argument(help="Path of a job, as status shows it.", show_default="the run")] = "",
    lines: Annotated[int, typer.Option("-n", "--lines", min=1, help="Last lines of each file.")] = 20,
) -> None:
    """Show the last lines of a job's output and its scheduler's words, or of the driver and its scheduler jobs."""
    from defectflow.errors import InputError
    from defectflow.run import open_study

    study = open_study(folder)
    if job and job not in {j.path for j in study.jobs}:
        todo = f"its jobs: defectflow status {folder}"
        raise InputError(f'"{job}" is no job of this study', where=str(folder), todo=todo)
    place, patterns = (folder / job, _OF_A_JOB) if job else (folder, _OF_A_RUN)
    files = [path for pattern in patterns for path in sorted(place.glob(pattern)) if path.is_file()]
    if job and (state := study.state(job)):
        _words([*state.lost, *([state.error] if state.error else [])])
    for path in files:
        _tail(path, lines)
    if not files:
        console().print(f"{place}: nothing was printed yet")


def _words(texts: list[str]) -> None:
    for text in texts:
        console().print(text)


def _tail(path: Path, lines: int) -> None:
    console().print(f"==> {path}", style="bold")
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 400 * lines))
        text = file.read().decode("utf-8", errors="replace")
    for line in text.splitlines()[-lines:]:
        console().print(line)
