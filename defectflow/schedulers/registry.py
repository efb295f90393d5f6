"""Schedulers by name."""

from __future__ import annotations

from defectflow.errors import InputError
from defectflow.schedulers.base import Scheduler
from defectflow.schedulers.lsf import Lsf
from defectflow.schedulers.pbspro import PbsPro
from defectflow.schedulers.slurm import Slurm

_KNOWN: dict[str, type[Scheduler]] = {"slurm": Slurm, "pbspro": PbsPro, "lsf": Lsf}


def get_scheduler(name: str) -> Scheduler:
    """Build a scheduler.

    Raises
    ------
    InputError
        If there is none of that name ("none" is none).
    """
    if name not in _KNOWN:
        raise InputError(f'there is no scheduler "{name}"', where="scheduler", todo=f"known: {', '.join(_KNOWN)}")
    return _KNOWN[name]()
