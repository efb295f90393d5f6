"""DOSCAR: total and projected DOS; the only place of the DOS where a vasprun.xml is missing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import isfinite
from typing import IO, TYPE_CHECKING

import numpy as np

from defectflow.errors import ParseError
from defectflow.formats.numbers import finite, fortran
from defectflow.formats.stream import open_stream

if TYPE_CHECKING:
    from pathlib import Path

    from defectflow.formats.rows import Floats


@dataclass(frozen=True, eq=False)
class Doscar:
    """Content of a DOSCAR.

    Attributes
    ----------
    fermi : float
        eV; with NUPDOWN that of spin 2 only.
    energies : (n,) float
        eV.
    total, integrated : (spin, n) float
        States per eV and cell; states per cell.
    partial : (ion, n, column) float
        Columns as VASP writes them: orbitals in order, for each orbital up and down (or total, x, y, z in a
        non-collinear run). No ions without LORBIT.
    """

    fermi: float
    energies: Floats
    total: Floats
    integrated: Floats
    partial: Floats


def read_doscar(path: Path) -> Doscar:
    """Read a DOSCAR, plain or packed, block by block.

    Raises
    ------
    ParseError
        If it is cut off or damaged.
    """
    with open_stream(path) as file:
        return _read(file)


def _read(file: IO[bytes]) -> Doscar:
    head = [_line(file) for _ in range(5)]
    blocks = [_block(file, _line(file))]
    fermi, total = blocks[0]
    if total.shape[1] not in (3, 5):
        raise ParseError(f"the total DOS has {total.shape[1]} columns, expected 3 or 5")
    first = head[0].split()
    if len(first) < 3 or not all(re.fullmatch(rb"\d{1,7}", w) for w in first[:3]):
        raise ParseError("its first line does not give the numbers of ions")
    ions = int(first[0])
    while line := file.readline(1000):
        if len(blocks) > ions:
            raise ParseError(f"more blocks than {ions} atoms")
        blocks.append(_block(file, line))
    parts = [rows for _, rows in blocks[1:]]
    if parts and (len(parts) != ions or len({p.shape for p in parts}) != 1):
        raise ParseError(f"is cut off: {len(parts)} blocks of projected DOS for {ions} atoms")
    spins = (total.shape[1] - 1) // 2
    partial = np.array(parts)[:, :, 1:] if parts else np.zeros((0, len(total), 0))
    return Doscar(fermi, total[:, 0], total[:, 1 : 1 + spins].T, total[:, 1 + spins :].T, partial)


def _block(file: IO[bytes], header: bytes) -> tuple[float, Floats]:
    # Columns 2F16, I5, 2F16: more than 9,999 points touch the number in front of them.
    number, fermi = header[32:37].strip(), header[37:53].strip()
    if not number.isdigit() or not int(number) or not fermi:
        raise ParseError("a block has no line of E_max, E_min, NEDOS, E_F")
    points = int(number)
    lines = [_line(file) for _ in range(points - 1)]
    lines.append(_last_line(file, len(lines[-1] if lines else header)))
    rows = [[_value(word) for word in line.split()] for line in lines]
    if len({len(row) for row in rows}) != 1 or len(rows[0]) < 2:
        raise ParseError("rows of different lengths; columns may have run into each other")
    return finite(fermi), np.array(rows)


def _line(file: IO[bytes]) -> bytes:
    line = file.readline(1 << 16)
    if not line.endswith(b"\n"):
        raise ParseError("is cut off")
    return line


def _last_line(file: IO[bytes], length: int) -> bytes:
    # An editor may have taken the last line's end; a number cut short is told by the length.
    line = file.readline(1 << 16)
    if not line.endswith(b"\n") and len(line) != length - 1:
        raise ParseError("is cut off")
    return line


def _value(word: bytes) -> float:
    value = fortran(word)
    return value if isfinite(value) else float("nan")
