"""OUTCAR of VASP 4.6 to 6.4: energies, Fermi levels, moments, forces, core potentials and what they say of convergence.

The file is mapped, not read: the last table of moments of a long relaxation costs no more than the end of the file.
"""

from __future__ import annotations

import re
from bisect import bisect
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from defectflow.errors import ParseError
from defectflow.formats.numbers import finite, fortran
from defectflow.formats.outcar_header import read_outcar_header, required
from defectflow.formats.site_moments import last_moments, mapped
from defectflow.formats.stream import naming

if TYPE_CHECKING:
    from mmap import mmap
    from pathlib import Path

    Text = mmap | bytes

_FLOAT = rb"([-+]?\d*\.?\d+(?:[Ee][-+]?\d+)?)"
_CHANGE = re.compile(rb"energy-change \(2\. order\) *:([^(\n]*)\(([^)\n]*)\)")
_TOTEN = re.compile(rb"free  energy   TOTEN *= *" + _FLOAT + rb"\s")
_ZERO = re.compile(rb"energy\(sigma->0\) *= *" + _FLOAT + rb"\s")
_CORE = re.compile(rb"(\d+) *(-?\d+\.\d{4})")
_STEP = re.compile(rb"-- Iteration *([\d*]{1,9})\(")


@dataclass(frozen=True)
class Outcar:
    """What an OUTCAR says of the end of its run. Energies in eV per cell, moments in muB, forces in eV/A.

    Attributes
    ----------
    version : str
        "6.3.2".
    species : tuple of str
        Chemical symbols, atom by atom.
    titles : tuple of str
        TITEL of every POTCAR entry.
    k_points : tuple of (float, float, float, float)
        Fractional coordinates and weight (three decimals) of the irreducible k-points; none where VASP wrote none.
    tags : dict
        Settings as VASP used them, as texts, with NIONS, NKPTS, NBANDS, and RANKS, the processes it ran on.
    e0, free_energy : float
        "energy(sigma->0)" and TOTEN of the last ionic step.
    ionic_energies : tuple of float
        TOTEN of every ionic step.
    scf_changes : tuple of (float, float)
        Change of energy and of the band structure energy in every SCF step of the last ionic step.
    scf_steps : tuple of int
        SCF steps of each ionic step.
    fermi : tuple of float
        One level, or those of spin up and down where NUPDOWN was set and VASP wrote both (6.2 and later).
    total_moment : tuple of float
        Empty without spin; one number; or x, y, z in a non-collinear run. Of the last SCF density.
    moment_drift : float
        Largest change of the total moment over the last three SCF steps.
    site_moments : tuple of tuple of float
        Per atom one number, or x, y, z; empty where VASP printed none (LORBIT < 10).
    lattice : tuple of three (float, float, float)
        Of the last ionic step (A).
    positions, forces : tuple of (float, float, float)
        Of the last ionic step (A, Cartesian; eV/A); no forces where VASP wrote none.
    core_potentials : tuple of float
        "average (electrostatic) potential at core" per atom (V); empty in old versions.
    cpu_seconds : float
        "Total CPU time used" of one process.
    """

    version: str
    species: tuple[str, ...]
    titles: tuple[str, ...]
    tags: dict[str, str]
    k_points: tuple[tuple[float, ...], ...]
    e0: float
    free_energy: float
    ionic_energies: tuple[float, ...]
    scf_changes: tuple[tuple[float, float], ...]
    scf_steps: tuple[int, ...]
    fermi: tuple[float, ...]
    total_moment: tuple[float, ...]
    moment_drift: float
    site_moments: tuple[tuple[float, ...], ...]
    lattice: tuple[tuple[float, ...], ...]
    positions: tuple[tuple[float, ...], ...]
    forces: tuple[tuple[float, ...], ...]
    core_potentials: tuple[float, ...]
    cpu_seconds: float


