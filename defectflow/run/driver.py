"""The driver: starts what is ready, believes only whole results, goes on where an earlier one ended.

It keeps no result in memory and no more calculations in flight than the executor can soon run, so its size does not
grow with what has been done.
"""

from __future__ import annotations

import time
from collections import defaultdict, deque
from concurrent.futures import FIRST_COMPLETED, Future, wait

from defectflow.engines import Engine
from defectflow.errors import DefectFlowError, EngineError, WalltimeError
from defectflow.executors import FENCED, LOST, NO_TIME, Ended, Fence, Task, TaskExecutor, read_track, run_task
from defectflow.inputs import resolve
from defectflow.run.attempts import Attempt, Attempts, last_lines
from defectflow.run.corrections import group, has_overrides, with_overrides
from defectflow.run.index import row_of, write_index
from defectflow.run.lease import CANCEL, cancel_requested, check_in_charge, lease, not_in_charge
from defectflow.run.options import RunOptions, Snapshot
from defectflow.run.study import AnyStudy
from defectflow.schema import CalcResult, Job, JobInputs

_TAKE_OVERS = 3  # how often a job is run again because a partner needed other settings
_STOPS = 20  # how often a calculation may be stopped before its walltime ends, and go on
_NO_TIMES = 20  # how often it may meet a scheduler job that ends too soon
_MEMORY = 2  # how often it may be killed for memory: the same again would end the same way
_OUT_OF_MEMORY = ("OUT_OF_MEMORY", "TERM_MEMLIMIT", "exceeded memory", "signal 9")
_KILLED = (-9, -15)  # by the scheduler: no calculation sends itself these
_AGAIN = 10.0  # s before a calculation is sent again that found a scheduler job about to end
CHECK = 5.0  # s between two looks at who is in charge


class _LostError(EngineError):
    """A calculation that lost its scheduler job too often; it did not fail by itself."""


