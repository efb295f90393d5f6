"""Whether a VASP run converged, judged from its numbers and not from the sentences it prints."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from defectflow.errors import ParseError
from defectflow.formats.numbers import finite
from defectflow.schema.cell import Floats
from defectflow.schema.result import Convergence

# A vasprun.xml prints energies to 1e-8 eV, so a difference of two is off by up to that.
PRINTED = 1.0001e-8
# Forces that vanish by symmetry; with EDIFFG > 0 and one ionic step nothing else can be judged (eV/A).
NO_FORCE = 1e-3


@dataclass(frozen=True, eq=False)
class Steps:
    """Numbers of a run that its convergence is judged by.

    Attributes
    ----------
    scf_steps : tuple of int
        SCF steps of each ionic step.
    changes : tuple of float
        Last change of the energy (eV), and of the band structure energy where known (OUTCAR).
    slack : float
        By how much a change may miss the tolerance because it was printed with few digits (eV).
    ionic_energies : tuple of float
        F of each ionic step (eV).
    forces : (n, 3) float
        Of the last ionic step (eV/A); no rows if none were written.
    free : (n, 3) bool
        Lattice vectors along which each atom may move.
    lattice : (3, 3) float
        Rows are those vectors (A).
    moment_drift : float
        muB over the last three SCF steps; zero where nothing says it.
    """

    scf_steps: tuple[int, ...]
    changes: tuple[float, ...]
    slack: float
    ionic_energies: tuple[float, ...]
    forces: Floats
    free: np.ndarray
    lattice: Floats
    moment_drift: float


def judge(steps: Steps, tags: dict[str, str]) -> Convergence:
    """Convergence by the tolerances in the tags EDIFF, EDIFFG, NSW and IBRION."""
    ediff = number(tags, "EDIFF", 1e-4)
    largest = max(map(abs, steps.changes))
    force = max_force(steps)
    return Convergence(
        electronic=largest <= ediff + steps.slack,
        ionic=_ionic(steps, tags, force),
        scf_steps=sum(steps.scf_steps),
        ionic_steps=len(steps.scf_steps),
        last_energy_change=largest,
        energy_tolerance=ediff + steps.slack,
        moment_drift=steps.moment_drift,
        max_force=force,
    )


def _ionic(steps: Steps, tags: dict[str, str], force: float) -> bool | None:
    if number(tags, "NSW", 0) < 1 or number(tags, "IBRION", -1) not in (1, 2, 3):
        return None
    ediffg = number(tags, "EDIFFG", 10 * number(tags, "EDIFF", 1e-4))
    if not len(steps.forces):
        return False
    if ediffg < 0:
        return force <= -ediffg
    if len(steps.ionic_energies) < 2:
        return force <= NO_FORCE
    return abs(steps.ionic_energies[-1] - steps.ionic_energies[-2]) <= ediffg


def max_force(steps: Steps) -> float:
    """Largest force on an atom (eV/A), components along lattice vectors on which it may not move left out."""
    if not len(steps.forces):
        return 0.0
    along = np.where(steps.free, steps.forces @ np.linalg.pinv(steps.lattice), 0.0)
    return float(np.linalg.norm(along @ steps.lattice, axis=1).max())


def number(tags: dict[str, str], name: str, default: float) -> float:
    """Value of a tag.

    Raises
    ------
    ParseError
        If it stands there and is no finite number.
    """
    try:
        return finite(tags[name].encode("latin-1")) if name in tags else default
    except ParseError:
        raise ParseError(f"{name} = {tags[name][:40]} is no finite number") from None
