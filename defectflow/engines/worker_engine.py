"""What engines share that run in a Python worker of ours: one JSON input, one record as output, an SCF trace."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

from defectflow.engines.base import Progress
from defectflow.engines.document import INPUT, job_text
from defectflow.engines.presets import load_preset
from defectflow.errors import InputError, ParseError
from defectflow.schema import CalcResult, Correction, Job, JobInputs
from defectflow.schema.jsonio import load_record

OUTPUT = "output.json"
TRACE = "scf.jsonl"


class WorkerEngine:
    """Files and command line of a worker ``python -m <worker> FOLDER``; see `Engine` for the contract."""

    name: str
    worker: str
    presets: str

    def make_inputs(self, job: Job) -> JobInputs:
        """One JSON text."""
        preset = load_preset(self.presets, job.settings.profile)
        return JobInputs(self.name, ((INPUT, job_text(job, preset)),))

    def complete_inputs(self, folder: Path) -> None:
        """Nothing is missing."""

    def side_by_side(self, cores: int, ranks: int) -> int:
        """One calculation for as many cores as it has ranks."""
        return max(1, cores // ranks)

    def command(self, folder: Path, ranks: int, launch: str = "") -> list[str]:
        """Command line of the worker, which runs on one rank unless an engine says otherwise."""
        if ranks != 1:
            raise InputError(f"the {self.name} engine runs on one rank, not {ranks}", where="--ranks")
        return [sys.executable, "-m", self.worker, str(folder)]

    def read(self, folder: Path, inputs: JobInputs) -> CalcResult:
        """Result that the worker wrote."""
        result = load_record(CalcResult, folder / OUTPUT)
        if result.input_hash != inputs.hash:
            raise ParseError("the output belongs to other inputs", where=str(folder / OUTPUT))
        return result

    def progress(self, folder: Path) -> Progress | None:
        """Last whole line of the SCF trace; a line that is being written is passed over."""
        lines = _trace_lines(folder)
        return _step(lines[-1]) if lines else None

    def trace(self, folder: Path) -> tuple[Progress, ...]:
        """All whole lines of the SCF trace; damaged ones are passed over."""
        return tuple(step for line in _trace_lines(folder) if (step := _step(line)))

    def hands_on(self, folder: Path) -> bool:
        """Always: the saved result is enough."""
        return True

    def outputs(self, folder: Path) -> list[Path]:
        """Outputs of an earlier attempt; ``relax.json``, from which a relaxation goes on, is not among them."""
        return [folder / OUTPUT, folder / "output.npz", folder / TRACE]

    def scratch(self, folder: Path) -> list[Path]:
        """The outputs that the saved result holds; the SCF trace, which it does not, stays."""
        return [path for path in self.outputs(folder) if path.name != TRACE]

    def corrections(self, folder: Path) -> tuple[Correction, ...]:
        """None: the workers change nothing by themselves."""
        return ()


def _trace_lines(folder: Path) -> list[str]:
    try:
        return (folder / TRACE).read_text(encoding="utf-8", errors="replace").split("\n")[:-1]
    except OSError:
        return []


def _step(line: str) -> Progress | None:
    try:
        step = Progress(**json.loads(line))
    except (ValueError, TypeError):
        return None
    counts, numbers = (step.ionic_step, step.scf_step), (step.energy, step.energy_change, step.moment)
    good = all(isinstance(n, int) for n in counts)
    return step if good and all(isinstance(x, int | float) and math.isfinite(x) for x in numbers) else None
