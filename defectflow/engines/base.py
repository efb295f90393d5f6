"""The contract that every engine fulfils."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from defectflow.schema import CalcResult, Correction, Job, JobInputs


@dataclass(frozen=True)
class Progress:
    """Where a running calculation stands.

    Attributes
    ----------
    ionic_step, scf_step : int
        Counted from 1.
    energy : float
        Total energy of the last SCF step (eV per cell).
    energy_change : float
        The same minus that of the step before (eV); zero in the first step.
    moment : float or None
        Total moment (muB); None where none is known yet.
    """

    ionic_step: int
    scf_step: int
    energy: float
    energy_change: float
    moment: float | None


class Engine(Protocol):
    """A code. A new engine is one module that fulfils this, and one folder of presets."""

    name: str

    def available(self) -> str:
        """Version of the code if it can run here.

        Raises
        ------
        EngineError
            If it cannot, with the command that installs it.
        """

    def make_inputs(self, job: Job) -> JobInputs:
        """Texts of the input files; the same job always gives the same bytes."""

    def complete_inputs(self, folder: Path) -> None:
        """Add to inputs in `folder` what may not stand in `JobInputs` (POTCARs), for those who run the code by hand."""

    def side_by_side(self, cores: int, ranks: int) -> int:
        """How many calculations to run at once where the user does not say."""

    def command(self, folder: Path, ranks: int, launch: str = "") -> list[str]:
        """Command line that runs the inputs in `folder`; it must end when its standard input closes.

        `launch` are a site's own words that start the ranks, empty for those of the engine.
        """

    def read(self, folder: Path, inputs: JobInputs) -> CalcResult:
        """Result of a finished run in `folder`.

        Raises
        ------
        ParseError
            If an output is missing, cut off or belongs to other inputs.
        """

    def progress(self, folder: Path) -> Progress | None:
        """Last step of a running calculation, None before the first."""

    def trace(self, folder: Path) -> tuple[Progress, ...]:
        """All steps of the last calculation in `folder`, finished or not; empty where it left no trace."""

    def hands_on(self, folder: Path) -> bool:
        """Whether a later stage can start from what lies in the folder of a finished job."""

    def outputs(self, folder: Path) -> list[Path]:
        """Files that a new attempt must not find: outputs of an earlier one, not its restart files."""

    def scratch(self, folder: Path) -> list[Path]:
        """Files that nobody needs once the result is saved."""

    def corrections(self, folder: Path) -> tuple[Correction, ...]:
        """What was changed automatically in the inputs of the last attempt."""
