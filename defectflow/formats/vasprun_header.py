"""What stands in a vasprun.xml before the first SCF step: settings, k-points, atoms, geometry."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from defectflow.errors import ParseError
from defectflow.formats.elements import by_element, symbol
from defectflow.formats.rows import numbers

if TYPE_CHECKING:
    from defectflow.formats.rows import Floats

_ITEM = re.compile(rb'<(i|v)\b[^>]*?\bname="([^"]+)"[^>]*>([^<]*)</\1>')
_ROW = re.compile(rb"<v\b[^>]*>([^<]*)</v>")
_CELLS = re.compile(rb"<rc>(.*?)</rc>", re.DOTALL)
_CELL = re.compile(rb"<c>([^<]*)</c>")


@dataclass(frozen=True, eq=False)
class Header:
    """Settings and atoms of a run.

    Attributes
    ----------
    version, subversion : str
        "6.3.2", "27Jun22 (build ...) complex parallel".
    incar, parameters : dict
        Tags as VASP read them, and all settings as it used them; numbers and words as texts with single blanks.
    k_generation : dict
        "param" (scheme), "divisions", "usershift" and so on, as texts; empty for a list of k-points.
    k_coords, k_weights : (k, 3), (k,) float
    species : tuple of str
        Chemical symbols, atom by atom.
    potentials : dict
        TITEL by POTCAR entry, "PAW_PBE Mn_pv 02Aug2007" under its element; a repeated element counts up: "O#2".
    lattice, coords : (3, 3), (n, 3) float
        First geometry (A, fractional).
    free : (n, 3) bool
        Coordinates that may move ("Selective dynamics").
    """

    version: str
    subversion: str
    incar: dict[str, str]
    parameters: dict[str, str]
    k_generation: dict[str, str]
    k_coords: Floats
    k_weights: Floats
    species: tuple[str, ...]
    potentials: dict[str, str]
    lattice: Floats
    coords: Floats
    free: np.ndarray

    @property
    def used(self) -> dict[str, str]:
        """All settings as VASP used them; those that it lists only among what it read (METAGGA, IVDW, ALGO) as read."""
        cutoff = {"ENCUT": self.parameters["ENMAX"]} if "ENMAX" in self.parameters else {}
        return {**self.incar, **cutoff, **self.parameters}


def read_header(text: bytes) -> Header:
    """Read the text before the first ``<calculation>``.

    Raises
    ------
    ParseError
        If a part is missing or damaged, or the text declares a document type or entities.
    """
    if b"<!DOCTYPE" in text or b"<!ENTITY" in text:
        raise ParseError("declares a document type or entities, which VASP never writes")
    k_block = _between(text, b"<kpoints>", b"</kpoints>")
    atoms = _between(text, b"<atominfo>", b"</atominfo>")
    species = tuple(symbol(cells[0]) for cells in _table(atoms, b"atoms", 2))
    weights = varray(k_block, b"weights", 1)[:, 0]
    coords = varray(k_block, b"kpointlist", 3)
    if not species or not len(weights) or len(weights) != len(coords):
        raise ParseError(f"{len(species)} atoms, {len(coords)} k-points and {len(weights)} weights")
    lattice, positions = geometry(text[text.rindex(b"</atominfo>") :], len(species))
    generator = _items(_between(text, b"<generator>", b"</generator>"))
    return Header(
        version=generator.get("version", ""),
        subversion=generator.get("subversion", ""),
        incar=_items(_between(text, b"<incar>", b"</incar>")),
        parameters=_items(_between(text, b"<parameters>", b"</parameters>")),
        k_generation=_generation(k_block),
        k_coords=coords,
        k_weights=weights,
        species=species,
        potentials=_potentials(atoms),
        lattice=lattice,
        coords=positions,
        free=_free(text, len(species)),
    )


def geometry(text: bytes, atoms: int) -> tuple[Floats, Floats]:
    """Lattice (A) and fractional coordinates of the last structure in a text."""
    start = max(text.rfind(b"<structure>"), text.rfind(b"<structure "), 0)
    lattice, coords = varray(text[start:], b"basis", 3), varray(text[start:], b"positions", 3)
    if lattice.shape != (3, 3) or len(coords) != atoms:
        raise ParseError(f"a structure of {len(coords)} positions and {len(lattice)} lattice vectors for {atoms} atoms")
    return lattice, coords


def varray(text: bytes, name: bytes, columns: int) -> Floats:
    """Rows of ``<varray name=...>``, shape (rows, columns); no rows if there is none."""
    start = text.find(b'<varray name="' + name + b'"')
    if start < 0:
        return np.zeros((0, columns))
    rows = [row.split() for row in _ROW.findall(text[start : text.find(b"</varray>", start)])]
    if any(len(row) != columns for row in rows):
        raise ParseError(f'a row of "{name.decode()}" has not {columns} numbers; columns may have run into each other')
    return numbers(rows) if rows else np.zeros((0, columns))


def _free(text: bytes, atoms: int) -> np.ndarray:
    start = text.rfind(b'<varray name="selective"')
    if start < 0:
        return np.ones((atoms, 3), bool)
    rows = [row.split() for row in _ROW.findall(text[start : text.find(b"</varray>", start)])]
    if len(rows) != atoms or any(len(row) != 3 for row in rows):
        raise ParseError(f"{len(rows)} rows of selective dynamics for {atoms} atoms")
    return np.array([[word == b"T" for word in row] for row in rows])


def _between(text: bytes, start: bytes, end: bytes) -> bytes:
    first = text.find(start)
    last = text.find(end, first)
    if first < 0 or last < 0:
        raise ParseError(f'has no "{start.decode()}"')
    return text[first + len(start) : last]


def _items(text: bytes) -> dict[str, str]:
    # The first of two equal names counts: later separators repeat some tags for other purposes.
    found: dict[str, str] = {}
    for _, name, value in _ITEM.findall(text):
        found.setdefault(name.strip().decode("latin-1"), " ".join(value.decode("latin-1").split()))
    return found


def _generation(block: bytes) -> dict[str, str]:
    param = re.search(rb'<generation param="([^"]*)"', block)
    if param is None:
        return {}
    return {"param": param.group(1).strip().decode("latin-1"), **_items(block[: block.find(b"</generation>")])}


def _table(text: bytes, name: bytes, columns: int) -> list[list[bytes]]:
    block = _between(text, b'<array name="' + name + b'"', b"</array>")
    rows = [_CELL.findall(row) for row in _CELLS.findall(block)]
    if any(len(row) != columns for row in rows):
        raise ParseError(f'the table "{name.decode()}" has not {columns} columns')
    return rows


def _potentials(atoms: bytes) -> dict[str, str]:
    rows = _table(atoms, b"atomtypes", 5)
    return by_element((c[1].strip().decode("latin-1"), " ".join(c[4].decode("latin-1").split())) for c in rows)