def read_outcar(path: Path) -> Outcar:
    """Read a finished OUTCAR, plain or packed.

    Raises
    ------
    ParseError
        If the run did not end by itself (no timing at the end), or a table is damaged or cut off.
    """
    with naming(path):
        return _outcar(mapped(path))


def _outcar(text: Text) -> Outcar:
    start, end = _first_and_last_step(text)
    header = read_outcar_header(bytes(text[:start]))
    atoms = len(header.species)
    moments = _total_moments(text)
    positions, forces = _forces(text, atoms)
    energies = [finite(word) for word in _TOTEN.findall(text)]
    scf_steps, changes = _scf(text, len(energies))
    return Outcar(
        version=header.version,
        species=header.species,
        titles=header.titles,
        tags=header.tags,
        k_points=header.k_points,
        e0=finite(required(_ZERO.search(text, end), "energy(sigma->0)")),
        free_energy=finite(required(_TOTEN.search(text, end), "TOTEN")),
        ionic_energies=tuple(energies),
        scf_changes=changes,
        scf_steps=scf_steps,
        fermi=_fermi(text, header.tags),
        total_moment=moments[-1] if moments else (),
        moment_drift=_drift(moments[-3:]),
        site_moments=_site_moments(text, atoms) if moments else (),
        lattice=_lattice(text),
        positions=positions,
        forces=forces,
        core_potentials=_core_potentials(text, atoms),
        cpu_seconds=_cpu(text),
    )


def _first_and_last_step(text: Text) -> tuple[int, int]:
    """Where the first SCF step begins, and the energies of the last ionic step, of a run that ended by itself."""
    start = text.find(b"-- Iteration")
    if start < 0:
        raise ParseError("ended before its first SCF step", todo=_last_words(text))
    if text.rfind(b"General timing and accounting") < text.rfind(b"-- Iteration"):
        raise ParseError("is cut off: it has no timing at its end", todo="the run was killed or is still going on")
    end = text.rfind(b"free  energy   TOTEN")
    if end < 0:
        raise ParseError("no ionic step was finished")
    if text.find(b"Dimension of arrays", start) >= 0:
        raise ParseError("holds a second run", todo="two runs wrote into one file; keep the OUTCAR of each")
    if text.find(b"(ML)", end) >= 0:
        raise ParseError("holds steps of a machine-learned force field", todo="they are no DFT energies; not read")
    return start, end


def _site_moments(text: Text, atoms: int) -> tuple[tuple[float, ...], ...]:
    sites = last_moments(text)
    if sites and len(sites) != atoms:
        raise ParseError(f"{len(sites)} site moments for {atoms} atoms")
    return sites


def _scf(text: Text, ionic_steps: int) -> tuple[tuple[int, ...], tuple[tuple[float, float], ...]]:
    """SCF steps of each ionic step, and the changes of energy in the last one.

    What follows the last TOTEN belongs to no ionic step (linear response), whatever VASP numbers it.
    """
    ends = [m.start() for m in re.finditer(rb"free  energy   TOTEN", text)]
    if len(ends) != ionic_steps:
        raise ParseError("an ionic step has no number for TOTEN; the file is damaged")
    found = [(m.start(), m.group(1)) for m in _STEP.finditer(text) if m.start() < ends[-1]]
    numbers = [int(n) for _, n in found if n.isdigit()]
    if numbers != sorted(numbers):
        raise ParseError("its ionic steps are out of order: two runs wrote into one file")
    bounds = [0, *ends]
    before = [bisect(found, (end,)) for end in bounds]
    counts = tuple(b - a for a, b in pairwise(before))
    block = bytes(text[bounds[-2] : ends[-1]])
    words = _CHANGE.findall(block)
    if not words or len(words) != block.count(b"energy-change (2. order)"):
        raise ParseError("the changes of energy of the last SCF steps are missing or damaged")
    return counts, tuple((fortran(a.strip()), fortran(b.strip())) for a, b in words)


