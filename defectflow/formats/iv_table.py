"""I(V) curves as CSV, measured or written by ``defectflow transport iv``."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from defectflow.errors import ParseError

if TYPE_CHECKING:
    from _csv import Reader

Floats = NDArray[np.float64]
ALIGNMENTS = ("P", "AP")
_FACTORS = {"V": 1e3, "mV": 1.0, "A": 1e9, "mA": 1e6, "uA": 1e3, "nA": 1.0, "pA": 1e-3}  # to mV and nA
EXPECTED = (
    "columns: bias_mV (or bias_V), P_nA and AP_nA (or _A, _uA, _pA; one of them may be missing), and sweep, a number"
)
MOST_ROWS = 2_000_000
LARGEST = 1e30


def read_iv(path: Path) -> tuple[Floats, dict[str, Floats]]:
    """Bias (nb,) in mV, rising, and currents {alignment: (sweeps, nb)} in nA.

    Rows of one ``sweep`` need every bias once, in any order, and all sweeps the same biases.

    Raises
    ------
    ParseError
        If the file is no such table; the message names the line.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return _read(csv.reader(file), path)
    except OSError as error:
        raise ParseError(f"cannot be read ({error.strerror})", where=str(path)) from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise ParseError(f"is no CSV table ({error})", where=str(path), todo=EXPECTED) from None


def _read(rows: Reader, path: Path) -> tuple[Floats, dict[str, Floats]]:
    names = [name.strip() for name in next((row for row in rows if row), [])]
    if names.count("sweep") > 1:
        raise ParseError("has two columns of sweep", where=str(path), todo="leave all but one out")
    bias, currents = _column(names, "bias", "V", path), {}
    for alignment in ALIGNMENTS:
        if any(n.rsplit("_", 1)[0] in (alignment, f"{alignment}_total") for n in names):
            currents[alignment] = _column(names, alignment, "A", path)
    if not currents:
        raise ParseError("has no column of currents", where=str(path), todo=EXPECTED)
    wanted = [*([names.index("sweep")] if "sweep" in names else []), *(n for n, _ in (bias, *currents.values()))]
    table = np.array([_numbers(row, wanted, len(names), f"{path}, line {line}") for line, row in _few(rows, path)])
    if not len(table):
        raise ParseError("has no rows", where=str(path), todo=EXPECTED)
    if "sweep" not in names:
        table = np.insert(table, 0, 0.0, axis=1)
    table[:, 1:] *= [bias[1], *(c[1] for c in currents.values())]
    return _sorted_by_sweep(table, list(currents), path)


def _few(rows: Reader, path: Path) -> Iterator[tuple[int, list[str]]]:
    """Rows with the numbers of their lines."""
    for n, row in enumerate(row for row in rows if row):
        if n == MOST_ROWS:
            raise ParseError(f"has more than {MOST_ROWS} rows", where=str(path))
        yield rows.line_num, row


def _column(names: list[str], quantity: str, unit: str, path: Path) -> tuple[int, float]:
    """Number of a column and the factor to mV or nA; ``P_total_nA`` is P where there is no ``P_nA``."""
    for stem in (quantity, f"{quantity}_total"):
        units = [name.rpartition("_") for name in names]
        found = [n for n, (start, _, u) in enumerate(units) if start == stem and u.endswith(unit) and u in _FACTORS]
        if len(found) > 1:
            raise ParseError(f"has {len(found)} columns of {stem}", where=str(path), todo="leave all but one out")
        if found:
            return found[0], _FACTORS[units[found[0]][2]]
    raise ParseError(f'has no column "{quantity}_m{unit}" or in another unit', where=str(path), todo=EXPECTED)


def _numbers(cells: list[str], wanted: list[int], columns: int, where: str) -> list[float]:
    if any(cell.strip() for cell in cells[columns:]):
        todo = "are there decimal commas? write decimal points"
        raise ParseError(f"has {len(cells)} cells for {columns} columns", where=where, todo=todo)
    try:
        found = [float(cells[n].replace("_", "?")) for n in wanted]  # float() takes 1_0 for 10
    except (TypeError, ValueError, IndexError):
        raise ParseError("a number is missing or is none", where=where) from None
    if not all(math.isfinite(x) and abs(x) <= LARGEST for x in found):
        raise ParseError(f"a number is not finite, or beyond {LARGEST:g}", where=where)
    return found


def _sorted_by_sweep(table: Floats, names: list[str], path: Path) -> tuple[Floats, dict[str, Floats]]:
    sweeps = [table[table[:, 0] == s] for s in np.unique(table[:, 0])]
    sweeps = [s[np.argsort(s[:, 1])] for s in sweeps]
    bias = sweeps[0][:, 1]
    if (np.diff(bias) == 0).any():
        what = f"has the bias {bias[:-1][np.diff(bias) == 0][0]:g} mV twice in one sweep"
        raise ParseError(what, where=str(path), todo="number repeated sweeps in a column sweep")
    for n, sweep in enumerate(sweeps):
        if len(sweep) != len(bias) or not np.allclose(sweep[:, 1], bias, rtol=0, atol=1e-6 * np.ptp(bias)):
            raise ParseError(f"sweep number {n + 1} has other biases than the first one", where=str(path))
    return bias, {name: np.stack([s[:, 2 + n] for s in sweeps]) for n, name in enumerate(names)}
