"""Results as ASE atoms: energy, forces and moments on a calculator that holds them."""

from __future__ import annotations

import errno
import io
import os
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any

from defectflow.export.certified import Certified, facts, parameters
from defectflow.schema import CalcResult
from defectflow.schema.jsonio import write_atomic

if TYPE_CHECKING:
    from ase import Atoms


def atoms_of(result: CalcResult) -> Atoms:
    """Final geometry with E0 (eV), free energy (eV), forces (eV/A), site moments and total moment (muB)."""
    from ase.calculators.singlepoint import SinglePointCalculator

    atoms = result.cell.with_moments(result.site_moments).to_ase()
    atoms.calc = SinglePointCalculator(
        atoms,
        energy=result.e0,
        free_energy=result.free_energy,
        forces=result.forces,
        magmoms=result.site_moments,
        magmom=result.total_moment,
    )
    return atoms


def certified_atoms(it: Certified) -> Atoms:
    """The same; ``info`` says what it is and whether its energy may be used."""
    atoms = atoms_of(it.result)
    atoms.info = {
        "path": it.path,
        "code": f"{it.result.code} {it.result.version}",
        "spin_asked": it.asked or "none",
        "spin_found": it.found or "none",
        "cell_charge": it.charge,
        "certificate_passed": it.certificate.passed,
        "certificate_reasons": "; ".join(it.certificate.reasons) or "none",
    }
    return atoms


def write_extxyz(energies: tuple[Certified, ...], path: Path) -> None:
    """Extended XYZ, one frame each; ASE writes positions, forces and site moments with eight decimals."""
    from ase.io import write

    text = io.StringIO()
    write(text, [certified_atoms(it) for it in energies], format="extxyz")
    write_atomic(path, text.getvalue().encode())


def write_ase_database(energies: tuple[Certified, ...], path: Path) -> None:
    """ASE database (SQLite), one row each, all digits kept; ``data`` of a row has settings and certificate."""
    write_rows([(certified_atoms(it), {"parameters": parameters(it), "facts": facts(it)}) for it in energies], path)


def write_rows(rows: list[tuple[Atoms, dict[str, Any]]], path: Path) -> None:
    """Atoms and their data to a database that appears whole; ``info`` becomes its keys; an earlier one is replaced.

    Raises
    ------
    OSError
        If it cannot be written, with the name of the file; nothing of it is left.
    """
    from ase.db import connect

    temporary = path.with_name(f".{path.stem}.{os.getpid()}.db")
    temporary.unlink(missing_ok=True)
    try:
        with connect(str(temporary)) as database:
            for atoms, data in rows:
                database.write(atoms, key_value_pairs=atoms.info, data=data)
        temporary.replace(path)
    except sqlite3.Error as error:
        temporary.unlink(missing_ok=True)
        raise OSError(errno.EIO, f"SQLite cannot write it ({error})", str(path)) from None
