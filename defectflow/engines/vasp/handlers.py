"""Handlers for custodian: known messages of VASP, runs that did not converge, and the end of the walltime.

Left out on purpose: handlers that exchange the smearing, the mesh or the grid for taste (IncorrectSmearing,
LargeSigma, MeshSymmetry, Aliasing, Drift): a pair of runs would differ by more than its spins.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any, cast

from custodian.custodian import ErrorHandler
from custodian.vasp.handlers import (
    FrozenJobErrorHandler,
    NonConvergingErrorHandler,
    PositiveEnergyErrorHandler,
    PotimErrorHandler,
    StdErrHandler,
    VaspErrorHandler,
)
from custodian.vasp.interpreter import VaspModder

from defectflow.engines.vasp.summary import read_files, summarise_vasp
from defectflow.errors import DefectFlowError
from defectflow.formats.oszicar import read_oszicar
from defectflow.formats.poscar import read_poscar
from defectflow.schedulers.walltime import seconds_left, seconds_set

STOPPED = "stopped-for-walltime"
KEPT = "CONTCAR.whole"
FROZEN = 21600.0  # s without a line of output
# Least time before the end at which a run is stopped (s): VASP finishes the SCF step and writes its files.
_MARGIN = 300.0
ASK_AGAIN = 600.0  # s between two questions to the scheduler, which does not like many
_LADDER = ({"ALGO": "All"}, {"ALGO": "Normal", "AMIX": 0.2, "BMIX": 0.0001, "AMIX_MAG": 0.8, "BMIX_MAG": 0.0001})


def handlers() -> list[ErrorHandler]:
    """The curated list."""
    margin()  # one that is no number is said now, and not when the time is over
    known = [name for name in VaspErrorHandler.error_msgs if name != "auto_nbands"]
    return [
        VaspErrorHandler(errors_subset_to_catch=known),
        StdErrHandler(),
        NotConverged(),
        NonConvergingErrorHandler(),
        PotimErrorHandler(),
        PositiveEnergyErrorHandler(),
        FrozenJobErrorHandler(timeout=seconds_set("DEFECTFLOW_VASP_FROZEN", FROZEN, os.environ)),
        WalltimeGuard(),
    ]


def margin() -> float:
    """Seconds before the end of the walltime at which a run is stopped."""
    return seconds_set("DEFECTFLOW_VASP_MARGIN", _MARGIN, os.environ)


def keep_geometry(folder: Path) -> None:
    """Put the last whole ionic step aside: what VASP writes after an abort comes from an unconverged density."""
    try:
        read_poscar(folder / "CONTCAR")
    except DefectFlowError:
        return
    (folder / KEPT).write_bytes((folder / "CONTCAR").read_bytes())


class NotConverged(ErrorHandler):
    """A run that ended by itself before it met its tolerance, judged by our own reading of its numbers.

    Electronically: another algorithm, then slower mixing; both lead to the same result. Ionically: goes on from
    CONTCAR with the minimiser it has.
    """

    is_monitor = False
    max_num_corrections = 4

    def __init__(self) -> None:
        self.tried = 0

    def check(self, directory: str = "./") -> bool:
        """Whether it ended unconverged; a stop for the walltime and a run that cannot be read are not our case."""
        if (Path(directory) / STOPPED).exists():
            return False
        try:
            self.found = summarise_vasp(read_files(Path(directory))).convergence
        except DefectFlowError:
            return False
        return not self.found.electronic or self.found.ionic is False

    def correct(self, directory: str = "./") -> dict[str, Any]:
        """Change INCAR or POSCAR for another attempt."""
        if self.found.electronic:
            return {"errors": ["ions not converged"], "actions": self._continue(Path(directory))}
        if self.tried >= len(_LADDER):
            return {"errors": ["SCF not converged"], "actions": None}
        actions = [{"dict": "INCAR", "action": {"_set": _LADDER[self.tried]}}]
        self.tried += 1
        VaspModder(directory=directory).apply_actions(actions)
        return {"errors": ["SCF not converged"], "actions": actions}

    def _continue(self, folder: Path) -> list[dict[str, Any]] | None:
        try:
            read_poscar(folder / "CONTCAR")
        except DefectFlowError:
            return None
        (folder / "POSCAR").write_bytes((folder / "CONTCAR").read_bytes())
        return [{"file": "CONTCAR", "action": {"_file_copy": {"dest": "POSCAR"}}}]


class WalltimeGuard(ErrorHandler):
    """Writes STOPCAR in time, so that a batch job ends with a folder that can be gone on from."""

    is_monitor = True
    is_terminating = False
    raises_runtime_error = False

    def __init__(self) -> None:
        self.written = False
        self.started, self.steps = time.time(), 0
        self.asked, self.end = -ASK_AGAIN, cast(float | None, None)  # when the scheduler was asked, and what it said

    def check(self, directory: str = "./") -> bool:
        """Whether the end of the walltime is nearer than the margin, or than three SCF steps."""
        if self.written or (end := self._end(time.time())) is None:
            return False
        return end - time.time() < max(margin(), 3 * self._step_seconds(Path(directory)))

    def _end(self, now: float) -> float | None:
        if now - self.asked >= ASK_AGAIN:
            left = seconds_left(os.environ, now)
            self.asked, self.end = now, None if left is None else now + left
        return self.end

    def _step_seconds(self, folder: Path) -> float:
        """Mean time of an SCF step of the attempt that runs."""
        try:
            steps = read_oszicar(folder / "OSZICAR").scf_steps
        except DefectFlowError:
            return 0.0
        if steps < self.steps:  # custodian began a new attempt
            self.started = time.time()
        self.steps = steps
        return (time.time() - self.started) / steps if steps else 0.0

    def correct(self, directory: str = "./") -> dict[str, Any]:
        """Ask VASP to stop after the SCF step that runs."""
        self.written = True
        keep_geometry(Path(directory))
        Path(directory, "STOPCAR").write_text("LABORT = .TRUE.\n", encoding="utf-8")
        Path(directory, STOPPED).write_text("the walltime was about to end\n", encoding="utf-8")
        return {"errors": ["walltime"], "actions": None}