class _Driver:
    def __init__(
        self, study: AnyStudy, engine: Engine, executor: TaskExecutor, options: RunOptions, fence: Fence
    ) -> None:
        self.study, self.engine, self.executor, self.options, self.fence = study, engine, executor, options, fence
        self.attempts = Attempts(study, engine)
        self.states = {job.path: "waiting" for job in study.jobs}
        self.hashes: dict[str, str] = {}  # input hash of what is done
        self.seconds: dict[str, float] = {}
        self.futures: dict[Future[Ended], Attempt] = {}
        self.counts: dict[tuple[str, str], int] = defaultdict(int)
        self.jobs = {job.path: job for job in study.jobs}
        self.children: dict[str, list[Job]] = defaultdict(list)
        for job in study.jobs:
            if job.after is not None:
                self.children[job.after].append(job)
        self.ready = deque(job for job in study.jobs if job.after is None)
        self.later: dict[str, float] = {}  # what is sent again, and when
        self.checked = self.shown = time.monotonic()

    def run(self) -> dict[str, str]:
        while self.ready or self.futures or self.later:
            self._wake()
            self._fill()
            if self.futures:
                self._collect()
            elif self.later:
                time.sleep(self.options.poll)
            self._check()
            self._report()
        self._report(last=True)
        return self.states

    def _fill(self) -> None:
        window = 2 * self.executor.slots + 2
        while self.ready and len(self.futures) < window:
            if self.options.stop():
                raise KeyboardInterrupt
            self._start(self.ready.popleft())

    def _wake(self) -> None:
        """Let those go on that waited for another scheduler job."""
        for path in [p for p, when in self.later.items() if when < time.monotonic()]:
            del self.later[path]
            self.ready.appendleft(self.jobs[path])

    def _check(self) -> None:
        if self.options.stop() or cancel_requested(self.study.folder):
            raise KeyboardInterrupt
        if time.monotonic() - self.checked > CHECK:
            self.checked = time.monotonic()
            check_in_charge(self.fence)

    def _start(self, job: Job) -> None:
        if any(a.job.path == job.path for a in self.futures.values()):
            return  # its parent ran again meanwhile; it is looked at when it ends
        resolved = with_overrides(self.study, resolve(job, self._parent(job)))
        inputs = self.engine.make_inputs(resolved)
        done = self.study.finished(job.path, inputs)
        if done is None and (adopted := self._adopt(resolved, inputs)):
            self.futures[adopted[0]] = adopted[1]
            self.states[job.path] = "submitted"
            return
        done = done or self.attempts.left_behind(job.path, inputs)
        if done is not None:
            corrected = self.attempts.repair(job.path, inputs)
            self._believe(job.path, done)
            if corrected:
                self._take_over(job.path)
            return
        if not self._left_as_it_is(job.path, inputs):
            self._send(self.attempts.prepare(resolved, inputs))

    def _left_as_it_is(self, path: str, inputs: JobInputs) -> bool:
        state = self.study.state(path)
        if not self.options.keep_failed or state is None or path in self.options.rerun:
            return False
        if state.state not in ("failed", "unconverged") or state.input_hash != inputs.hash:
            return False
        self._fail(path, state.state)
        return True

    def _adopt(self, job: Job, inputs: JobInputs) -> tuple[Future[Ended], Attempt] | None:
        attempt = self.attempts.adopted(job, inputs)
        future = self.executor.adopt(self.study.job_folder(job.path)) if attempt else None
        return (future, attempt) if future is not None and attempt is not None else None

    def _send(self, attempt: Attempt) -> None:
        o, folder = self.options, self.study.job_folder(attempt.job.path)
        command = self.engine.command(folder.resolve(), o.ranks, o.launch)
        task = Task(tuple(command), folder.resolve(), threads=o.threads, margin=o.margin, fence=self.fence)
        self.futures[self.executor.submit(run_task, task)] = attempt
        self.states[attempt.job.path] = "submitted"

    def _parent(self, job: Job) -> CalcResult | None:
        return self.study.result(job.after) if job.after else None

    def _collect(self) -> None:
        done, _ = wait(self.futures, timeout=self.options.poll, return_when=FIRST_COMPLETED)
        for future in done:
            attempt = self.futures.pop(future)
            ended = future.result()
            if ended.status == FENCED:
                raise not_in_charge(self.study.folder)
            self.seconds[attempt.job.path] = ended.seconds
            self._finish(attempt, ended)

    def _finish(self, attempt: Attempt, ended: Ended) -> None:
        path, used = attempt.job.path, (ended.seconds, self.options.cores)
        try:
            if self._goes_on(attempt, ended):
                self.states[path] = "waiting"
                if path not in self.later:
                    self.ready.appendleft(self.jobs[path])
                return
            result = self.attempts.result(attempt, ended.status)
        except DefectFlowError as error:
            state = self._ending(error, path)
            self.attempts.note(attempt, state, str(error), used)
            self._fail(path, state)
            return
        self.attempts.note(attempt, "done" if result.converged else "unconverged", "", used)
        self._believe(path, result)
        if has_overrides(self.study, path):
            self._take_over(path)

    def _ending(self, error: DefectFlowError, path: str) -> str:
        if isinstance(error, _LostError):
            return "lost"
        return "stopped" if isinstance(error, WalltimeError) or self.attempts.stopped(path) else "failed"

    def _goes_on(self, attempt: Attempt, ended: Ended) -> bool:
        """Whether an attempt that ended without a result is to be sent again; it did not fail by itself then."""
        path = attempt.job.path
        if ended.status == NO_TIME and not self.options.resend:
            raise WalltimeError(f"not started: {ended.words}", where=path, todo="run it again with more time")
        if ended.status == NO_TIME:
            self._count(path, "found no scheduler job with time left", _NO_TIMES, ended.words)
            self.attempts.note_not_started(attempt)
            self.later[path] = time.monotonic() + _AGAIN
            return True
        if ended.status == LOST or (ended.status in _KILLED and self.options.retries):
            return self._lost(attempt, ended)
        if ended.status != 0 and self.options.resend and self.attempts.stopped(path):
            todo = "give its scheduler jobs more walltime"
            self._count(path, "was stopped before the walltime ended", _STOPS, todo)
            self.attempts.note(attempt, "submitted", "", (ended.seconds, self.options.cores))
            return True
        return False

    def _count(self, path: str, what: str, limit: int, todo: str) -> None:
        self.counts[path, what] += 1
        if self.counts[path, what] > limit:
            raise _LostError(f"{what} {limit} times", where=path, todo=todo)

    def _lost(self, attempt: Attempt, ended: Ended) -> bool:
        words = ended.words or "killed by signal 9 from outside, perhaps for memory"
        path = attempt.job.path
        if any(word in words for word in _OUT_OF_MEMORY):
            self._count(path, f"ran out of memory ({words})", _MEMORY, "raise resources.memory of the site")
        log = self.study.job_folder(path) / "worker.log"
        what = f"lost its scheduler job or worker; last: {words}; attempts lost:"
        self.counts[path, "lost"] += 1
        if self.counts[path, "lost"] > self.options.retries:
            todo = f"{last_lines(log)}\n  when the cause is gone: defectflow retry {self.study.folder}"
            raise _LostError(f"{what} {self.counts[path, 'lost']}", where=path, todo=todo)
        self.attempts.note_lost(attempt, words, (ended.seconds, self.options.cores))
        return True

    def _believe(self, path: str, result: CalcResult) -> None:
        if not result.converged:
            self._fail(path, "unconverged")
            return
        self.states[path] = "done"
        self.hashes[path] = result.input_hash
        # What follows comes first: a pair is finished before the next one begins.
        self.ready.extendleft(reversed(self.children[path]))

    def _fail(self, path: str, state: str) -> None:
        self.states[path] = state
        behind = deque(self.children[path])
        while behind:
            job = behind.popleft()
            self.states[job.path] = "blocked"
            behind.extend(self.children[job.path])

    def _take_over(self, path: str) -> None:
        """Run again what was made without a correction that a job of the same pair needed, and what follows it."""
        stale = {p for p in group(self.study, path) if p in self.hashes and self._is_stale(self.jobs[p])}
        for other in (p for p in self.jobs if p in stale):
            self.counts[other, "take over"] += 1
            if self.counts[other, "take over"] > _TAKE_OVERS:
                continue
            self.hashes.pop(other)
            self._drop_ready(other)
            self.states[other] = "waiting"
            parent = self.jobs[other].after
            if parent is None or parent in self.hashes:
                self.ready.append(self.jobs[other])

    def _drop_ready(self, path: str) -> None:
        """What follows a job that runs again waits for it."""
        behind = {job.path for job in self.children[path]}
        self.ready = deque(job for job in self.ready if job.path not in behind)

    def _is_stale(self, job: Job) -> bool:
        if job.after and job.after not in self.hashes:
            return True  # its parent runs again
        wanted = with_overrides(self.study, resolve(job, self._parent(job)))
        return self.hashes[job.path] != self.engine.make_inputs(wanted).hash

    def _report(self, last: bool = False) -> None:
        if not last and time.monotonic() - self.shown < self.options.poll:
            return
        self.shown = time.monotonic()
        running = {
            a.job.path: self.engine.progress(folder)
            for a in self.futures.values()
            if (track := read_track(folder := self.study.job_folder(a.job.path))) and track.running
        }
        queue = self.executor.waiting_for()
        self.options.watch(Snapshot(dict(self.states), running, dict(self.seconds), queue))


def run_study(study: AnyStudy, engine: Engine, executor: TaskExecutor, options: RunOptions) -> dict[str, str]:
    """Run all jobs of a study that are not done, and return the state of each by path.

    States are "done"; "unconverged" and "failed" (by itself); "lost" (its scheduler jobs were, too often) and
    "stopped" (before the walltime ended), which go on when the study is run again; "blocked" where its parent is not
    done.

    Raises
    ------
    LockedError
        If another driver runs the same study.
    """
    with lease(study.folder) as fence:
        (study.folder / CANCEL).unlink(missing_ok=True)  # left by a `cancel` that was killed
        states = {job.path: study.state(job.path) for job in study.jobs}
        write_index(study.folder, (row_of(path, state) for path, state in states.items()))
        left = [study.job_folder(p) for p, state in states.items() if state and state.state == "submitted"]
        try:
            executor.take_charge(fence, left)
            return _Driver(study, engine, executor, options, fence).run()
        except BaseException as error:
            executor.leave()
            if isinstance(error, FileNotFoundError) and not study.folder.exists():
                raise EngineError("the run folder is gone; the driver ends", where=str(study.folder)) from None
            raise
