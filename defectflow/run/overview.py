"""What is seen of a run folder from any machine: states, what runs now, core-hours used and to come."""

from __future__ import annotations

import time
from dataclasses import dataclass
from math import nan
from pathlib import Path
from typing import Any

from defectflow.engines import Engine, Progress
from defectflow.errors import DefectFlowError
from defectflow.executors import Track, read_track
from defectflow.run.cluster import CLUSTER, MARK, cluster_tag, kept_site
from defectflow.run.collect import trusted_result
from defectflow.run.index import read_index, row_of
from defectflow.run.lease import driver_of
from defectflow.run.study import AnyStudy
from defectflow.schedulers import SchedulerJob, get_scheduler

CHECKED = 200  # results are compared with today's inputs where there are no more of them
_SENT = "submitted"
ENDED = ("done", "failed", "unconverged", "blocked", "stale")  # nothing more happens to them by itself
Queue = tuple[tuple[SchedulerJob, ...], str]


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
    traces : dict of str to tuple of Progress
        SCF steps of the jobs that run, by path.
    """

    driver: str
    rows: tuple[dict[str, Any], ...]
    queue: tuple[SchedulerJob, ...]
    queue_unknown: str
    core_hours: float
    forecast: float
    checked: bool
    traces: dict[str, tuple[Progress, ...]]


def overview(
    study: AnyStudy, engine: Engine, check: bool | None = None, only_look: bool = False, queue: Queue | None = None
) -> Overview:
    """Look at a run folder.

    Parameters
    ----------
    check : bool or None
        Whether every result is compared with the inputs that the study asks for today; "stale" where they differ.
        None: where there are at most `CHECKED` jobs.
    only_look : bool
        Leave nothing in the folder, not for a moment, and do not try its lock: what is asked every two seconds must
        never keep a driver out.
    queue : tuple or None
        What `queue_of` answered before; None asks the scheduler.
    """
    jobs, unknown = queue_of(study.folder) if queue is None else queue
    running = {job.id for job in jobs if job.state == "running"}
    driver = driver_of(study.folder, only_look)
    if not (driver or only_look) and study.has_driver():
        driver = "another process"
    traces: dict[str, tuple[Progress, ...]] = {}
    rows = [_now(study, engine, row, (bool(driver), running, traces)) for row in _rows(study)]
    rows = _with_blocked(study, rows)
    checked = len(rows) <= CHECKED if check is None else check
    if checked:
        rows = [_checked(study, row) for row in rows]
    used = sum(r.get("core_seconds", 0.0) for r in rows) / 3600
    return Overview(driver, tuple(rows), jobs, unknown, used, _forecast(rows), checked, traces)


def seconds_left(seen: Overview) -> float:
    """Wall time until all is done if as many jobs run side by side as now; nan where nothing tells (s)."""
    running = [row for row in seen.rows if row["state"] == "running"]
    left = [row for row in seen.rows if row["state"] not in ENDED]
    cores = [r["core_seconds"] / r["seconds"] for r in seen.rows if r["core_seconds"] and r["seconds"]]
    if not left:
        return 0.0
    if not running or not cores:
        return nan
    each = seen.forecast * 3600 / len(left)
    spent = sum(min(row["seconds"] * min(cores), each) for row in running)
    return float(max(0.0, each * len(left) - spent) / min(cores) / len(running))


def _rows(study: AnyStudy) -> list[dict[str, Any]]:
    kept = read_index(study.folder)
    return [kept.get(job.path) or row_of(job.path, study.state(job.path)) for job in study.jobs]


def queue_of(folder: Path) -> Queue:
    """Scheduler jobs of a run folder, or why the scheduler cannot be asked."""
    site = kept_site(folder)
    if site is None or site.scheduler == "none" or not (folder / CLUSTER / MARK).is_file():
        return (), ""
    try:
        scheduler, tag = get_scheduler(site.scheduler), cluster_tag(folder)
        return tuple(j for mark in (tag, f"{tag}-driver", f"{tag}-hand") for j in scheduler.tagged(mark)), ""
    except DefectFlowError as error:
        return (), str(error)


def _with_blocked(study: AnyStudy, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows in which what waits for a job that failed by itself is "blocked"; its own files cannot know it."""
    states = {row["path"]: row["state"] for row in rows}
    if "waiting" not in states.values() or not {"failed", "unconverged"} & set(states.values()):
        return rows
    for job in study.jobs:  # parents before children
        if states.get(job.path) == "waiting" and states.get(job.after or "") in ("failed", "unconverged", "blocked"):
            states[job.path] = "blocked"
    return [{**row, "state": states[row["path"]]} for row in rows]


def _now(
    study: AnyStudy,
    engine: Engine,
    row: dict[str, Any],
    around: tuple[bool, set[str], dict[str, tuple[Progress, ...]]],
) -> dict[str, Any]:
    driven, running, traces = around
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
        traces[row["path"]] = _trace(engine, folder)
        seconds = max(0.0, time.time() - track.started) if track else 0.0
        row |= _progress(traces[row["path"]]) | {"seconds": seconds}
    return row


def _sent_state(track: Track | None, driven: bool, running: set[str]) -> str:
    if track is not None and track.running and (driven or track.job in running):
        return "running"
    return _SENT if driven else "interrupted"


def _trace(engine: Engine, folder: Path) -> tuple[Progress, ...]:
    if hasattr(engine, "trace"):
        return engine.trace(folder)
    last = engine.progress(folder)  # an engine of an entry point that was written before there were traces
    return () if last is None else (last,)


def _progress(trace: tuple[Progress, ...]) -> dict[str, Any]:
    if not trace:
        return {}
    p = trace[-1]
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
    left = [row for row in rows if row["state"] not in ENDED]
    known = [sum(s) / len(s) for row in left if (s := spent.get(_stage(row)))]
    if not left:
        return 0.0
    return sum(known) / len(known) * len(left) / 3600 if known else float("nan")


def _stage(row: dict[str, Any]) -> str:
    parts = str(row["path"]).split("/")
    return f"{parts[0]}/{parts[-1]}"
