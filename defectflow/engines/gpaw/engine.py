"""The GPAW engine as the driver sees it."""

from __future__ import annotations

import shlex
import shutil
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from defectflow.engines.gpaw.density import DENSITY
from defectflow.engines.worker_engine import WorkerEngine
from defectflow.errors import EngineError


class GpawEngine(WorkerEngine):
    """PBE, PAW and plane waves with GPAW (Mortensen et al., JCP 160, 092503 (2024), doi:10.1063/5.0182685)."""

    name = "gpaw"
    worker = "defectflow.engines.gpaw.worker"
    presets = "gpaw"

    def command(self, folder: Path, ranks: int, launch: str = "") -> list[str]:
        """Command line of the worker, under the site's launcher or mpiexec for more than one rank."""
        worker = super().command(folder, 1)
        if ranks > 1 and not launch and shutil.which("mpiexec") is None:
            todo = "install Open MPI and GPAW with MPI (see README.md), or leave --ranks out"
            raise EngineError(f"{ranks} ranks need mpiexec, which is not found", where="--ranks", todo=todo)
        # GPAW asks to be told that it runs under a launcher; `env` is the one way that all launchers share.
        words = shlex.split(launch) or ["mpiexec", "-n", str(ranks)]
        return worker if ranks == 1 else [*words, "env", "GPAW_MPI_BACKEND=cgpaw", *worker]

    def hands_on(self, folder: Path) -> bool:
        """Whether the density is there; shipped results come without."""
        return (folder / DENSITY).is_file()

    def scratch(self, folder: Path) -> list[Path]:
        """The outputs and the density of an attempt that was stopped."""
        return [*super().scratch(folder), *(folder / name for name in ("checkpoint.gpw", "checkpoint.gpw.json"))]

    def available(self) -> str:
        """Version of GPAW, see `Engine.available`."""
        try:
            version("gpaw-data")
            return version("gpaw")
        except PackageNotFoundError as error:
            todo = "install it: make setup (or pip install 'defectflow[gpaw]' with GPAW_CONFIG set, see README.md)"
            raise EngineError(f"{error.name} is not installed in {sys.executable}", todo=todo) from None
