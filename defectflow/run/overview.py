"""What is seen of a run folder from any machine: states, what runs now, core-hours used and to come."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from defectflow.engines import Engine
from defectflow.errors import DefectFlowError
from defectflow.executors import Track, read_track
from defectflow.run.cluster import CLUSTER, MARK, cluster_tag, kept_site
from defectflow.run.collect import trusted_result
from defectflow.run.index import read_index, row_of
from defectflow.run.lease import driver_of
from defectflow.run.study import AnyStudy
from defectflow.schedulers import SchedulerJob, get_scheduler
from defectflow.schema.site import Site

CHECKED = 200  # results are compared with today's inputs where there are no more of them
_SENT = "submitted"


@dataclass(frozen=True)
class Overview:
    """A run folder now.

    Attributes
    ----------
    driver : str
        Who drives it, empty if nobody does.
    rows : tuple of dict
        One for each job.
    queue : tuple of SchedulerJob
        Its scheduler jobs.
    queue_unknown : str
        Why the scheduler could not be asked, else empty.
    core_hours, forecast : float
        Used so far; still to come, by what jobs of the same stage took (nan before one has ended).
    checked : bool
        Whether the results were compared with today's inputs.
    """

    driver: str
    rows: tuple[dict[str, Any], ...]
    queue: tuple[SchedulerJob, ...]
    queue_unknown: str
    core_hours: float
    forecast: float
    checked: bool


def overview(study: AnyStudy, engine: Engine, check: bool | None = None) -> Overview:
    """Look at a run folder.

    Parameters
    ----------
    check : bool or None
        Whether every result is compared with the inputs that the study asks for today; "stale" where they differ.
        None: where there are at most `CHECKED` jobs.
    """
    site = kept_site(study.folder)
    queue, unknown = _queue(study.folder, site)
    running = {job.id for job in queue if job.state == "running"}
    driver = driver_of(study.folder) or ("another process" if study.has_driver() else "")
    rows = [_now(study, engine, row, bool(driver), running) for row in _rows(study)]
    checked = len(rows) <= CHECKED if check is None else check
    if checked:
        rows = [_checked(study, row) for row in rows]
    used = sum(r.get("core_seconds", 0.0) for r in rows) / 3600
    return Overview(driver, tuple(rows), queue, unknown, used, _forecast(rows), checked)


def _rows(study: AnyStudy) -> list[dict[str, Any]]:
    found = read_index(study.folder)
    if not found:
        return [row_of(job.path, study.state(job.path)) for job in study.jobs]
    return list(found.values())


def _queue(folder: Path, site: Site | None) -> tuple[tuple[SchedulerJob, ...], str]:
    if site is None or site.scheduler == "none" or not (folder / CLUSTER / MARK).is_file():
        return (), ""
    try:
        scheduler, tag = get_scheduler(site.scheduler), cluster_tag(folder)
        return tuple(j for mark in (tag, f"{tag}-driver", f"{tag}-hand") for j in scheduler.tagged(mark)), ""
    except DefectFlowError as error:
        return (), str(error)


def _now(study: AnyStudy, engine: Engine, row: dict[str, Any], driven: bool, running: set[str]) -> dict[str, Any]:
    row = {"attempts": 0, "seconds": 0.0, "core_seconds": 0.0, "corrections": [], "lost": [], "error": "", **row}
    row |= {"scf_step": None, "ionic_step": None, "energy": None, "energy_change": None, "max_force": None}
    row |= {"moment": None, "scheduler_job": "", "host": ""}
    if row["state"] != _SENT:
        return row
    folder = study.job_folder(row["path"])
    track = read_track(folder)
    if track is not None and track.running:
        row |= {"scheduler_job": track.job, "host": track.host}
    row["state"] = _sent_state(track, driven, running)
    if row["state"] == "running":
        row |= _progress(engine, folder) | {"seconds": max(0.0, time.time() - track.started) if track else 0.0}
    return row


def _sent_state(track: Track | None, driven: bool, running: set[str]) -> str:
    if track is not None and track.running and (driven or track.job in running):
        return "running"
    return _SENT if driven else "interrupted"


def _progress(engine: Engine, folder: Path) -> dict[str, Any]:
    p = engine.progress(folder)
    if p is None:
        return {}
    return {
        "scf_step": p.scf_step,
        "ionic_step": p.ionic_step,
        "energy": p.energy,
        "energy_change": p.energy_change,
        "moment": p.moment,
    }


def _checked(study: AnyStudy, row: dict[str, Any]) -> dict[str, Any]:
    """The row, "stale" where the result is gone or was made from other inputs."""
    if row["state"] != "done":
        return row
    try:
        trusted_result(study, row["path"])
    except DefectFlowError:
        return {**row, "state": "stale"}
    return row


def _forecast(rows: list[dict[str, Any]]) -> float:
    """Core-hours still to come: for each job that is not done the mean of those of its stage."""
    spent: dict[str, list[float]] = {}
    for row in rows:
        if row["state"] == "done" and row["core_seconds"]:
            spent.setdefault(_stage(row), []).append(row["core_seconds"])
    left = [row for row in rows if row["state"] not in ("done", "failed", "unconverged", "blocked", "stale")]
    known = [sum(s) / len(s) for row in left if (s := spent.get(_stage(row)))]
    if not left:
        return 0.0
    return sum(known) / len(known) * len(left) / 3600 if known else float("nan")


def _stage(row: dict[str, Any]) -> str:
    parts = str(row["path"]).split("/")
    return f"{parts[0]}/{parts[-1]}"
