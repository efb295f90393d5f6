"""Inputs of a run, and what VASP says before it stops because of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from defectflow.engines.vasp.corrections import incar_dict, kpoints_line
from defectflow.engines.vasp.potcar import Potential, listed
from defectflow.errors import DefectFlowError
from defectflow.formats.poscar import Poscar, read_poscar
from defectflow.formats.stream import read_bytes


class RefusedError(Exception):
    """VASP would print this and stop."""


@dataclass(frozen=True, eq=False)
class RunInputs:
    """What lies in a folder.

    Attributes
    ----------
    tags : dict
        INCAR as texts.
    mesh : (int, int, int)
    gamma : bool
        Whether the mesh holds Gamma.
    structure : Poscar
    potentials : tuple of Potential
        One for each block of atoms.
    moments : (n,) float
        MAGMOM, zeros without spin.
    """

    tags: dict[str, str]
    mesh: tuple[int, int, int]
    gamma: bool
    structure: Poscar
    potentials: tuple[Potential, ...]
    moments: np.ndarray

    @property
    def n_electrons(self) -> float:
        """Sum of ZVAL."""
        return sum(p.zval * n for p, n in zip(self.potentials, self.structure.counts, strict=True))

    def number(self, name: str, default: float) -> float:
        """Value of a tag.

        Raises
        ------
        RefusedError
            If it is no number.
        """
        try:
            return float(self.tags.get(name, default))
        except ValueError:
            raise RefusedError(f" Error reading item '{name}' from file INCAR.") from None

    def flag(self, name: str) -> bool:
        """Whether a logical tag is true."""
        return self.tags.get(name, "F").strip(".").upper().startswith("T")


def read_inputs(folder: Path) -> RunInputs:
    """Read INCAR, KPOINTS, POSCAR and POTCAR or POTCAR.spec.

    Raises
    ------
    RefusedError
        With the message that VASP stops with.
    """
    try:
        tags = incar_dict(read_bytes(folder / "INCAR").decode("latin-1"))
        mesh, centring = kpoints_line(read_bytes(folder / "KPOINTS").decode("latin-1")).split()
        structure = read_poscar(folder / "POSCAR")
        potentials = tuple(listed(name.split("_")[0], name) for name in _flavours(folder))
    except DefectFlowError as error:
        raise RefusedError(f" ERROR: {error.what}") from None
    x, y, z = (int(n) for n in mesh.split("x"))
    moments = _moments(tags, len(structure.coords))
    inputs = RunInputs(tags, (x, y, z), centring == "gamma", structure, potentials, moments)
    _check(inputs, folder)
    return inputs


def _flavours(folder: Path) -> list[str]:
    if (folder / "POTCAR").is_file():
        lines = read_bytes(folder / "POTCAR").decode("latin-1").splitlines()
        return [line.split()[3] for line in lines if line.split()[:1] == ["TITEL"]]
    return read_bytes(folder / "POTCAR.spec").decode("latin-1").split()


def _moments(tags: dict[str, str], atoms: int) -> np.ndarray:
    if tags.get("ISPIN", "1") != "2":
        return np.zeros(atoms)
    try:
        moments = np.array([float(word) for word in tags.get("MAGMOM", "1 " * atoms).split()])
    except ValueError:
        moments = np.zeros(0)
    if len(moments) != atoms:
        raise RefusedError(f" Error reading item 'MAGMOM' from file INCAR. ({len(moments)} of {atoms})")
    return moments


def _check(inputs: RunInputs, folder: Path) -> None:
    species = list(dict.fromkeys(inputs.structure.species))
    if len(inputs.potentials) != len(inputs.structure.counts) or species != [
        p.flavour.split("_")[0] for p in inputs.potentials
    ]:
        raise RefusedError(" ERROR: number of potentials on File POTCAR incompatible with number of species")
    bands = inputs.number("NBANDS", inputs.n_electrons)
    if 2 * bands < inputs.n_electrons + abs(inputs.moments.sum()):
        raise RefusedError(" ERROR: TOO FEW BANDS: your highest band is occupied at some k-points! Unless you are")
    if inputs.number("ICHARG", 2) >= 10 and not _has(folder / "CHGCAR"):
        raise RefusedError(" ERROR: charge density could not be read from file CHGCAR for ICHARG>10")
    if inputs.number("ENCUT", 500) <= 0 or inputs.number("SIGMA", 0.2) <= 0:
        raise RefusedError(" ERROR: ENCUT and SIGMA must be positive")


def _has(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 0
