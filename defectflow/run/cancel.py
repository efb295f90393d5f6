"""Ending a study from outside: its driver first, or it would start again what was cancelled."""

from __future__ import annotations

from pathlib import Path

from defectflow.run.cluster import CLUSTER, MARK, cluster_tag, kept_site
from defectflow.run.lease import cancelling
from defectflow.schedulers import get_scheduler


def cancel_study(folder: Path) -> list[str]:
    """End the driver of a run folder and cancel its scheduler jobs; ids of those.

    Raises
    ------
    LockedError
        If the driver does not end.
    EngineError
        If the scheduler cannot be asked from here.
    """
    site = kept_site(folder)
    with cancelling(folder):
        if site is None or site.scheduler == "none" or not (folder / CLUSTER / MARK).exists():
            return []
        scheduler, tag = get_scheduler(site.scheduler), cluster_tag(folder)
        ids = [job.id for mark in (f"{tag}-driver", tag, f"{tag}-hand") for job in scheduler.tagged(mark)]
        scheduler.cancel(ids)
        return ids
