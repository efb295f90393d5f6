"""A cluster through Parsl: scheduler jobs with workers that take one calculation after the other.

The seam to Parsl is ``submit(function, argument) -> Future``: it has no semantic versions, one release is pinned.
What is done is known from the run folder, never from Parsl's checkpoints.
"""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from defectflow.errors import EngineError, LockedError
from defectflow.executors.base import TaskExecutor
from defectflow.executors.signs import SILENT, age
from defectflow.executors.task import LOST, Ended, Task
from defectflow.executors.tracks import TRACK, Fence, Track, read_track
from defectflow.schedulers import Scheduler, SchedulerJob, get_scheduler
from defectflow.schema.site import Site

CLEAN_UP = 30.0  # s that Parsl has to shut down
LOOK = 2.0  # s between two looks at an adopted calculation
ASK = 30.0  # s between two questions to the scheduler about it


class ParslExecutor(TaskExecutor):
    """Calculations on a site.

    Parameters
    ----------
    site : Site
    run : Path
        Run folder; what this executor writes lies in its folder ``cluster``.
    tag : str
        Mark of the scheduler jobs of this run folder.
    """

    def __init__(self, site: Site, run: Path, tag: str) -> None:
        self.site, self.run, self.tag = site, run.resolve(), tag
        self.slots = site.jobs.at_once * site.jobs.calculations
        self.scheduler: Scheduler = get_scheduler(site.scheduler)
        self._pool: Any = None
        self._provider: Any = None
        self._orphans: dict[str, SchedulerJob] = {}
        self._left = threading.Event()

    def take_charge(self, fence: Fence, folders: Sequence[Path]) -> None:
        """Cancel the scheduler jobs that earlier drivers left, but those in which a calculation runs; start Parsl."""
        if sent := [job.id for job in self.scheduler.tagged(f"{self.tag}-hand")]:
            what = f"scheduler jobs {', '.join(sent)} were sent by hand and have not ended"
            todo = f"wait for them and take them back: defectflow collect {self.run}; or: defectflow cancel {self.run}"
            raise LockedError(what, where=str(self.run), todo=todo)
        self._orphans = {job.id: job for job in self.scheduler.tagged(self.tag)}
        busy = {t.job for f in folders if (t := read_track(f)) and self._still_runs(f, t)}
        self._cancel_and_wait([job for job in self._orphans if job not in busy])
        self._start(fence)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Send one task; the future's result says `LOST` where the scheduler job or its worker is gone."""
        outer: Future[Any] = Future()
        inner = self._pool.submit(fn, *args, **kwargs)
        task = next((a for a in args if isinstance(a, Task)), None)
        inner.add_done_callback(lambda done: self._pass_on(done, outer, task))
        return outer

    def adopt(self, folder: Path) -> Future[Ended] | None:
        """Wait for a calculation of an earlier driver that still runs in its scheduler job."""
        track = read_track(folder)
        if track is None or not self._still_runs(folder, track):
            return None
        future: Future[Ended] = Future()
        threading.Thread(target=self._watch, args=(folder, track, future), daemon=True).start()
        return future

    def leave(self) -> None:
        """Leave the running calculations to the next driver; waiting scheduler jobs are cancelled, idle ones end."""
        self._left.set()
        if self._provider is not None:
            self._provider.leaving = True
            self._shut_down_parsl()
            self._cancel([job.id for job in self.scheduler.tagged(self.tag) if job.state == "pending"])

    def waiting_for(self) -> str:
        """What the scheduler said at Parsl's last question."""
        return "" if self._provider is None else str(self._provider.waiting)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the workers, which run nothing any more."""
        if not self._left.is_set():
            self._left.set()
            self._shut_down_parsl()
            self._cancel([job.id for job in self.scheduler.tagged(self.tag)])

    def _start(self, fence: Fence) -> None:
        from parsl.concurrent import ParslPoolExecutor

        from defectflow.executors.provider import SiteProvider, config

        folder = self.run / "cluster"
        folder.mkdir(exist_ok=True)
        self._provider = SiteProvider(self.site, self.scheduler, folder, self.tag)
        self._pool = ParslPoolExecutor(config(self._provider, self.run, fence.token))

    def _still_runs(self, folder: Path, track: Track) -> bool:
        """Whether an earlier driver's calculation gives signs of life and its scheduler job runs."""
        known = track.running and track.job in self._orphans
        return known and (age(folder / TRACK) or 0.0) < SILENT and self._job_goes_on(track)

    def _watch(self, folder: Path, track: Track, future: Future[Ended]) -> None:
        try:
            ended = self._end_of(folder, track)
        except EngineError as error:  # a thread that only died would let the driver wait for ever
            future.set_exception(error)
            return
        if ended is not None:
            future.set_result(ended)

    def _end_of(self, folder: Path, track: Track) -> Ended | None:
        """How an adopted calculation ended, None if this driver leaves before."""
        asked = time.monotonic()
        while not self._left.wait(LOOK):
            now = read_track(folder)
            if now is not None and now.status is not None:
                return Ended(now.status, now.seconds)
            if time.monotonic() - asked > ASK:
                asked = time.monotonic()
                if (age(folder / TRACK) or 0.0) > SILENT:
                    self._cancel_and_wait([track.job])  # whatever still runs there must not meet its successor
                if not self._job_goes_on(track):
                    return Ended(LOST, 0.0, self._words(track))
        return None

    def _job_goes_on(self, track: Track) -> bool:
        try:
            job = self.scheduler.look([track.job])[track.job]
        except EngineError:
            return True  # the scheduler does not answer now
        # A job that its scheduler started again runs, but not this calculation.
        return job.state == "running" and job.restarts == track.restarts

    def _pass_on(self, inner: Future[Any], outer: Future[Any], task: Task | None) -> None:
        from parsl.executors.errors import BadStateException
        from parsl.executors.high_throughput.errors import ManagerLost, WorkerLost

        error = inner.exception()
        if error is None:
            outer.set_result(inner.result())
        elif isinstance(error, ManagerLost | WorkerLost) and task is not None:
            lost = functools.partial(self._lost, error, task, outer, isinstance(error, ManagerLost))
            threading.Thread(target=lost, daemon=True).start()
        elif isinstance(error, BadStateException):
            outer.set_exception(self._refused(error))
        else:
            outer.set_exception(error)

    def _lost(self, error: BaseException, task: Task, outer: Future[Any], whole_job: bool) -> None:
        try:
            outer.set_result(self._loss(error, task, whole_job))
        except EngineError as failed:
            outer.set_exception(failed)

    def _loss(self, error: BaseException, task: Task, whole_job: bool) -> Ended:
        track = read_track(task.folder)
        if track is None or not track.running or not track.job:
            return Ended(LOST, 0.0, str(error))
        if whole_job and self._job_goes_on(track):
            self._cancel_and_wait([track.job])  # its workers are out of reach: make sure that they have ended
        return Ended(LOST, max(0.0, time.time() - track.started), self._words(track))

    def _words(self, track: Track) -> str:
        try:
            words = self.scheduler.look([track.job])[track.job].words
        except EngineError as error:
            words = str(error)
        return f"{self.site.scheduler} job {track.job} on {track.host}: {words}"

    def _refused(self, error: BaseException) -> EngineError:
        what = "the scheduler jobs of this site fail one after the other"
        found = self._provider.refused or str(error)
        logs = sorted((self.run / "cluster").glob("block-*.log"), key=lambda path: path.stat().st_mtime)
        printed = logs[-1].read_text(encoding="utf-8", errors="replace").strip()[-500:] if logs else ""
        said = f"\n  the last one printed: {printed}" if printed else ""
        todo = f"{found}{said}\n  try: defectflow doctor --site FILE"
        return EngineError(what, where=self.site.scheduler, todo=todo)

    def _cancel_and_wait(self, ids: Sequence[str], seconds: float = 120.0) -> None:
        self._cancel(ids)
        end = time.monotonic() + seconds
        while ids and time.monotonic() < end:
            if self._have_ended(ids):
                return
            time.sleep(1.0)
        if ids:
            todo = "wait until they have ended, then run again"
            raise EngineError(f"jobs {', '.join(ids)} were cancelled and go on", where=self.site.scheduler, todo=todo)

    def _have_ended(self, ids: Sequence[str]) -> bool:
        try:
            return all(job.state == "ended" for job in self.scheduler.look(ids).values())
        except EngineError:
            return False  # the scheduler does not answer now

    def _cancel(self, ids: Sequence[str]) -> None:
        if ids:
            self.scheduler.cancel(ids)

    def _shut_down_parsl(self) -> None:
        pool, self._pool = self._pool, None
        if pool is None:
            return
        interchange = next(iter(pool._dfk.executors.values())).interchange_proc
        ending = threading.Thread(target=lambda: pool.shutdown(wait=False), daemon=True)
        ending.start()
        ending.join(CLEAN_UP)
        if interchange is not None and interchange.poll() is None:
            interchange.kill()
