"""The host of a recipe as a cell, without the weight of pymatgen where none is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from defectflow.materials import material
from defectflow.schema.cell import Cell

if TYPE_CHECKING:
    from defectflow.schema.host import Host

_FCC = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
_CUBIC = {  # atoms of one lattice point, a/4
    "rocksalt": ((0, 0, 0), (2, 0, 0)),
    "zincblende": ((0, 0, 0), (1, 1, 1)),
    "fluorite": ((0, 0, 0), (1, 1, 1), (3, 3, 3)),
    "fcc": ((0, 0, 0),),
}


def host_cell(host: Host) -> Cell:
    """The cell of `host_structure`; that of a material is written down at once, which loads nothing else."""
    if host.material is not None:
        known = material(host.material)
        if known.prototype in _CUBIC:
            return _face_centred(known.prototype, known.species, host.lattice_constant or known.lattice_constant)
    from defectflow.structures.host import host_structure

    return Cell.from_pymatgen(host_structure(host))


def _face_centred(prototype: str, species: tuple[str, ...], a: float) -> Cell:
    basis = np.array(_CUBIC[prototype]) / 4
    coords = (_FCC[:, None] + basis).reshape(-1, 3) % 1.0
    return Cell(a * np.eye(3), species * len(_FCC), coords, np.zeros(len(coords)))


def anion(cell: Cell) -> str:
    """The most electronegative element."""
    species = sorted(set(cell.species))
    if "O" in species and "F" not in species:  # needs no table
        return "O"
    from pymatgen.core import Element

    return max(species, key=lambda s: float(Element(s).X))
