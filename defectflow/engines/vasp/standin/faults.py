"""Faults on request, each once in a folder unless its name ends with "!": messages that custodian knows, and worse."""

from __future__ import annotations

import os
from pathlib import Path

# What VASP prints; the run ends there. Wordings as in custodian's own test files (MIT licence).
MESSAGES = {
    "brmix": " BRMIX: very serious problems\n the old and the new charge density differ",
    "edddav": " Error EDDDAV: Call to ZHEGV failed. Returncode =   7  2   8",
    "eddrmm": " WARNING in EDDRMM: call to ZHEGV failed, returncode =   6  3      1",
    "posmap": " POSMAP internal error: symmetry equivalent atom not found,",
    "pricel": " internal error in subroutine PRICEL (probably precision problem, try to change SYMPREC in INCAR ?):",
    "real_optlay": " REAL_OPTLAY: internal error (1)      27131     27963",
    "sgrcon": " VERY BAD NEWS! internal error in subroutine SGRCON:",
    "subspace": " WARNING: Sub-Space-Matrix is not hermitian in DAV            1",
    "zbrent": " ZBRENT: fatal error in bracketing\n     please rerun with smaller EDIFF, or copy CONTCAR\n",
    "zpotrf": " LAPACK: Routine ZPOTRF failed!",
}
# hang: no more output; cut: files end in the middle; killed: by signal 9; nelm: slow SCF unless ALGO = All;
# ions: too few ionic steps; flip: the last moment comes out reversed; silent: ends without a word.
OTHERS = ("hang", "cut", "killed", "nelm", "ions", "flip", "silent")


def fault_for(folder: Path) -> str:
    """Name of the fault that this run shows, empty if none."""
    wanted, _, place = os.environ.get("DEFECTFLOW_STANDIN_FAULT", "").partition("@")
    name, always = wanted.rstrip("!"), wanted.endswith("!")
    marker = folder / f".standin-{name}"
    if not place or place not in folder.as_posix() or (marker.exists() and not always):
        return ""
    marker.touch()
    return name
