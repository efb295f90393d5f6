"""PROCAR: weights of the states on the orbitals of every ion (LORBIT 10 to 12)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

import numpy as np

from defectflow.errors import ParseError
from defectflow.formats.numbers import finite
from defectflow.formats.stream import open_stream

if TYPE_CHECKING:
    from pathlib import Path

    from defectflow.formats.rows import Floats

_SIZES = re.compile(rb"# of k-points: *(\d{1,9}) +# of bands: *(\d{1,9}) +# of ions: *(\d{1,9})\b")
_KPOINT = re.compile(rb"k-point +(\d+) *:((?: *-?\d+\.\d{8}){3}) +weight = *(\S+)")
_COORD = re.compile(rb"-?\d+\.\d{8}")
_BAND = re.compile(rb"band +(\d+) *# energy +(\S+) *# occ\. +(\S+)")
_LARGEST = 1 << 28  # numbers


@dataclass(frozen=True, eq=False)
class Procar:
    """Content of a PROCAR.

    Attributes
    ----------
    orbitals : tuple of str
    k_coords, k_weights : (k, 3), (k,) float
    energies, occupations : (spin, k, band) float
        eV; occupations run to 2 without spin, as VASP writes them.
    weights : (spin, k, band, ion, orbital) float
        Phase factors, where written, are passed over.
    """

    orbitals: tuple[str, ...]
    k_coords: Floats
    k_weights: Floats
    energies: Floats
    occupations: Floats
    weights: Floats


def read_procar(path: Path) -> Procar:
    """Read a PROCAR, plain or packed.

    Raises
    ------
    ParseError
        If it is cut off, damaged, or of a non-collinear run (four tables a band).
    """
    with open_stream(path) as file:
        return _read(file)


def _read(file: IO[bytes]) -> Procar:
    if not _next(file).startswith(b"PROCAR"):
        raise ParseError("does not begin with PROCAR")
    line = _next(file)
    spins = []
    while line:
        sizes = _SIZES.search(line)
        if sizes is None:
            raise ParseError(
                f'"{line[:60].decode("latin-1").strip()}" where the numbers of k-points, bands and ions are due'
            )
        spins.append(_read_spin(file, *(int(n) for n in sizes.groups())))
        line = _next(file)
    orbitals, k_coords, k_weights = spins[0][:3]
    if any(s[3].shape != spins[0][3].shape for s in spins):
        raise ParseError("the two spin channels differ in size")
    states = np.array([s[3] for s in spins])
    return Procar(orbitals, k_coords, k_weights, states[..., 0], states[..., 1], np.array([s[4] for s in spins]))


def _read_spin(
    file: IO[bytes], k: int, bands: int, ions: int
) -> tuple[tuple[str, ...], Floats, Floats, Floats, Floats]:
    if not 0 < k * bands * ions <= _LARGEST:
        raise ParseError(f"{k} k-points, {bands} bands and {ions} ions")
    coords, weights, states, tables = [], [], [], []
    orbitals: tuple[str, ...] = ()
    for number in range(1, k + 1):
        point = _expect(_KPOINT, _next(file), "a k-point", number)
        coords.append([finite(w) for w in _COORD.findall(point[2])])
        weights.append(finite(point[3]))
        for index in range(1, bands + 1):
            band = _expect(_BAND, _next(file), "a band", index)
            states.append((finite(band[2]), finite(band[3])))
            orbitals = tuple(w.decode("latin-1") for w in _next(file).split()[1:-1])
            tables.append(_table(file, ions, len(orbitals)))
            _skip_phases(file, ions)
    shape = (k, bands, ions, len(orbitals))
    if len({len(t[0]) for t in tables}) != 1:
        raise ParseError("the orbitals differ from band to band")
    return (
        orbitals,
        np.array(coords),
        np.array(weights),
        np.array(states).reshape(k, bands, 2),
        np.reshape(tables, shape),
    )


def _table(file: IO[bytes], ions: int, columns: int) -> list[list[float]]:
    rows = []
    for ion in range(1, ions + 1):
        words = _next(file).split()
        if len(words) != columns + 2 or words[0] != b"%d" % ion:
            raise ParseError(f"row {ion} of a table of {ions} ions is damaged, or columns have run into each other")
        rows.append([finite(w) for w in words[1:-1]])
    return rows


def _skip_phases(file: IO[bytes], ions: int) -> None:
    # Behind the table: for several ions a line of sums, and with LORBIT = 12 the phases; a blank line ends a band.
    line = file.readline(1 << 16)
    if line.startswith(b"tot"):
        line = file.readline(1 << 16)
    if line.strip() and not line.startswith(b"ion"):
        raise ParseError("a second table follows the first: non-collinear runs have four, and are not read")
    while line.strip():
        line = file.readline(1 << 16)


def _next(file: IO[bytes]) -> bytes:
    """Next line that is not blank; empty at the end of the file."""
    while line := file.readline(1 << 16):
        if line.strip():
            return line
    return b""


def _expect(pattern: re.Pattern[bytes], line: bytes, what: str, number: int) -> re.Match[bytes]:
    found = pattern.search(line)
    if found is None or found[1] != b"%d" % number:
        stray = line[:60].decode("latin-1").strip()
        raise ParseError(f'"{stray}" where {what}, number {number}, is due; the file is cut off or damaged')
    return found
