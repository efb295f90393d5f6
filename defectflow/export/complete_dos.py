"""Densities of states as pymatgen's ``CompleteDos``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from defectflow.analyse.dos import site_orbital_dos, total_dos
from defectflow.errors import AnalysisError
from defectflow.export.certified import Certified, facts, parameters
from defectflow.export.entries import structure_of
from defectflow.schema import CalcResult
from defectflow.schema.cell import Floats
from defectflow.schema.jsonio import make_folder, write_atomic

if TYPE_CHECKING:
    from pymatgen.electronic_structure.core import Orbital, Spin
    from pymatgen.electronic_structure.dos import CompleteDos

TAIL = 6.0  # broadenings beyond the outermost levels: less than 1e-8 of a state is left out
FINE = 5  # points per broadening
LIMITS = 0.005, 2.0  # eV, as in a recipe
_MEMBERS = {
    "s": ("s",),
    "p": ("py", "pz", "px"),
    "d": ("dxy", "dyz", "dz2", "dxz", "dx2_y2"),
    "f": ("f_3", "f_2", "f_1", "f0", "f1", "f2", "f3"),
}
NOTES = {
    "densities": "states per eV and cell, one Gaussian per level; both spins in one channel where there is only one",
    "energies": "eV, on the code's own scale, not shifted; efermi is on the same scale",
    "pdos": "weights on the bound partial waves of the PAW sets; they do not add up to the total, and sites that were "
    "not projected have none. Known by s, p, d, f only: an orbital's m hold equal shares, so that sums over m "
    "are right and splittings such as t2g and eg mean nothing",
}


def complete_dos(it: Certified, broadening: float, states: CalcResult | None = None) -> CompleteDos:
    """DOS over all calculated levels; see `NOTES` for its conventions.

    Parameters
    ----------
    broadening : float
        Standard deviation of the Gaussian (eV).
    states : CalcResult or None
        Result of the DOS stage, where there is one; the levels of `it` else.

    Raises
    ------
    AnalysisError
        If the broadening is not between the limits of a recipe's.
    """
    from pymatgen.electronic_structure.dos import CompleteDos, Dos

    if not LIMITS[0] <= broadening <= LIMITS[1]:
        what = f"a broadening lies between {LIMITS[0]:g} and {LIMITS[1]:g} eV, not {broadening:g}"
        raise AnalysisError(what, where="--broadening")
    result, structure = states or it.result, structure_of(it)
    energies = _grid(result, broadening)
    total = Dos(float(result.fermi.max()), energies, _channels(total_dos(result, energies, broadening), result))
    curves = site_orbital_dos(result, energies, broadening)
    parts: dict[Any, dict[Orbital, dict[Spin, Floats]]] = {site: {} for site in structure}
    for n, site in enumerate(result.projections.sites):
        parts[structure[int(site)]] = _orbitals(curves[n], result)
    return CompleteDos(structure, total, parts)


def _grid(result: CalcResult, broadening: float) -> Floats:
    low, high = result.eigenvalues.min() - TAIL * broadening, result.eigenvalues.max() + TAIL * broadening
    return np.linspace(low, high, int(np.ceil((high - low) / broadening * FINE)) + 1)


def _channels(curves: Floats, result: CalcResult) -> dict[Spin, Floats]:
    from pymatgen.electronic_structure.core import Spin

    if result.n_spins == 1:
        return {Spin.up: curves.sum(axis=0)}
    return {Spin.up: curves[0], Spin.down: curves[1]}


def _orbitals(curves: Floats, result: CalcResult) -> dict[Orbital, dict[Spin, Floats]]:
    from pymatgen.electronic_structure.core import Orbital

    found: dict[Orbital, dict[Spin, Floats]] = {}
    for name, curve in zip(result.projections.orbitals, curves, strict=True):
        members = _MEMBERS[name]
        found |= {Orbital[m]: _channels(curve / len(members), result) for m in members}
    return found


def dos_document(it: Certified, broadening: float, states: CalcResult | None = None) -> dict[str, Any]:
    """JSON that ``monty.serialization.loadfn`` reads as a ``CompleteDos``; the key ``defectflow`` says what it is."""
    result = states or it.result
    about = {
        "broadening": broadening,
        "broadening_kind": "Gaussian, standard deviation in eV",
        "conventions": NOTES,
        "efermi": "of two Fermi levels (fixed moment) the higher one",
        "fermi": result.fermi.tolist(),
        "projected_sites": result.projections.sites.tolist(),
        "levels_of_stage": result.stage,
        "kpoints": result.kpoints.model_dump(mode="json"),
    }
    document: dict[str, Any] = complete_dos(it, broadening, states).as_dict()
    return {**document, "defectflow": {**facts(it), "parameters": parameters(it), "dos": about}}


def write_dos_file(it: Certified, broadening: float, states: CalcResult | None, path: Path) -> None:
    """The document in a file."""
    from monty.json import MontyEncoder

    text = MontyEncoder().encode(dos_document(it, broadening, states))
    make_folder(path.parent)
    write_atomic(path, text.encode())
