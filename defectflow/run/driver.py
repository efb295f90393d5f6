"""The driver: starts what is ready, believes only whole results, goes on where an earlier one ended."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import dataclass
from pathlib import Path

from defectflow.engines import Engine, Progress
from defectflow.errors import DefectFlowError, EngineError, ParseError
from defectflow.executors import Ended, Task, allow_tasks, run_task, stop_tasks
from defectflow.inputs import resolve
from defectflow.run.corrections import group, kept_corrections, with_overrides
from defectflow.run.study import RESULT, AnyStudy
from defectflow.schema import CalcResult, Correction, Job, JobInputs, JobState
from defectflow.schema.jsonio import read_json, save_record, write_atomic


@dataclass(frozen=True)
class Snapshot:
    """The study at one moment: states by job path, steps of those that run, wall seconds of those that ended."""

    states: dict[str, str]
    running: dict[str, Progress | None]
    seconds: dict[str, float]


@dataclass(frozen=True)
class RunOptions:
    """How a study is run.

    Attributes
    ----------
    ranks : int
        MPI ranks per calculation.
    poll : float
        Seconds between two looks at the running calculations.
    watch : callable
        Called with a `Snapshot` after every look.
    stop : callable
        Asked before every start and after every look; if true, everything is stopped and KeyboardInterrupt raised.
    """

    ranks: int = 1
    poll: float = 1.0
    watch: Callable[[Snapshot], None] = lambda snapshot: None
    stop: Callable[[], bool] = lambda: False


@dataclass
class _Running:
    job: Job
    inputs: JobInputs
    attempts: int
    corrections: tuple[Correction, ...]


# How often a job is run again because a partner needed other settings.
_TAKE_OVERS = 3


class _Driver:
    def __init__(self, study: AnyStudy, engine: Engine, executor: Executor, options: RunOptions) -> None:
        self.study, self.engine, self.executor, self.options = study, engine, executor, options
        self.results: dict[str, CalcResult] = {}
        self.states = {job.path: "waiting" for job in study.jobs}
        self.seconds: dict[str, float] = {}
        self.futures: dict[Future[Ended], _Running] = {}
        self.again: list[Job] = []
        self.take_overs: dict[str, int] = {}

    def run(self) -> dict[str, str]:
        waiting = list(self.study.jobs)
        while waiting or self.futures:
            waiting = [job for job in waiting if not self._advance(job)]
            if self.futures:
                self._collect()
            waiting, self.again = waiting + self.again, []
            self._report()
            if self.futures and self.options.stop():
                raise KeyboardInterrupt
        return self.states

    def _advance(self, job: Job) -> bool:
        """Start, skip or block a job; False if it still waits for its parent."""
        if self.options.stop():
            raise KeyboardInterrupt
        if job.after is not None and self.states[job.after] in ("failed", "unconverged", "blocked"):
            self.states[job.path] = "blocked"
            return True
        if job.after is not None and job.after not in self.results:
            return False
        resolved = resolve(job, self.results[job.after] if job.after else None)
        self._start(with_overrides(self.study, resolved))
        return True

    def _start(self, job: Job) -> None:
        inputs = self.engine.make_inputs(job)
        done = self.study.finished(job.path, inputs) or self._left_behind(job.path, inputs)
        if done is not None:
            self._believe(job.path, done)
            if self._repair(job.path, inputs):
                self._take_over(job.path)
            return
        running = self._prepare(job, inputs)
        folder = self.study.job_folder(job.path)
        task = Task(tuple(self.engine.command(folder.resolve(), self.options.ranks)), folder)
        self.futures[self.executor.submit(run_task, task)] = running
        self.states[job.path] = "submitted"

    def _left_behind(self, path: str, inputs: JobInputs) -> CalcResult | None:
        """Output of a worker that ended well after its driver was killed."""
        folder = self.study.job_folder(path)
        try:
            result = self.engine.read(folder, inputs)
        except DefectFlowError:
            return None
        return self._keep(folder, result) if result.converged else None

    def _keep(self, folder: Path, result: CalcResult) -> CalcResult:
        save_record(result, folder / RESULT)
        for file in self.engine.scratch(folder):
            file.unlink(missing_ok=True)
        return result

    def _repair(self, path: str, inputs: JobInputs) -> bool:
        # The driver was killed between result and state: the result counts, the state follows.
        before = self.study.state(path)
        if before is None or before.state != "done":
            attempts = before.attempts if before else 1
            kept = self._corrections(path, kept_corrections(before))
            self.study.set_state(path, JobState("done", inputs.hash, inputs.engine, attempts, corrections=kept))
            return any(c.changes_energy for c in kept)
        return False

    def _prepare(self, job: Job, inputs: JobInputs) -> _Running:
        folder = self.study.job_folder(job.path)
        folder.mkdir(parents=True, exist_ok=True)
        before = self.study.state(job.path)
        attempts = 1 + (before.attempts if before and before.input_hash == inputs.hash else 0)
        for stale in [
            *self.engine.outputs(folder),
            folder / RESULT,
            folder / "result.npz",
            folder / "error.json",
        ]:
            stale.unlink(missing_ok=True)
        for name, text in inputs.files:
            write_atomic(folder / name, text.encode())
        kept = kept_corrections(before)
        self.study.set_state(job.path, JobState("submitted", inputs.hash, inputs.engine, attempts, corrections=kept))
        return _Running(job, inputs, attempts, kept)

    def _corrections(self, path: str, kept: tuple[Correction, ...]) -> tuple[Correction, ...]:
        """Those of earlier attempts that change energies, and all of the last one."""
        last = self.engine.corrections(self.study.job_folder(path))
        return (*kept, *(c for c in last if c not in kept))

    def _collect(self) -> None:
        done, _ = wait(self.futures, timeout=self.options.poll, return_when=FIRST_COMPLETED)
        for future in done:
            running = self.futures.pop(future)
            ended = future.result()
            self.seconds[running.job.path] = ended.seconds
            try:
                self._finish(running, ended.status)
            except DefectFlowError as error:
                self._fail(running, error)

    def _finish(self, running: _Running, status: int) -> None:
        folder = self.study.job_folder(running.job.path)
        if status != 0:
            raise _worker_error(self.study, running.job.path, status)
        self._believe(running.job.path, self._keep(folder, self.engine.read(folder, running.inputs)))
        self._note(running, self.states[running.job.path], "")
        self._take_over(running.job.path)

    def _take_over(self, path: str) -> None:
        """Run again what was made without a correction that a job of the same pair needed, and what follows it."""
        members = {job.path: job for job in self.study.jobs if job.path in group(self.study, path)}
        stale = [p for p in members if p in self.results and self._is_stale(members[p])]
        for other in stale:
            self.take_overs[other] = self.take_overs.get(other, 0) + 1
            if self.take_overs[other] > _TAKE_OVERS:
                continue
            del self.results[other]
            self.states[other] = "waiting"
            self.again.append(members[other])

    def _is_stale(self, job: Job) -> bool:
        parent = self.results.get(job.after) if job.after else None
        if job.after and parent is None:
            return True  # its parent runs again
        wanted = with_overrides(self.study, resolve(job, parent))
        return self.results[job.path].input_hash != self.engine.make_inputs(wanted).hash

    def _believe(self, path: str, result: CalcResult) -> None:
        self.states[path] = "done" if result.converged else "unconverged"
        if result.converged:
            self.results[path] = result

    def _fail(self, running: _Running, error: DefectFlowError) -> None:
        self.states[running.job.path] = "failed"
        self._note(running, "failed", str(error))

    def _note(self, running: _Running, state: str, error: str) -> None:
        seconds = self.seconds[running.job.path]
        # What a failed run tried is no reason to run its partners that way.
        tried = self._corrections(running.job.path, running.corrections)
        made = tuple(c for c in tried if state != "failed" or c in running.corrections or not c.changes_energy)
        entry = JobState(state, running.inputs.hash, running.inputs.engine, running.attempts, seconds, made, error)
        self.study.set_state(running.job.path, entry)

    def _report(self) -> None:
        running = {
            r.job.path: self.engine.progress(self.study.job_folder(r.job.path))
            for future, r in self.futures.items()
            if future.running()
        }
        self.options.watch(Snapshot(dict(self.states), running, dict(self.seconds)))


def run_study(study: AnyStudy, engine: Engine, executor: Executor, options: RunOptions) -> dict[str, str]:
    """Run all jobs of a study that are not done, and return the state of each by path.

    States are "done", "unconverged", "failed", and "blocked" where a parent is not done.

    Raises
    ------
    LockedError
        If another driver runs the same study.
    """
    with study.lock():
        allow_tasks()
        try:
            return _Driver(study, engine, executor, options).run()
        except BaseException:
            # Nothing may go on without a driver that holds the lock: not the queue, not the workers.
            executor.shutdown(wait=False, cancel_futures=True)
            stop_tasks()
            executor.shutdown(wait=True)
            raise


def _worker_error(study: AnyStudy, path: str, status: int) -> EngineError:
    folder = study.job_folder(path)
    try:
        error = read_json(folder / "error.json")
        return EngineError(str(error["what"]), where=str(error["where"] or folder), todo=str(error["todo"]))
    except (ParseError, KeyError):
        log = folder / "worker.log"
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-5:] if log.is_file() else []
        how = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
        todo = "its last lines:\n    " + "\n    ".join(lines) if lines else "it printed nothing"
        return EngineError(f"the calculation {how}", where=str(log), todo=todo)
