"""Handlers for custodian: known messages of VASP, runs that did not converge, and the end of the walltime.

Left out on purpose: handlers that exchange the smearing, the mesh or the grid for taste (IncorrectSmearing,
LargeSigma, MeshSymmetry, Aliasing, Drift): a pair of runs would differ by more than its spins.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

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
from defectflow.engines.vasp.walltime import seconds_left
from defectflow.errors import DefectFlowError
from defectflow.formats.oszicar import read_oszicar
from defectflow.formats.poscar import read_poscar

STOPPED = "stopped-for-walltime"
FROZEN = 21600.0  # s without a line of output
# Least time before the end at which a run is stopped (s): VASP finishes the SCF step and writes its files.
MARGIN = 300.0
_LADDER = ({"ALGO": "All"}, {"ALGO": "Normal", "AMIX": 0.2, "BMIX": 0.0001, "AMIX_MAG": 0.8, "BMIX_MAG": 0.0001})


def handlers() -> list[ErrorHandler]:
    """The curated list."""
    known = [name for name in VaspErrorHandler.error_msgs if name != "auto_nbands"]
    return [
        VaspErrorHandler(errors_subset_to_catch=known),
        StdErrHandler(),
        NotConverged(),
        NonConvergingErrorHandler(),
        PotimErrorHandler(),
        PositiveEnergyErrorHandler(),
        FrozenJobErrorHandler(timeout=float(os.environ.get("DEFECTFLOW_VASP_FROZEN", FROZEN))),
        WalltimeGuard(),
    ]


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
        self.started, self.written = time.time(), False

    def check(self, directory: str = "./") -> bool:
        """Whether the end of the walltime is nearer than the margin, or than three SCF steps."""
        left = seconds_left(os.environ, time.time())
        if left is None or self.written:
            return False
        return left < max(MARGIN, 3 * self._step_seconds(Path(directory)))

    def _step_seconds(self, folder: Path) -> float:
        try:
            oszicar = read_oszicar(folder / "OSZICAR")
        except DefectFlowError:
            return 0.0
        return (time.time() - self.started) / max(1, oszicar.scf_step)

    def correct(self, directory: str = "./") -> dict[str, Any]:
        """Ask VASP to stop after the SCF step that runs."""
        self.written = True
        Path(directory, "STOPCAR").write_text("LABORT = .TRUE.\n", encoding="utf-8")
        Path(directory, STOPPED).write_text("the walltime was about to end\n", encoding="utf-8")
        return {"errors": ["walltime"], "actions": None}
