"""Faults on request: "killed", "hang", "crash", "cut", "flipped", "unconverged"."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import replace

from defectflow.schema import CalcResult


def before_output(fault: str) -> None:
    """Die, hang or crash in place of writing a result."""
    if fault == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if fault == "hang":
        time.sleep(3600)
    if fault == "crash":
        raise RuntimeError("the replay engine was asked to crash")


def after_output(fault: str, result: CalcResult) -> CalcResult:
    """A result that a careless reader would believe."""
    if fault == "flipped":
        moments = result.site_moments.copy()
        moments[-1] = -moments[-1]
        return replace(result, site_moments=moments)
    if fault == "unconverged":
        convergence = replace(result.convergence, electronic=False, last_energy_change=0.5)
        return replace(result, convergence=convergence)
    return result
