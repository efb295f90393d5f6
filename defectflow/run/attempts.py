"""One attempt at a job: what is laid into its folder before, and what is believed and noted after."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from defectflow.engines import Engine
from defectflow.errors import DefectFlowError, EngineError, ParseError
from defectflow.executors.tracks import TRACK
from defectflow.run.corrections import kept_corrections
from defectflow.run.study import RESULT, AnyStudy
from defectflow.schema import CalcResult, Correction, Job, JobInputs, JobState
from defectflow.schema.jsonio import read_json, save_record, write_atomic

STOPPED = "WalltimeError"  # kind of error of a worker that stopped where it can go on


@dataclass(frozen=True)
class Attempt:
    """A job that was sent, and its state as it was noted then."""

    job: Job
    inputs: JobInputs
    state: JobState


class Attempts:
    """Job folders of a study, as its driver uses them."""

    def __init__(self, study: AnyStudy, engine: Engine) -> None:
        self.study, self.engine = study, engine

    def prepare(self, job: Job, inputs: JobInputs) -> Attempt:
        """Clear what an earlier attempt left, write the inputs, note that it is sent."""
        folder = self.study.job_folder(job.path)
        folder.mkdir(parents=True, exist_ok=True)
        old = [folder / name for name in (RESULT, "result.npz", "error.json", TRACK)]
        for stale in [*self.engine.outputs(folder), *old]:
            stale.unlink(missing_ok=True)
        for name, text in inputs.files:
            write_atomic(folder / name, text.encode())
        state = self._sent(job.path, inputs)
        self.study.set_state(job.path, state)
        return Attempt(job, inputs, state)

    def _sent(self, path: str, inputs: JobInputs) -> JobState:
        before = self.study.state(path)
        kept = kept_corrections(before)
        if before is None or before.input_hash != inputs.hash:
            used = before.core_seconds if before else 0.0
            return JobState("submitted", inputs.hash, inputs.engine, 1, corrections=kept, core_seconds=used)
        return replace(before, state="submitted", attempts=before.attempts + 1, corrections=kept, seconds=0.0, error="")

    def adopted(self, job: Job, inputs: JobInputs) -> Attempt | None:
        """The attempt that an earlier driver sent with the same inputs, None if there is none."""
        before = self.study.state(job.path)
        if before is None or before.state != "submitted" or before.input_hash != inputs.hash:
            return None
        return Attempt(job, inputs, before)

    def left_behind(self, path: str, inputs: JobInputs) -> CalcResult | None:
        """Output of a worker that ended well after its driver was killed."""
        try:
            result = self.engine.read(self.study.job_folder(path), inputs)
        except DefectFlowError:
            return None
        return self.keep(path, result) if result.converged else None

    def result(self, attempt: Attempt, status: int) -> CalcResult:
        """Result of an attempt that ended.

        Raises
        ------
        DefectFlowError
            If it failed, with what its worker or its reader said.
        """
        if status != 0:
            raise self._worker_error(attempt.job.path, status)
        folder = self.study.job_folder(attempt.job.path)
        return self.keep(attempt.job.path, self.engine.read(folder, attempt.inputs))

    def keep(self, path: str, result: CalcResult) -> CalcResult:
        """Save a result and drop what it holds."""
        folder = self.study.job_folder(path)
        save_record(result, folder / RESULT)
        for file in self.engine.scratch(folder):
            file.unlink(missing_ok=True)
        return result

    def stopped(self, path: str) -> bool:
        """Whether the worker stopped before its walltime ended, where it can go on."""
        try:
            return read_json(self.study.job_folder(path) / "error.json").get("kind") == STOPPED
        except ParseError:
            return False

    def repair(self, path: str, inputs: JobInputs) -> bool:
        """Note as done what has a result (the driver was killed between both); whether energies were corrected."""
        before = self.study.state(path)
        if before is not None and before.state == "done":
            return False
        kept = self.corrections(path, kept_corrections(before))
        known = before or JobState("done", inputs.hash, inputs.engine, 1)
        state = replace(known, state="done", input_hash=inputs.hash, corrections=kept, error="")
        self.study.set_state(path, state)
        return any(c.changes_energy for c in kept)

    def corrections(self, path: str, kept: tuple[Correction, ...]) -> tuple[Correction, ...]:
        """Those of earlier attempts that change energies, and all of the last one."""
        last = self.engine.corrections(self.study.job_folder(path))
        return (*kept, *(c for c in last if c not in kept))

    def note(self, attempt: Attempt, state: str, error: str, used: tuple[float, int]) -> None:
        """Write how an attempt ended; `used` are its wall seconds and its cores."""
        seconds, cores = used
        old = attempt.state.corrections
        # What a failed run tried is no reason to run its partners that way.
        tried = self.corrections(attempt.job.path, old)
        made = tuple(c for c in tried if state not in ("failed", "stopped") or c in old or not c.changes_energy)
        spent = attempt.state.core_seconds + seconds * cores
        entry = replace(attempt.state, state=state, seconds=seconds, corrections=made, error=error, core_seconds=spent)
        self.study.set_state(attempt.job.path, entry)

    def note_lost(self, attempt: Attempt, words: str, used: tuple[float, int]) -> None:
        """Write that an attempt was lost, which is not its own failure and no attempt of its own."""
        lost = (*attempt.state.lost, words)
        spent = attempt.state.core_seconds + used[0] * used[1]
        entry = replace(attempt.state, lost=lost, core_seconds=spent, attempts=attempt.state.attempts - 1)
        self.study.set_state(attempt.job.path, entry)

    def note_not_started(self, attempt: Attempt) -> None:
        """Write that an attempt did not even begin."""
        self.study.set_state(attempt.job.path, replace(attempt.state, attempts=attempt.state.attempts - 1))

    def _worker_error(self, path: str, status: int) -> EngineError:
        folder = self.study.job_folder(path)
        try:
            error = read_json(folder / "error.json")
            return EngineError(str(error["what"]), where=str(error["where"] or folder), todo=str(error["todo"]))
        except (ParseError, KeyError):
            how = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
            log = folder / "worker.log"
            return EngineError(f"the calculation {how}", where=str(log), todo=last_lines(log))


def last_lines(log: Path, number: int = 5) -> str:
    """The end of a calculation's output, for a message."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-number:] if log.is_file() else []
    return "its last lines:\n    " + "\n    ".join(lines) if lines else "it printed nothing"
