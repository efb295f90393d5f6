"""Nested sets of rows in a vasprun.xml: ``<array>`` with fields, and ``<set>`` within ``<set>`` of equal blocks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from defectflow.errors import ParseError
from defectflow.formats.rows import decode_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from defectflow.formats.rows import Floats
    from defectflow.formats.stream import Scanner

_FIELD = re.compile(rb"<field[^>]*>([^<]*)</field>")
_STEP = re.compile(rb'<set(?: comment="[^"]*")?\s*>|</set>|</array>|<r>')
_BATCH = 1 << 17


@dataclass(frozen=True, eq=False)
class SetArray:
    """An array of a vasprun.xml.

    Attributes
    ----------
    fields : tuple of str
        Names of the columns that were kept.
    values : (..., rows, columns) float
        One axis for each level of sets, the outermost first.
    """

    fields: tuple[str, ...]
    values: Floats


def read_array(scan: Scanner, skip: int = 0, stars: bool = False) -> SetArray:
    """Read the array whose ``<array>`` tag has just been passed, without its first `skip` columns.

    With `stars`, numbers too large for their field, which Fortran writes as stars, become NaN.

    Raises
    ------
    ParseError
        If the sets are not all of one shape, a row is damaged, or the file ends inside.
    """
    head, step = scan.match(_STEP)
    fields = tuple(f.strip().decode("latin-1") for f in _FIELD.findall(head))
    if not step.startswith(b"<set") or not fields:
        raise ParseError("an array has no fields or no rows", where=scan.where)
    shape = _Shape()
    parts = [decode_rows(block, skip, stars) for block in _batches(scan, shape)]
    if not parts:
        raise ParseError("an array holds no rows", where=scan.where)
    if any(part.shape[1] != len(fields) - skip for part in parts):
        raise ParseError(
            f"rows of {parts[0].shape[1] + skip} columns where the header names {len(fields)}", where=scan.where
        )
    values = parts[0] if len(parts) == 1 else np.concatenate(parts)
    return SetArray(fields[skip:], values.reshape(*shape.lengths(scan.where, len(values)), -1))


class _Shape:
    """Counts the sets of every level; level 0 is the outermost set."""

    def __init__(self) -> None:
        self.counts: list[int] = [1]
        self.leaf = 0  # level of the sets that hold rows
        self.lines = 0  # rows of the first of them

    def add_set(self, level: int) -> None:
        self.counts += [0] * (level + 1 - len(self.counts))
        self.counts[level] += 1

    def add_rows(self, level: int, lines: int, where: str) -> None:
        self.leaf, self.lines = self.leaf or level, self.lines or lines
        if (level, lines) != (self.leaf, self.lines):
            raise ParseError("the sets of an array differ in length; the file is damaged", where=where)

    def lengths(self, where: str, rows: int) -> list[int]:
        """Length of every axis; a ParseError if the sets of one level differ."""
        counts = self.counts[: self.leaf + 1]
        ratios = [b // a for a, b in pairwise(counts)]
        if int(np.prod(ratios, dtype=np.int64)) != counts[-1] or counts[-1] * self.lines != rows:
            raise ParseError("the sets of an array differ in length; the file is damaged", where=where)
        return [*ratios, self.lines]


def _batches(scan: Scanner, shape: _Shape) -> Iterator[bytes]:
    """Blocks of whole rows, several small sets joined in one."""
    level, held, size, expected = 0, [], 0, 0
    while True:
        between, step = scan.match(_STEP)
        if stray := between.strip()[:40].decode("latin-1"):
            raise ParseError(f'"{stray}" between the rows of an array', where=scan.where)
        if step == b"</array>":
            break
        if step == b"<r>":
            rows = scan.until(b"</set>", expected=expected)  # a set of that length with another in it is no rows
            expected = len(rows)
            block = between.rpartition(b"\n")[2] + step + rows.rstrip(b" \t")
            shape.add_rows(level, _lines(block), scan.where)
            held.append(block)
            size += len(block)
        level += 1 if step.startswith(b"<set") else -1  # a block of rows was read with the end of its set
        if step.startswith(b"<set"):
            shape.add_set(level)
        if size > _BATCH:
            yield b"".join(held)
            held, size = [], 0
    if held:
        yield b"".join(held)


def _lines(block: bytes) -> int:
    length = block.find(b"\n") + 1
    return len(block) // length if length and len(block) % length == 0 else block.count(b"<r>")
