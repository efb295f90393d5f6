"""Proving a site: its queue answers, and a one-minute job finds on a compute node what a study needs."""

from __future__ import annotations

import shlex
import shutil
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from defectflow.errors import EngineError, ParseError
from defectflow.run.probe import Check, probe
from defectflow.schedulers import Request, Scheduler, driver_request, get_scheduler, render, request_for
from defectflow.schema.jsonio import read_json
from defectflow.schema.site import Site, load_site, site_path

REPORT = "report.json"
LOOK = 1.0


def prove_site(name: str, engines: list[str], wait: float, say: Callable[[str], None]) -> list[Check]:
    """Check a site from here and from one of its compute nodes.

    Parameters
    ----------
    name : str
        Site file.
    engines : list of str
        Engines to look for; those with launch words if empty.
    wait : float
        Seconds that the job may wait in the queue.
    say : callable
        Is told what is being waited for.
    """
    site = load_site(name)
    chosen = engines or list(site.launch) or ["gpaw"]
    checks = [Check("site file", True, str(site_path(name)))]
    if site.scheduler == "none":
        return checks + probe(site, chosen)
    scheduler = get_scheduler(site.scheduler)
    try:
        scheduler.tagged("defectflow-doctor")
    except EngineError as error:
        return [*checks, Check("queue", False, str(error))]
    checks += [Check("queue", True, f"{site.scheduler} answers"), *_rehearsed(site)]
    return checks + _on_a_node(name, chosen, wait, say)


def _rehearsed(site: Site) -> list[Check]:
    """Whether the scheduler would ever start the site's own jobs, which ask for more than the one-minute job."""
    requests = {"a site's job": request_for, "the driver's job": driver_request}
    with tempfile.TemporaryDirectory() as place:
        script = Path(place) / "job.sh"
        return [_rehearsal(site, script, what, make) for what, make in requests.items()]


def _rehearsal(site: Site, script: Path, what: str, make: Callable[..., Request]) -> Check:
    script.write_text(render(site, make(site, "defectflow-doctor", "defectflow-doctor", "true", script)), "utf-8")
    try:
        get_scheduler(site.scheduler).rehearse(script)
    except EngineError as error:
        return Check(what, False, f"walltime, memory or cores cannot be had: {error}")
    said = "can be had" if site.scheduler == "slurm" else "not checked: this scheduler has no rehearsal"
    return Check(what, True, said)


def _on_a_node(name: str, engines: list[str], wait: float, say: Callable[[str], None]) -> list[Check]:
    site = load_site(name)
    scheduler = get_scheduler(site.scheduler)
    folder = Path.cwd() / f".defectflow-doctor-{uuid.uuid4().hex[:8]}"
    folder.mkdir()
    try:
        words = [
            sys.executable,
            "-m",
            "defectflow.run.probe",
            str(folder / REPORT),
            str(site_path(name).resolve()),
            *engines,
        ]
        request = request_for(site, "defectflow-doctor", "defectflow-doctor", shlex.join(words), folder / "job.log")
        script = folder / "job.sh"
        script.write_text(render(site, replace(request, walltime="00:01:00")), encoding="utf-8")
        try:
            job = scheduler.submit(script)
        except EngineError as error:
            return [Check("one-minute job", False, str(error))]
        say(f"scheduler job {job} was sent; waiting up to {wait:.0f} s for it")
        try:
            return _report(scheduler, job, folder, wait)
        except EngineError as error:
            return [Check("one-minute job", False, f"job {job} was sent; then: {error}")]
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _report(scheduler: Scheduler, job: str, folder: Path, wait: float) -> list[Check]:
    end = time.monotonic() + wait
    while time.monotonic() < end:
        try:
            found = read_json(folder / REPORT)["checks"]
            shared = Check("shared folder", True, f"{Path.cwd()} is seen by both")
            return [Check("one-minute job", True, f"job {job} ran"), shared, *(Check(**c) for c in found)]
        except ParseError:
            time.sleep(LOOK)
        seen = scheduler.look([job])[job]
        if seen.state == "ended" and not (folder / REPORT).is_file():
            time.sleep(5 * LOOK)  # a network file system shows it late
            if not (folder / REPORT).is_file():
                return [Check("one-minute job", False, f"job {job}: {seen.words}; {_last_words(folder)}")]
    words = scheduler.look([job])[job].words
    scheduler.cancel([job])
    return [Check("one-minute job", False, f"job {job} did not report within {wait:.0f} s: {words}; it was cancelled")]


def _last_words(folder: Path) -> str:
    log = folder / "job.log"
    text = log.read_text(encoding="utf-8", errors="replace").strip() if log.is_file() else ""
    return text[-600:] or "it left nothing here: do the nodes see this folder?"
