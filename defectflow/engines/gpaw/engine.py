"""The GPAW engine as the driver sees it."""

from __future__ import annotations

import sys
from importlib.metadata import PackageNotFoundError, version

from defectflow.engines.worker_engine import WorkerEngine
from defectflow.errors import EngineError


class GpawEngine(WorkerEngine):
    """PBE, PAW and plane waves with GPAW (Mortensen et al., JCP 160, 092503 (2024), doi:10.1063/5.0182685)."""

    name = "gpaw"
    worker = "defectflow.engines.gpaw.worker"
    presets = "gpaw"

    def available(self) -> str:
        """Version of GPAW, see `Engine.available`."""
        try:
            version("gpaw-data")
            return version("gpaw")
        except PackageNotFoundError as error:
            todo = "install it: make setup (or pip install 'defectflow[gpaw]' with GPAW_CONFIG set, see README.md)"
            raise EngineError(f"{error.name} is not installed in {sys.executable}", todo=todo) from None
