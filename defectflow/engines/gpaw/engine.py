"""The GPAW engine as the driver sees it: texts, a command line and files."""

from __future__ import annotations

import json
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from defectflow.engines.base import Progress
from defectflow.engines.document import INPUT, job_text
from defectflow.engines.presets import load_preset
from defectflow.errors import EngineError, ParseError
from defectflow.schema import CalcResult, Job, JobInputs
from defectflow.schema.jsonio import load_record

OUTPUT = "output.json"
TRACE = "scf.jsonl"


class GpawEngine:
    """PBE, PAW and plane waves with GPAW (Mortensen et al., JCP 160, 092503 (2024), doi:10.1063/5.0182685)."""

    name = "gpaw"

    def available(self) -> str:
        """Version of GPAW, see `Engine.available`."""
        try:
            version("gpaw-data")
            return version("gpaw")
        except PackageNotFoundError as error:
            todo = "install it: make setup (or pip install 'defectflow[gpaw]' with GPAW_CONFIG set, see README.md)"
            raise EngineError(f"{error.name} is not installed in {sys.executable}", todo=todo) from None

    def make_inputs(self, job: Job) -> JobInputs:
        """One JSON text, see `Engine.make_inputs`."""
        preset = load_preset(self.name, job.settings.profile)
        return JobInputs(self.name, ((INPUT, job_text(job, preset)),))

    def command(self, folder: Path, ranks: int) -> list[str]:
        """``python -m defectflow.engines.gpaw.worker FOLDER``, under mpiexec for more than one rank."""
        worker = [sys.executable, "-m", "defectflow.engines.gpaw.worker", str(folder)]
        return worker if ranks == 1 else ["mpiexec", "-n", str(ranks), *worker]

    def read(self, folder: Path, inputs: JobInputs) -> CalcResult:
        """Result that the worker wrote, see `Engine.read`."""
        result = load_record(CalcResult, folder / OUTPUT)
        if result.input_hash != inputs.hash:
            raise ParseError("the output belongs to other inputs", where=str(folder / OUTPUT))
        return result

    def progress(self, folder: Path) -> Progress | None:
        """Last SCF step of the trace, see `Engine.progress`."""
        return last_step(folder / TRACE)

    def outputs(self, folder: Path) -> list[Path]:
        """Outputs of an earlier attempt; ``relax.json``, from which a relaxation goes on, is not among them."""
        return [folder / OUTPUT, folder / "output.npz", folder / TRACE]


def last_step(trace: Path) -> Progress | None:
    """Last whole line of an SCF trace; a line that is being written is passed over."""
    try:
        lines = trace.read_text(encoding="utf-8").split("\n")[:-1]
        return Progress(**json.loads(lines[-1])) if lines else None
    except (OSError, ValueError, TypeError):
        return None
