"""The driver as a scheduler job of its own, which sends itself again until the study is done."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from defectflow.errors import NOT_FINISHED, DefectFlowError, InputError, LockedError
from defectflow.run.cluster import CLUSTER, cluster_tag
from defectflow.run.collect import trusted_result
from defectflow.run.lease import driver_of
from defectflow.run.study import AnyStudy
from defectflow.schedulers import driver_request, get_scheduler, own_job, render
from defectflow.schema.jsonio import write_atomic
from defectflow.schema.site import Site


def submit_driver(folder: Path, site: Site) -> str:
    """Send the driver of a run folder as a scheduler job; its id.

    Raises
    ------
    InputError
        If the site has no scheduler.
    LockedError
        If a driver runs already or waits in the queue.
    """
    if site.scheduler == "none":
        raise InputError("has no scheduler to send anything to", where="--site", todo="defectflow run")
    scheduler, tag = get_scheduler(site.scheduler), f"{cluster_tag(folder)}-driver"
    _refuse_second(folder, [job.id for job in scheduler.tagged(tag) if job.id != own_job()])
    place = folder.resolve() / CLUSTER
    request = driver_request(site, "defectflow-driver", tag, _command(folder.resolve()), place / "driver.log")
    script = place / "driver.sh"
    write_atomic(script, render(site, request).encode())
    return scheduler.submit(script)


def finished(study: AnyStudy) -> bool:
    """Whether nothing is left to run: every job has a result of today's inputs."""
    try:
        return all(trusted_result(study, job.path).converged for job in study.jobs)
    except DefectFlowError:
        return False


def _refuse_second(folder: Path, waiting: list[str]) -> None:
    if waiting or (who := driver_of(folder)):
        who = f"scheduler job {waiting[0]}" if waiting else who
        raise LockedError(f"is driven by {who}", where=str(folder), todo=f"end it: defectflow cancel {folder}")


def _command(folder: Path) -> str:
    program = f"{shlex.quote(sys.executable)} -m defectflow.cli.main"
    place = shlex.quote(str(folder))
    # Only what is unfinished is sent again: what failed by itself would fail again.
    return f"{program} resume {place} --keep-failed\n[ $? -ne {NOT_FINISHED} ] || {program} submit {place}"