def _last_words(text: Text) -> str:
    lines = [
        line.strip() for line in bytes(text[-2000:]).decode("latin-1").splitlines() if any(c.isalpha() for c in line)
    ]
    return f"its last words: {lines[-1][:120]}" if lines else "it holds no text"


def _fermi(text: Text, tags: dict[str, str]) -> tuple[float, ...]:
    at = text.rfind(b"E-fermi :")
    if at < 0:
        return ()
    one = finite(required(re.compile(rb"E-fermi : *" + _FLOAT).match(text, at), "E-fermi"))
    both = [finite(w) for w in re.findall(rb"Fermi energy: *" + _FLOAT, text[text.rfind(b"E-fermi", 0, at) :])][-2:]
    fixed = float(tags["NUPDOWN"]) >= 0 and tags["ISPIN"] == "2"
    return (both[0], both[1]) if fixed and len(both) == 2 and both[0] != both[1] else (one,)


def _total_moments(text: Text) -> list[tuple[float, ...]]:
    found = re.findall(rb"number of electron +\S+ magnetization +([^\n]+)", text)
    moments = [tuple(finite(word) for word in line.split()) for line in found]
    if len({len(m) for m in moments}) > 1:
        raise ParseError("the total moment has now one component, now three; the file is damaged")
    return moments


def _drift(moments: list[tuple[float, ...]]) -> float:
    return max((max(axis) - min(axis) for axis in zip(*moments, strict=True)), default=0.0)


def _forces(text: Text, atoms: int) -> tuple[tuple[tuple[float, ...], ...], tuple[tuple[float, ...], ...]]:
    at = text.rfind(b"TOTAL-FORCE (eV/Angst)")
    if at < 0:
        return _start_positions(text, atoms), ()
    start = text.find(b"\n", text.find(b"\n", at) + 1) + 1
    lines = bytes(text[start : start + 200 * atoms]).split(b"\n")[:atoms]
    rows = [tuple(finite(word) for word in line.split()) for line in lines]
    if len(rows) != atoms or any(len(row) != 6 for row in rows):
        raise ParseError("the table of forces is cut off, or columns have run into each other")
    return tuple(row[:3] for row in rows), tuple(row[3:] for row in rows)


def _start_positions(text: Text, atoms: int) -> tuple[tuple[float, ...], ...]:
    at = text.rfind(b"position of ions in cartesian coordinates")
    start = text.find(b"\n", at) + 1
    lines = bytes(text[start : start + 100 * atoms]).split(b"\n")[:atoms]
    rows = [tuple(finite(word) for word in line.split()) for line in lines]
    if at < 0 or len(rows) != atoms or any(len(row) != 3 for row in rows):
        raise ParseError("has neither a table of forces nor positions")
    return tuple(rows)


def _lattice(text: Text) -> tuple[tuple[float, ...], ...]:
    at = text.rfind(b"direct lattice vectors")
    start = text.find(b"\n", at) + 1
    lines = bytes(text[start : start + 600]).split(b"\n")[:3]
    # Three columns of 13 characters, and the reciprocal ones behind them; long vectors leave no blank between.
    rows = [tuple(finite(line[3 + 13 * i : 16 + 13 * i]) for i in range(3)) for line in lines]
    if at < 0 or len(rows) != 3:
        raise ParseError("has no lattice vectors")
    return tuple(rows)


def _core_potentials(text: Text, atoms: int) -> tuple[float, ...]:
    at = text.rfind(b"potential at core")
    if at < 0:
        return ()
    start = text.find(b")\n", at) + 2
    found = _CORE.findall(text[start : start + 40 * atoms + 200])[:atoms]
    if [int(i) for i, _ in found] != list(range(1, atoms + 1)):
        raise ParseError("the table of core potentials is damaged")
    return tuple(finite(v) for _, v in found)


def _cpu(text: Text) -> float:
    found = re.compile(rb"Total CPU time used \(sec\): *" + _FLOAT).search(text, max(0, len(text) - 4000))
    return 0.0 if found is None else finite(found.group(1))
