"""``defectflow collect``: results of jobs that were sent by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from defectflow.cli.shared import AsJson, RunFolder, console, print_json

if TYPE_CHECKING:
    from defectflow.run.hand import ByHand


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command()(collect)


def collect(folder: RunFolder, as_json: AsJson = False) -> None:
    """Take back what was sent by hand (inputs --site) and write the scripts of the jobs that are ready now."""
    from defectflow.engines import get_engine
    from defectflow.errors import InputError
    from defectflow.pipeline.screen import next_round
    from defectflow.run import ScreenStudy, open_study
    from defectflow.run.cluster import kept_site
    from defectflow.run.hand import collect_by_hand

    study = open_study(folder)
    site = kept_site(study.folder)
    if site is None:
        todo = "defectflow inputs RECIPE --site FILE -o FOLDER makes one"
        raise InputError("was not prepared to be sent by hand", where=str(folder), todo=todo)
    engine = get_engine(study.engine_name)
    found = collect_by_hand(study, engine, site)
    while isinstance(study, ScreenStudy) and next_round(study, found.states):
        study = ScreenStudy.open(folder)
        found = collect_by_hand(study, engine, site)
    show(found, as_json)


def show(found: ByHand, as_json: bool) -> None:
    """Print what was found; status 1 if a job failed or did not converge."""
    if as_json:
        scripts = [str(s) for s in found.scripts]
        print_json({"states": found.states, "scripts": scripts, "scheduler_unknown": found.queue_unknown})
    else:
        for path, state in found.states.items():
            console().print(f"{state:12s} {path}")
        if found.queue_unknown:
            console().print(f"note what waits in the queue stands as to send: {found.queue_unknown}")
        if found.scripts:
            console().print("send each of these with your scheduler's command, then: defectflow collect")
            for script in found.scripts:
                console().print(f"  {script}")
    raise typer.Exit(1 if {"failed", "unconverged"} & set(found.states.values()) else 0)
