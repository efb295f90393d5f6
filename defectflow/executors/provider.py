"""Parsl's view of a site: a provider that sends our own job scripts, so that each scheduler line stands once."""

from __future__ import annotations

import functools
import os
import re
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from parsl.config import Config
from parsl.executors import HighThroughputExecutor
from parsl.executors.high_throughput.executor import DEFAULT_LAUNCH_CMD
from parsl.jobs.error_handlers import windowed_error_handler
from parsl.jobs.states import JobState, JobStatus
from parsl.providers.base import ExecutionProvider

from defectflow.errors import EngineError
from defectflow.executors.pool import WORKER_START
from defectflow.schedulers import Scheduler, SchedulerJob, render, request_for
from defectflow.schema.site import Site

_STATES = {"pending": JobState.PENDING, "running": JobState.RUNNING}
# Ended, by the scheduler's words; anything else that ended is counted as a failure of the site.
_ENDED = {
    "COMPLETED": JobState.COMPLETED,
    "CANCELLED": JobState.CANCELLED,
    "TIMEOUT": JobState.TIMEOUT,
    "PREEMPTED": JobState.TIMEOUT,
    "DONE": JobState.COMPLETED,  # LSF
    "job_state": JobState.COMPLETED,  # PBS; a job whose workers never answered is counted as failed by Parsl
}
BEAT = 15.0  # s between heartbeats of workers; four missing ones and they are lost
POLL = 10  # s between two questions about all blocks


class SiteProvider(ExecutionProvider):  # type: ignore[misc]
    """Blocks of a site.

    One block is one scheduler job with room for ``site.jobs.calculations`` calculations. Its workers run on the first
    node; a calculation reaches the others through the site's own launch words.
    """

    def __init__(self, site: Site, scheduler: Scheduler, folder: Path, tag: str) -> None:
        self.site, self.scheduler, self.folder, self.tag = site, scheduler, folder, tag
        self.min_blocks, self.init_blocks, self.max_blocks = 0, 0, site.jobs.at_once
        self.nodes_per_block = 1  # of Parsl's workers, not of the job
        self.parallelism = 1.0
        self.script_dir: str | None = None
        self.resources: dict[object, object] = {}
        self.refused = self.waiting = ""
        self.leaving = False  # the running jobs are left to the next driver

    @property
    def label(self) -> str:
        """Name in Parsl's logs."""
        return self.site.scheduler

    @property
    def status_polling_interval(self) -> int:
        """Seconds between two questions."""
        return POLL

    def submit(self, command: str, tasks_per_node: int, job_name: str = "block") -> str:
        """Send a job that runs the workers."""
        number = re.sub(r"\D", "", job_name) or "0"
        script = self.folder / f"block-{number}.sh"
        log = self.folder / f"block-{number}.log"
        request = request_for(self.site, f"defectflow-{number}", self.tag, command, log)
        script.write_text(render(self.site, request), encoding="utf-8")
        try:
            return self.scheduler.submit(script)
        except EngineError as error:
            self.refused = str(error)
            raise

    def status(self, job_ids: Sequence[object]) -> list[JobStatus]:
        """States of blocks; where the scheduler does not answer, unknown."""
        ids = [str(j) for j in job_ids]
        try:
            found = self.scheduler.look(ids)
        except EngineError:
            return [JobStatus(JobState.UNKNOWN) for _ in ids]
        waits = [f"job {job.id}: {job.words}" for job in found.values() if job.state == "pending"]
        self.waiting = "; ".join(waits[:3])
        return [_status(found[j]) for j in ids]

    def cancel(self, job_ids: Sequence[object]) -> list[bool]:
        """Take blocks out of the queue."""
        if self.leaving:
            return [True for _ in job_ids]
        try:
            self.scheduler.cancel([str(j) for j in job_ids])
        except EngineError:
            return [False for _ in job_ids]
        return [True for _ in job_ids]


def _status(job: SchedulerJob) -> JobStatus:
    word = re.split(r"\W", job.words, maxsplit=1)[0]
    state = _STATES.get(job.state) or _ENDED.get(word, JobState.FAILED)
    return JobStatus(state, message=f"job {job.id}: {job.words}")


def config(provider: SiteProvider, run: Path, token: str) -> Config:
    """Parsl's settings for a run folder whose driver has the token."""
    site = provider.site
    beat = float(os.environ.get("DEFECTFLOW_HEARTBEAT") or BEAT)
    workers = HighThroughputExecutor(
        label="defectflow",
        provider=provider,
        launch_cmd=pool_command(run, token, site.margin_seconds),
        interchange_launch_cmd=[sys.executable, "-m", "defectflow.executors.interchange"],
        cores_per_worker=0.001,  # the site says how many calculations share a job
        max_workers_per_node=site.jobs.calculations,
        heartbeat_period=max(1, round(beat)),
        heartbeat_threshold=max(4, round(4 * beat)),
        drain_period=drain_period(site),
        block_error_handler=functools.partial(windowed_error_handler, threshold=3),
    )
    return Config(
        executors=[workers],
        run_dir=str(provider.folder / "parsl"),
        strategy="htex_auto_scale",
        strategy_period=2,
        max_idletime=60.0,
        retries=0,  # the driver decides what is started again
        initialize_logging=False,
    )


def drain_period(site: Site) -> int:
    """Seconds after which a scheduler job takes no new calculation; `pool` puts its own clock in their place."""
    return round(max(site.seconds - site.margin_seconds, WORKER_START))


def pool_command(run: Path, token: str, margin: float) -> str:
    """Command of a scheduler job, with Parsl's places to fill in."""
    # Workers outlive the interchange (that is: the driver) for as long as a calculation runs; see `pool`.
    patient = DEFAULT_LAUNCH_CMD.replace("{heartbeat_threshold}", "100000000")
    python = shlex.quote(sys.executable)
    module = f"{python} -m parsl.executors.high_throughput.process_worker_pool"
    head = f"{python} -m defectflow.executors.pool {run} {token} {margin:g}"  # `check_site` lets no odd path come here
    return f"{head} {patient.replace('process_worker_pool.py', module, 1)}"
