"""LOCPOT: plane averages of the local potential, plane by plane, so that the grid is never in memory at once."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from math import isfinite
from typing import IO, TYPE_CHECKING

import numpy as np

from defectflow.errors import ParseError
from defectflow.formats.numbers import finite
from defectflow.formats.stream import open_stream

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from defectflow.formats.rows import Floats

_CHUNK = 1 << 18
_LARGEST = 1 << 34  # points of a grid


@dataclass(frozen=True, eq=False)
class PlanarAverages:
    """Averages of the first grid of a LOCPOT (in a spin-polarised run that of spin up).

    Attributes
    ----------
    lattice : (3, 3) float
        A.
    grid : (int, int, int)
    averages : tuple of three (n_i,) float
        Mean over the planes spanned by the two other lattice vectors (eV, potential energy of an electron as VASP
        writes it: with LVHAR its mean is zero, with LVTOT it holds exchange and correlation).
    """

    lattice: Floats
    grid: tuple[int, int, int]
    averages: tuple[Floats, Floats, Floats]


def read_planar_averages(path: Path) -> PlanarAverages:
    """Average a LOCPOT, plain or packed.

    Raises
    ------
    ParseError
        If it is cut off or damaged.
    """
    with open_stream(path) as file:
        return _read(file)


def _read(file: IO[bytes]) -> PlanarAverages:
    lattice, atoms = _header(file)
    for _ in range(atoms + 2):  # "Direct", the atoms, a blank line
        _line(file)
    grid = _integers(_line(file))
    if len(grid) != 3 or not 0 < int(np.prod(grid, dtype=object)) <= _LARGEST:
        raise ParseError(f"the grid is {grid}")
    nx, ny, nz = grid
    along_x, along_y, along_z = np.zeros(nx), np.zeros(ny), np.zeros(nz)
    planes = _planes(file, nx * ny, nz)
    for i, plane in enumerate(planes):
        if not np.isfinite(plane).all():
            raise ParseError(f"plane {i + 1} of {nz} holds a word that is no finite number, or is cut off")
        table = plane.reshape(ny, nx)
        along_x += table.mean(axis=0) / nz
        along_y += table.mean(axis=1) / nz
        along_z[i] = table.mean()
    return PlanarAverages(lattice, (nx, ny, nz), (along_x, along_y, along_z))


def _header(file: IO[bytes]) -> tuple[Floats, int]:
    _line(file)
    scale = _floats(_line(file))
    vectors = [_floats(_line(file)) for _ in range(3)]
    if len(scale) != 1 or not scale[0] > 0 or any(len(v) != 3 for v in vectors):
        raise ParseError("the lattice is damaged")
    words = _line(file)
    counts = _integers(words if words.split()[:1] and words.split()[0].isdigit() else _line(file))
    if not 0 < sum(counts) <= 1_000_000 or min(counts) < 0:
        raise ParseError(f"{sum(counts)} atoms")
    return np.array(vectors) * scale[0], sum(counts)


def _planes(file: IO[bytes], size: int, number: int) -> Iterator[Floats]:
    held = np.zeros(0)
    rest = b""
    for _ in range(number):
        while len(held) < size:
            chunk = file.read(_CHUNK)
            if (not chunk and not rest) or len(rest) > _CHUNK:
                raise ParseError("is cut off inside its grid, or holds no lines")
            if not chunk and rest:
                raise ParseError("is cut off: its last line has no end")
            # A word that touches the end of a chunk may go on in the next.
            text, _, rest = (rest + chunk).rpartition(b"\n")
            held = np.concatenate([held, _grid_values(text)])
        yield held[:size]
        held = held[size:]


def _grid_values(text: bytes) -> Floats:
    words = text.split()
    if b"_" not in text:
        with suppress(ValueError):
            return np.array(list(map(float, words)))
    # The last chunk may hold what follows the grid; a plane that needs the word is refused by its NaN.
    good = next((i for i, w in enumerate(words) if not _is_number(w)), len(words))
    return np.array([*map(float, words[:good]), np.nan])


def _is_number(word: bytes) -> bool:
    with suppress(ParseError):
        return isfinite(finite(word))
    return False


def _floats(line: bytes) -> list[float]:
    words = line.split()
    if not all(_is_number(w) for w in words):
        raise ParseError(f'"{line[:60].decode("latin-1").strip()}" where numbers are due')
    return [float(w) for w in words]


def _integers(line: bytes) -> tuple[int, ...]:
    words = line.split()
    if not words or not all(w.isdigit() and len(w) < 10 for w in words):
        raise ParseError(f'"{line[:60].decode("latin-1").strip()}" where whole numbers are due')
    return tuple(int(w) for w in words)


def _line(file: IO[bytes]) -> bytes:
    line = file.readline(1 << 16)
    if not line.endswith(b"\n"):
        raise ParseError("is cut off in its header")
    return line
