"""A study whose jobs a user sends by hand: scripts beside the inputs, and results taken back."""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass, field
from pathlib import Path

from defectflow.engines import Engine
from defectflow.errors import DefectFlowError
from defectflow.executors import read_track
from defectflow.executors.signs import SILENT, age
from defectflow.executors.tracks import TRACK
from defectflow.inputs import resolve
from defectflow.run.attempts import Attempt, Attempts
from defectflow.run.cluster import cluster_tag
from defectflow.run.corrections import has_overrides, with_overrides
from defectflow.run.lease import lease
from defectflow.run.study import AnyStudy
from defectflow.schedulers import SchedulerJob, get_scheduler, render, request_for
from defectflow.schema import CalcResult, Job, JobInputs
from defectflow.schema.jsonio import write_atomic
from defectflow.schema.site import Jobs, Site

SCRIPT = "job.sh"
HAND = "-hand"  # what the mark of such jobs ends with: no driver takes them for its own


@dataclass(frozen=True)
class ByHand:
    """What `collect_by_hand` found and left.

    Attributes
    ----------
    states : dict
        "done", "unconverged", "failed" (with its reason in ``job.json``), "pending" or "running" in the queue,
        "to send", or "waiting" for another job.
    scripts : list of Path
        Job scripts of what is to be sent now.
    queue_unknown : str
        Why the scheduler could not be asked, else empty: what waits in its queue is then among the scripts.
    """

    states: dict[str, str] = field(default_factory=dict)
    scripts: list[Path] = field(default_factory=list)
    queue_unknown: str = ""


def collect_by_hand(study: AnyStudy, engine: Engine, site: Site) -> ByHand:
    """Take finished results into a study, and write inputs and scripts of the jobs that are ready now.

    A job counts as done by the same rule as everywhere: its result was made from exactly the inputs that the study
    asks for. Calling it again changes nothing that did not change on disk.

    Raises
    ------
    LockedError
        If a driver runs the study.
    """
    with lease(study.folder):
        found = _Hand(study, engine, site).visit_all()
        if any(has_overrides(study, path) for path in found.states):
            # A partner needed other settings: what was made without them is to be sent again.
            found = _Hand(study, engine, site).visit_all()
    return found


class _Hand:
    def __init__(self, study: AnyStudy, engine: Engine, site: Site) -> None:
        self.study, self.engine, self.site = study, engine, site
        self.attempts = Attempts(study, engine)
        self.queue, unknown = sent_by_hand(study.folder, site) if site.scheduler != "none" else ({}, "")
        self.found = ByHand(queue_unknown=unknown)

    def visit_all(self) -> ByHand:
        for job in self.study.jobs:
            self._visit(job)
        return self.found

    def _visit(self, job: Job) -> None:
        if job.after is not None and self.found.states.get(job.after) != "done":
            self.found.states[job.path] = "waiting"
            return
        parent = self.study.result(job.after) if job.after else None
        wanted = with_overrides(self.study, resolve(job, parent))
        inputs = self.engine.make_inputs(wanted)
        if self.study.finished(job.path, inputs):
            self.attempts.repair(job.path, inputs)
            self.found.states[job.path] = "done"
            return
        if state := self._under_way(job.path):
            self.found.states[job.path] = state
            return
        sent = self.attempts.adopted(wanted, inputs)
        taken = self._taken(sent) if sent and self._ran(job.path) else None
        self.found.states[job.path] = taken or self._left(wanted, inputs)

    def _under_way(self, path: str) -> str:
        """Whether a job waits or runs, by the scheduler or by the signs of life that it gives itself."""
        if queued := self.queue.get(job_name(path)):
            return queued.state
        folder = self.study.job_folder(path)
        track = read_track(folder)
        return "running" if track and track.running and (age(folder / TRACK) or 0.0) < SILENT else ""

    def _ran(self, path: str) -> bool:
        folder = self.study.job_folder(path)
        return (folder / "error.json").is_file() or any(file.is_file() for file in self.engine.outputs(folder))

    def _taken(self, sent: Attempt) -> str | None:
        """How a job that ran ended, None if what it left is no result."""
        failed = (self.study.job_folder(sent.job.path) / "error.json").is_file()
        try:
            result: CalcResult = self.attempts.result(sent, 1 if failed else 0)
        except DefectFlowError as error:
            if not failed:
                return None
            self.attempts.note(sent, "failed", str(error), (0.0, 1))
            return "failed"
        state = "done" if result.converged else "unconverged"
        self.attempts.note(sent, state, "", (0.0, 1))
        return state

    def _left(self, job: Job, inputs: JobInputs) -> str:
        """Inputs and script of a job that is to be sent; left alone where they lie there already."""
        state = self.study.state(job.path)
        if state is not None and state.input_hash == inputs.hash and state.state in ("failed", "unconverged"):
            return state.state
        script = self.study.job_folder(job.path) / SCRIPT
        if self.attempts.adopted(job, inputs) is None or not script.is_file():
            self.attempts.prepare(job, inputs)
            write_atomic(script, self._script(job).encode())
            script.chmod(0o755)
        self.found.scripts.append(script)
        return "to send"

    def _script(self, job: Job) -> str:
        folder = self.study.job_folder(job.path).resolve()
        r = self.site.resources
        words = self.engine.command(folder, r.tasks, self.site.launch_words(self.engine.name))
        margin = self.site.margin_seconds if self.site.scheduler != "none" else 0.0
        runner = [sys.executable, "-m", "defectflow.executors.by_hand", str(folder), str(r.threads), f"{margin:g}"]
        command = shlex.join([*runner, *words])
        one = self.site.model_copy(update={"jobs": Jobs()})
        tag = f"{cluster_tag(self.study.folder)}{HAND}"
        return render(one, request_for(one, job_name(job.path), tag, command, folder / "job.log"))


def job_name(path: str) -> str:
    """Name of the scheduler job of a script that is sent by hand."""
    return path.replace("/", "-")


def sent_by_hand(folder: Path, site: Site) -> tuple[dict[str, SchedulerJob], str]:
    """Scheduler jobs that the user sent and that have not ended, by job name; or why nobody can be asked."""
    try:
        jobs = get_scheduler(site.scheduler).tagged(f"{cluster_tag(folder)}{HAND}")
    except DefectFlowError as error:
        return {}, str(error)
    return {job.name: job for job in jobs}, ""
