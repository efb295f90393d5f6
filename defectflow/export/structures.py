"""Cells as structure files, dopant indices and signed moments kept."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from defectflow.errors import InputError
from defectflow.inputs import pair_folder
from defectflow.schema import Cell, PairCell, Recipe
from defectflow.schema.jsonio import write_atomic
from defectflow.schema.layers import JunctionCell
from defectflow.schema.spin import Start
from defectflow.structures.build import build_pair_cells
from defectflow.structures.spins import start_coords


def write_structures(recipe: Recipe, folder: Path, file_format: str) -> list[Path]:
    """Write every cell of a recipe in "extxyz", "vasp" or "mcif" and return the paths.

    Raises
    ------
    InputError
        If a file of that name exists already; nothing is written then.
    """
    texts: dict[Path, str] = {}
    for pair, start in build_pair_cells(recipe):
        place = folder / pair_folder(pair, recipe.pairs.sublattice)
        texts |= {place / name: text for name, text in _texts(_started(pair, start), file_format).items()}
    return _write(texts)


def write_junction_cells(junctions: list[JunctionCell], folder: Path) -> list[Path]:
    """Write junctions as POSCAR with its MAGMOM line and as extended XYZ; see `write_structures`."""
    texts: dict[Path, str] = {}
    for junction in junctions:
        place, info = folder / junction.state, {"state": junction.state}
        vasp = {"POSCAR": _poscar(junction.cell), "MAGMOM": _magmom(junction.cell)}
        files = {**vasp, "structure.extxyz": _extxyz(junction.cell, info)}
        texts |= {place / name: text for name, text in files.items()}
    return _write(texts)


def _write(texts: dict[Path, str]) -> list[Path]:
    if there := [path for path in texts if path.exists()]:
        raise InputError("exists already; nothing was changed", where=str(there[0]), todo="choose another folder")
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, text.encode())
    return list(texts)


def _started(pair: PairCell, start: Start) -> PairCell:
    coords = start_coords(pair, start)
    return pair if coords is None else replace(pair, cell=pair.cell.with_coords(coords))


def _texts(pair: PairCell, file_format: str) -> dict[str, str]:
    if file_format == "vasp":
        return {"POSCAR": _poscar(pair.cell), "MAGMOM": _magmom(pair.cell)}
    if file_format == "mcif":
        return {"structure.mcif": str(_mcif(pair))}
    info = {"pair": pair.orbit.label, "state": pair.state, "start": pair.start, "dopants": list(pair.dopants)}
    return {"structure.extxyz": _extxyz(pair.cell, info)}


def _poscar(cell: Cell) -> str:
    return str(cell.to_pymatgen().to(fmt="poscar"))


def _magmom(cell: Cell) -> str:
    return f"MAGMOM = {' '.join(f'{m:g}' for m in cell.moments)}\n"


def _mcif(pair: PairCell) -> object:
    from pymatgen.io.cif import CifWriter

    return CifWriter(pair.cell.to_pymatgen(), write_magmoms=True)


def _extxyz(cell: Cell, info: dict[str, Any]) -> str:
    import io

    from ase.io import write

    atoms = cell.to_ase()
    atoms.info = info
    text = io.StringIO()
    write(text, atoms, format="extxyz")
    return text.getvalue()
