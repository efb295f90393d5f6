"""``defectflow submit``: the driver as a scheduler job."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from defectflow.cli.run import EngineName, Output
from defectflow.cli.shared import SiteName, console


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command()(submit)


def submit(
    source: Annotated[Path, typer.Argument(metavar="RECIPE|RUN", help="Recipe, or a run folder.", show_default=False)],
    output: Output = None,
    engine: EngineName = "gpaw",
    site: SiteName = None,
) -> None:
    """Send the driver as a small scheduler job that sends itself again until the study is done."""
    from defectflow.errors import InputError
    from defectflow.run import create_study, open_study
    from defectflow.run.cluster import check_site, keep_site, kept_site
    from defectflow.run.submit import finished, submit_driver
    from defectflow.schema.site import load_site

    folder = source if source.is_dir() else output or Path("runs") / source.stem
    chosen = load_site(site) if site else kept_site(folder)
    if chosen is None or chosen.scheduler == "none":
        todo = "make one: defectflow init my_cluster.toml --site slurm"
        raise InputError("needs a site with a scheduler", where="--site", todo=todo)
    check_site(chosen, engine, folder)
    study = open_study(source) if source.is_dir() else create_study(folder, source, engine)
    if site:
        keep_site(study.folder, site)
    if finished(study):
        console().print(f"{study.folder}: all jobs are done; see: defectflow compare {study.folder}")
        return
    job = submit_driver(study.folder, chosen)
    console().print(f"scheduler job {job} drives {study.folder}; to see it: defectflow status {study.folder}")
