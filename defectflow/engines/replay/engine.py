"""The replay engine: same inputs as the engine whose runs it serves."""

from __future__ import annotations

from pathlib import Path

from defectflow.engines.worker_engine import WorkerEngine


class ReplayEngine(WorkerEngine):
    """Serves stored GPAW results whose inputs are exactly those it is given; anything else is an error.

    Environment: ``DEFECTFLOW_REPLAY_STORE`` is the run folder to serve from (default: the shipped quick study),
    ``DEFECTFLOW_REPLAY_STEP`` the seconds per SCF step, ``DEFECTFLOW_REPLAY_FAULT`` a fault of `faults` as
    ``name@part-of-the-path`` (``name-once`` strikes a folder once), ``DEFECTFLOW_REPLAY_COUNT`` a file that gets a line
    for each calculation that came to its end.
    """

    name = "replay"
    worker = "defectflow.engines.replay.worker"
    presets = "gpaw"

    def scratch(self, folder: Path) -> list[Path]:
        """The outputs and where an attempt that was stopped goes on."""
        return [*super().scratch(folder), folder / "reached.json", folder / ".fault"]

    def available(self) -> str:
        """It needs nothing, see `Engine.available`."""
        return "stored results, nothing is calculated"
