"""POSCAR and CONTCAR, and the text of one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from defectflow.errors import ParseError
from defectflow.formats.elements import symbol
from defectflow.formats.numbers import finite
from defectflow.formats.stream import naming, read_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from defectflow.formats.rows import Floats

MAX_ATOMS = 1_000_000


@dataclass(frozen=True, eq=False)
class Poscar:
    """A structure.

    Attributes
    ----------
    comment : str
    lattice, coords : (3, 3), (n, 3) float
        A, fractional.
    species : tuple of str
        Chemical symbols, atom by atom; empty in a file of VASP 4, which names none.
    counts : tuple of int
        Atoms of every block.
    free : (n, 3) bool
        Whether an atom may move along each lattice vector ("Selective dynamics"), else all true.
    """

    comment: str
    lattice: Floats
    coords: Floats
    species: tuple[str, ...]
    counts: tuple[int, ...]
    free: np.ndarray


def read_poscar(path: Path) -> Poscar:
    """Read a POSCAR or CONTCAR, plain or packed; what follows the positions (velocities) is not read.

    Raises
    ------
    ParseError
        If it is empty (VASP leaves an empty CONTCAR when it dies early), cut off or damaged.
    """
    lines = read_bytes(path, 1 << 28).decode("latin-1").replace("\r\n", "\n").split("\n")
    with naming(path):
        if not any(line.strip() for line in lines):
            raise ParseError("is empty: VASP died before it finished an ionic step")
        try:
            return _poscar(lines)
        except IndexError:
            raise ParseError("is cut off") from None


def _poscar(lines: list[str]) -> Poscar:
    vectors = np.array([_row(line, 3) for line in (lines[2], lines[3], lines[4])])
    scale = _scale(lines[1], vectors)
    lattice = vectors * scale
    if not abs(np.linalg.det(lattice)) > 1e-6:
        raise ParseError("the lattice vectors span no volume")
    at = 5
    symbols = (
        [] if lines[5].split()[0].isdigit() else [symbol(w.encode("latin-1")) for w in lines[5].split("!")[0].split()]
    )
    at += bool(symbols)
    counts = tuple(_count(word) for word in lines[at].split("!")[0].split())
    if symbols and len(symbols) != len(counts):
        raise ParseError(f"line {at + 1}: {len(counts)} numbers of atoms for {len(symbols)} species")
    n, at = sum(counts), at + 1
    if not 0 < n <= MAX_ATOMS:
        raise ParseError(f"line {at}: {n} atoms")
    selective = lines[at].strip()[:1].upper() == "S"
    at += selective
    cartesian = lines[at].strip()[:1].upper() in ("C", "K")
    block = lines[at + 1 : at + 1 + n]
    if len(block) < n or not block[-1].strip():
        raise ParseError(f"is cut off: {len(block)} positions of {n}")
    coords = np.array([_row(line, 3) for line in block])
    if cartesian:
        coords = coords * scale @ np.linalg.inv(lattice)
    free = np.array([_flags(line) for line in block]) if selective else np.ones((n, 3), bool)
    species = tuple(s for s, c in zip(symbols, counts, strict=False) for _ in range(c))
    return Poscar(lines[0], lattice, coords, species, counts, free)


def _scale(line: str, vectors: Floats) -> Floats:
    words = line.split("!")[0].split()
    if len(words) == 3:
        return np.array([finite(w.encode("latin-1")) for w in words])
    if len(words) != 1:
        raise ParseError(f'"{line.strip()[:40]}" is neither one scale nor three')
    scale = finite(words[0].encode("latin-1"))
    volume = abs(float(np.linalg.det(vectors)))
    if scale == 0 or volume == 0:
        raise ParseError("the scale is zero, or the lattice vectors span no volume")
    return np.full(3, scale if scale > 0 else (-scale / volume) ** (1 / 3))


def _row(line: str, columns: int) -> list[float]:
    words = line.split()[:columns]
    if len(words) < columns:
        raise ParseError(f'"{line.strip()[:60]}" is no row of {columns} numbers')
    return [finite(word.encode("latin-1")) for word in words]


def _flags(line: str) -> list[bool]:
    words = [word.strip(".").upper()[:1] for word in line.split()[3:6]]
    if len(words) != 3 or not set(words) <= {"T", "F"}:
        raise ParseError(f'"{line.strip()[:60]}" has no three flags T or F')
    return [word == "T" for word in words]


def _count(word: str) -> int:
    if not word.isdecimal() or len(word) > 9:
        raise ParseError(f'"{word[:40]}" is no number of atoms')
    return int(word)


def poscar_text(comment: str, lattice: Floats, species: Sequence[str], coords: Floats) -> str:
    """Text of a POSCAR in the order given: a new block begins wherever the symbol changes.

    Numbers have ten decimals (lattice in A, fractional coordinates): the last bits depend on the machine, and
    the same recipe must give the same text.
    """
    blocks: list[tuple[str, int]] = []
    for name in species:
        same = bool(blocks) and blocks[-1][0] == name
        blocks[-1:] = [(name, blocks[-1][1] + 1)] if same else [*blocks[-1:], (name, 1)]
    row = "%16.10f%16.10f%16.10f"
    lines = [comment, "1.0", *(row % tuple(v) for v in lattice.tolist())]
    lines += [" ".join(s for s, _ in blocks), " ".join(str(n) for _, n in blocks), "Direct"]
    lines += [row % tuple(c) for c in (coords + 0.0).tolist()]
    return "\n".join(lines) + "\n"
