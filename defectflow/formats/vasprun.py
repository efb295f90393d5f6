"""vasprun.xml of VASP 4.6 to 6.4, read in one pass that keeps a window of the file and the arrays asked for.

It is no XML parser: it knows the layout that VASP writes, refuses document types and entities, and refuses a
file that does not end with ``</modeling>``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from defectflow.errors import ParseError
from defectflow.formats.arrays import SetArray, read_array
from defectflow.formats.numbers import finite, fortran
from defectflow.formats.stream import Scanner, open_stream
from defectflow.formats.vasprun_header import Header, geometry, read_header, varray

if TYPE_CHECKING:
    from pathlib import Path

    from defectflow.formats.rows import Floats

_OPT = (b"<eigenvalues_kpoints_opt>", b"<projected_kpoints_opt>")  # a band structure beside the run's own mesh
_BLOCK = re.compile(rb"<(?:eigenvalues|dos|projected|/?calculation|/modeling)>|" + b"|".join(_OPT))
_ENERGY = re.compile(rb'<i name="(e_fr_energy|e_0_energy|e_wo_entrp)">\s*([^<\s]+)\s*</i>')
_FERMI = re.compile(rb'<i name="efermi">\s*([^<\s]+)\s*</i>')


@dataclass(frozen=True, eq=False)
class IonicStep:
    """One ``<calculation>``.

    Attributes
    ----------
    scf : (steps, 2) float
        Free energy F and E0 of every SCF step (eV per cell).
    free_energy, e0 : float
        Of the last SCF step (eV per cell). VASP 4 and 5 write a wrong e_0_energy at the end of a step:
        E0 = F(end) + (E0 - F)(last SCF step), which is the OUTCAR's "energy(sigma->0)".
    lattice, coords, forces : (3, 3), (n, 3), (n, 3) float
        A, fractional, eV/A; forces have no rows where VASP wrote none.
    """

    scf: Floats
    free_energy: float
    e0: float
    lattice: Floats
    coords: Floats
    forces: Floats


@dataclass(frozen=True, eq=False)
class Dos:
    """Density of states as VASP wrote it.

    Attributes
    ----------
    energies : (n,) float
        eV, on the scale of the eigenvalues. NaN wherever VASP wrote stars for a number too large for its field.
    total, integrated : (spin, n) float
        States per eV and cell; states per cell.
    orbitals : tuple of str
        "s", "py", ... or "s", "p", "d": empty without LORBIT.
    partial : (ion, spin, n, orbital) float
        States per eV inside the projection spheres; no ions without LORBIT. A non-collinear run has four
        "spins": total, x, y, z.
    """

    energies: Floats
    total: Floats
    integrated: Floats
    orbitals: tuple[str, ...]
    partial: Floats


@dataclass(frozen=True, eq=False)
class Vasprun:
    """Content of a vasprun.xml.

    Attributes
    ----------
    header : Header
        Version, INCAR, parameters, k-points, atoms and first geometry.
    steps : tuple of IonicStep
    fermi : float or None
        As written (with NUPDOWN only that of spin 2); None without a DOS, as in VASP 4.6.
    eigenvalues, occupations : (spin, k, band) float
        eV; 0 to 1 per spin. No bands where VASP wrote none.
    dos : Dos or None
    orbitals : tuple of str
    projections : (spin, k, band, ion, orbital) float
        No ions unless asked for and written.
    """

    header: Header
    steps: tuple[IonicStep, ...]
    fermi: float | None
    eigenvalues: Floats
    occupations: Floats
    dos: Dos | None
    orbitals: tuple[str, ...]
    projections: Floats

    @property
    def total_moment(self) -> float | None:
        """Sum of k-weighted occupations, up minus down (muB); None unless two spin channels were written."""
        if self.occupations.shape[0] != 2:
            return None
        return float(np.einsum("skb,k->s", self.occupations, self.header.k_weights) @ [1.0, -1.0])


def read_vasprun(path: Path, projections: bool = False) -> Vasprun:
    """Read a vasprun.xml, plain or packed.

    Parameters
    ----------
    projections : bool
        Whether to keep the weights of the states on the orbitals, which may be most of the file.

    Raises
    ------
    ParseError
        If the file is cut off, damaged, holds no calculation or declares entities.
    """
    with open_stream(path) as stream:
        return _Reader(Scanner(stream, str(path)), projections).read()


class _Reader:
    def __init__(self, scan: Scanner, projections: bool) -> None:
        self.scan, self.wanted = scan, projections
        self.steps: list[IonicStep] = []
        self.fermi: float | None = None
        self.dos: Dos | None = None
        self.bands = np.zeros((0, 0, 0, 2))
        self.weights = SetArray((), np.zeros((0, 0, 0, 0, 0)))

    def read(self) -> Vasprun:
        before, step = self.scan.match(_BLOCK)
        if step != b"<calculation>":
            raise ParseError("holds no calculation", todo="the run ended before its first SCF step")
        header = read_header(before)
        pressure = finite(header.parameters.get("PSTRESS", "0").encode())
        small: list[bytes] = []
        while step != b"</modeling>":
            before, step = self.scan.match(_BLOCK)
            small.append(before)
            if step == b"</calculation>":
                self.steps.append(ionic_step(b"".join(small), len(header.species), pressure))
            if step in (b"</calculation>", b"<calculation>"):
                small = []
            self._block(step)
        self.scan.end()
        if not self.steps:
            raise ParseError("holds no finished ionic step")
        values, occupations = self.bands[..., 0], self.bands[..., 1]
        result = Vasprun(
            header,
            tuple(self.steps),
            self.fermi,
            values,
            occupations,
            self.dos,
            self.weights.fields,
            self.weights.values,
        )
        _check(result)
        return result

    def _block(self, step: bytes) -> None:
        if step == b"<eigenvalues>":
            self.scan.until(b"<array>")
            self.bands = read_array(self.scan).values
        elif step == b"<dos>":
            self.fermi, self.dos = _read_dos(self.scan)
        elif step == b"<projected>" and self.wanted:
            self.scan.skip(b"</eigenvalues>")
            self.scan.until(b"<array>")
            self.weights = read_array(self.scan)
        elif step == b"<projected>":
            self.scan.skip(b"</projected>")
        elif step in _OPT:
            self.scan.skip(step.replace(b"<", b"</"))


def ionic_step(text: bytes, atoms: int, pressure: float) -> IonicStep:
    """Energies, geometry and forces of the text of one calculation, its bands and DOS left out.

    With PSTRESS (`pressure`, kbar) VASP ends a step with the enthalpy; the energy is that of the last SCF step.
    """
    if text.count(b"<scstep>") != text.count(b"</scstep>"):
        raise ParseError("an SCF step has no end; the file is damaged")
    *scf, end = text.split(b"</scstep>")
    energies = [dict(_ENERGY.findall(part)) for part in scf]
    final = dict(_ENERGY.findall(end))
    if not scf or b"e_fr_energy" not in final:
        raise ParseError(
            "an ionic step has no energy", todo="linear response (LEPSILON, IBRION 7, 8) and GW are not read"
        )
    if any(len(e) != 3 for e in energies):
        raise ParseError("an SCF step lacks one of its three energies; the file is damaged")
    # An overflow (stars) in an early step is infinite; the last energy must be a number.
    steps = np.array([(fortran(e[b"e_fr_energy"]), fortran(e[b"e_0_energy"])) for e in energies])
    lattice, coords = geometry(end, atoms)
    free = float(steps[-1, 0]) if pressure else finite(final[b"e_fr_energy"])
    if not np.isfinite(steps[-1]).all():
        raise ParseError("the last SCF step has no energy, only stars")
    forces = varray(end, b"forces", 3)
    if len(forces) not in (0, atoms):
        raise ParseError(f"{len(forces)} forces for {atoms} atoms")
    return IonicStep(steps, free, free + float(steps[-1, 1] - steps[-1, 0]), lattice, coords, forces)


def _read_dos(scan: Scanner) -> tuple[float | None, Dos]:
    found = _FERMI.search(scan.until(b"<array>"))
    total = read_array(scan, stars=True).values
    if total.ndim != 3 or total.shape[2] < 3:
        raise ParseError("the DOS has no columns energy, total, integrated")
    partial = SetArray((), np.zeros((0, 0, 0, 0)))
    if b"<partial>" in scan.match(_AFTER_TOTAL)[1]:
        scan.until(b"<array>")
        partial = read_array(scan, skip=1, stars=True)
        scan.skip(b"</dos>")
    dos = Dos(total[0, :, 0], total[:, :, 1], total[:, :, 2], partial.fields, partial.values)
    return None if found is None else finite(found.group(1)), dos


_AFTER_TOTAL = re.compile(rb"<partial>|</dos>")


def _check(run: Vasprun) -> None:
    n, k = len(run.header.species), len(run.header.k_weights)
    if run.eigenvalues.ndim != 3 or (run.eigenvalues.size and run.eigenvalues.shape[1] != k):
        raise ParseError(f"eigenvalues of shape {run.eigenvalues.shape} for {k} k-points")
    if run.dos is not None and run.dos.partial.size:
        shape = run.dos.partial.shape
        if len(shape) != 4 or shape[0] != n or shape[2] != len(run.dos.energies):
            raise ParseError(f"projected DOS of shape {shape} for {n} atoms and {len(run.dos.energies)} energies")
    if run.projections.size and run.projections.shape[-2] != n:
        raise ParseError(f"projections of shape {run.projections.shape} for {n} atoms")
