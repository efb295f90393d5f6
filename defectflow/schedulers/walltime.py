"""How long a batch job may still run, on SLURM, PBS and LSF; an odd scheduler is no reason to crash."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Mapping

from defectflow.errors import EngineError
from defectflow.formats.clock import clock_seconds

END_TIME = "DEFECTFLOW_END_TIME"


def _ask(command: list[str]) -> str:
    if shutil.which(command[0]) is None:
        return ""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def seconds_left(env: Mapping[str, str], now: float, ask: Callable[[list[str]], str] = _ask) -> float | None:
    """Seconds until the scheduler kills this job, None if there is no limit or none that can be told.

    Parameters
    ----------
    now : float
        Seconds since 1970.
    ask : callable
        Runs a scheduler's command and returns what it printed, empty if it failed.

    Raises
    ------
    EngineError
        If DEFECTFLOW_END_TIME is set to something else than a time.
    """
    own = env.get(END_TIME, "")
    if own and _number(own) is None:
        todo = 'unset it, or write seconds since 1970: export DEFECTFLOW_END_TIME="$(date -d "+1 hour" +%s)"'
        raise EngineError(f'"{own}" is no time', where=END_TIME, todo=todo)
    for text in (own, env.get("SLURM_JOB_END_TIME", "")):
        if (end := _number(text)) is not None:
            return end - now
    if job := env.get("SLURM_JOB_ID"):
        return clock_seconds(ask(["squeue", "-h", "-j", job, "-o", "%L"]))
    if job := env.get("PBS_JOBID"):
        return _pbs(ask(["qstat", "-f", job]), _number(env.get("PBS_WALLTIME", "")))
    if job := env.get("LSB_JOBID"):
        text = ask(["bjobs", "-noheader", "-o", "time_left", job])
        return clock_seconds(f"{text.split()[0]}:00") if text[:1].isdigit() else None
    return None


def _pbs(text: str, limit: float | None) -> float | None:
    used = re.search(r"resources_used\.walltime = (\S+)", text)
    allowed = re.search(r"Resource_List\.walltime = (\S+)", text)
    total = clock_seconds(allowed.group(1)) if allowed else limit
    spent = clock_seconds(used.group(1)) if used else None
    return None if total is None or spent is None else total - spent


def seconds_set(name: str, default: float, env: Mapping[str, str]) -> float:
    """Seconds that a user set by an environment variable.

    Raises
    ------
    EngineError
        If it is no number of seconds.
    """
    text = env.get(name, "")
    if text and not _number(text):
        raise EngineError(
            f'"{text}" is no number of seconds', where=name, todo=f"unset it, or export {name}={default:g}"
        )
    return _number(text) or default


def _number(text: str) -> float | None:
    return float(text) if re.fullmatch(r"\d+(\.\d+)?", text) else None
