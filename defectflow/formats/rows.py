"""Rows of fixed-width numbers, the bulk of a vasprun.xml, decoded column by column.

Fortran writes ``F11.4`` and the like: every row of a block has the same length and its points in the same
columns. Eight characters ``ddd.dddd`` fit one 64-bit word, and three multiplications turn the word into the
integer 10^4 x: `decode_rows` does so for a whole block at once. A number that does not fit (a sign, a fourth
digit before the point) goes through `_signed`, and a block of any other layout through `plain_rows`, the
obvious reader that the fast one must agree with to the last bit (int / 10^4 is rounded once, as float() is).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from defectflow.errors import ParseError
from defectflow.formats.numbers import finite

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bytes = NDArray[np.uint8]
    Words = NDArray[np.uint64]


def plain_rows(block: bytes, stars: bool = False) -> Floats:
    """Numbers of ``<r> 1.0 2.0 </r>`` rows, shape (rows, columns), by `float`; with `stars`, words of stars are NaN.

    Raises
    ------
    ParseError
        If a word is no finite number, or the rows differ in length.
    """
    rows = [row.replace(b"<r>", b" ").split() for row in block.split(b"</r>")]
    if rows.pop():
        raise ParseError("a row does not end with </r>")
    return numbers(rows, stars)


def numbers(rows: list[list[bytes]], stars: bool = False) -> Floats:
    """Array of words, shape (rows, columns); a ParseError quotes the first that is no finite number."""
    if len({len(row) for row in rows}) != 1:
        raise ParseError("rows of different lengths; columns may have run into each other")
    return np.array([[_number(word, stars) for word in row] for row in rows], dtype=np.float64)


def _number(word: bytes, stars: bool) -> float:
    return float("nan") if stars and not word.strip(b"*") else finite(word)


def decode_rows(block: bytes, skip: int = 0, stars: bool = False) -> Floats:
    """As `plain_rows` without the first `skip` columns, at about the speed of memory for blocks of four decimals."""
    fast = _fixed_width(block, skip)
    return plain_rows(block, stars)[:, skip:] if fast is None else fast


def _word(text: bytes) -> np.uint64:
    return np.uint64(int.from_bytes(text, "little"))


# Words hold the eight characters "ddd.dddd", the first in the lowest byte.
_HIGH = _word(b"\xe0\xe0\xf0\xff\xf0\xf0\xf0\xf0")  # bits that must be those of a digit, or of a blank in front
_HIGH_OF = _word(b"\x20\x20\x30.\x30\x30\x30\x30")
_LOW = _word(b"\x0f\x0f\x0f\x00\x0f\x0f\x0f\x0f")
_OVER_NINE = _word(b"\x06\x06\x06\x00\x06\x06\x06\x06")
_CARRY = _word(b"\x10\x10\x10\x00\x10\x10\x10\x10")
_FRONT = _word(b"\xff\xff\x00\x00\x00\x00\x00\x00")
_FRONT_BLANK = _word(b"  \x00\x00\x00\x00\x00\x00")
_FRONT_LOW = _word(b"\x0f\x0f\x00\x00\x00\x00\x00\x00")
_FRONT_CARRY = _word(b"\x10\x10\x00\x00\x00\x00\x00\x00")
_PAIRS = np.uint64(0x00FF00FF00FF00FF)
_FOURS = np.uint64(0x0000FFFF0000FFFF)
_EIGHT = np.uint64(0xFFFFFFFF)
_DECIMALS = 4
_BEFORE = 3  # characters in front of the point that the word holds


def _fixed_width(block: bytes, skip: int) -> Floats | None:
    """Values of a block of equal rows, None if it is of another layout."""
    length = block.find(b"\n") + 1
    layout = _layout(block[:length])
    if layout is None or len(block) % length or layout[2] <= skip:
        return None
    first, width, columns = layout
    table = np.frombuffer(block, np.uint8).reshape(-1, length)
    if not _same_frame(table, layout):
        return None
    place = _Place(first + skip * width, width, columns - skip, follows=skip > 0)
    words = _view(table, place.shape(table), (place.first - _BEFORE, width), "<u8").copy()
    odd = _odd(words) | _in_front_of(words, table, place)
    values = _decode(words)
    return _repaired(values, odd, table, place) if odd.any() else values


@dataclass(frozen=True)
class _Place:
    """Where the numbers of a row stand: column of the first point, width, how many, whether others stand before."""

    first: int
    width: int
    columns: int
    follows: bool

    def shape(self, table: Bytes) -> tuple[int, int]:
        return len(table), self.columns

    @property
    def inner(self) -> slice:
        """Numbers that have another one in front of them."""
        return slice(0 if self.follows else 1, None)


def _in_front_of(words: Words, table: Bytes, place: _Place) -> NDArray[np.bool_]:
    """Numbers with a character in front of their word, or without a blank to the number before."""
    if place.width > 8:
        mask = _in_front(place.width)
        front = _view(table, place.shape(table), (place.first - _BEFORE - 4, place.width), "<u4")
        return np.asarray(np.not_equal(front & mask, mask & _BLANKS))
    touching = np.zeros(words.shape, bool)
    touching[:, place.inner] = words[:, place.inner] & np.uint64(0xFF) != ord(" ")
    return touching


def _repaired(values: Floats, odd: NDArray[np.bool_], table: Bytes, place: _Place) -> Floats | None:
    """Values with the odd ones read character by character; None if two columns have run into each other."""
    start = place.first - place.width + _DECIMALS + 1
    shape, strides = (*place.shape(table), place.width), (table.shape[1], place.width, 1)
    fields = np.lib.stride_tricks.as_strided(table[:, start:], shape, strides, writeable=False)
    if (odd[:, place.inner] & (fields[:, place.inner, 0] != ord(" "))).any():
        return None
    repaired = _signed(fields[odd])
    if repaired is not None:
        values[odd] = repaired
    return None if repaired is None else values


def _same_frame(table: Bytes, layout: tuple[int, int, int]) -> bool:
    """Whether all rows are ``<r>``, numbers and `` </r>``, in the same columns."""
    first, width, columns = layout
    head, tail = first - (width - _DECIMALS - 1), first + (columns - 1) * width + _DECIMALS + 1
    row = table[0].tobytes()
    if row[:head].split() != [b"<r>"] or row[tail:] != b" </r>\n":
        return False
    return _equal_down(table, 0, head) and _equal_down(table, tail, table.shape[1])


def _equal_down(table: Bytes, start: int, stop: int) -> bool:
    """Whether all rows have the same characters from `start` to `stop`, compared eight at a time where they can be."""
    while stop - start >= 8:
        column = _view(table, (len(table), 1), (start, 8), "<u8")
        if (column != column[0]).any():
            return False
        start = stop - 8 if 8 < stop - start < 16 else start + 8  # the last window may overlap
    return bool((table[:, start:stop] == table[0, start:stop]).all())


_BLANKS = np.uint32(0x20202020)


def _in_front(width: int) -> np.uint32:
    """Mask over the four characters in front of a word: those that belong to the same field."""
    return np.uint32((0xFFFFFFFF << 8 * (12 - width)) & 0xFFFFFFFF)


def _layout(row: bytes) -> tuple[int, int, int] | None:
    """Column of the first point, width of a field and number of fields, if all fields end with four decimals."""
    points = [i for i, c in enumerate(row) if c == 0x2E]
    start = row.find(b"<r>") + 3
    widths = {b - a for a, b in pairwise(points)} or {12}
    if start < 3 or not points or len(widths) != 1:
        return None
    width = min(widths)
    decimals = [row[p + 1 : p + 1 + _DECIMALS].isdigit() for p in points]
    ends = [row[p + 1 + _DECIMALS : p + 2 + _DECIMALS].isspace() or i < len(points) - 1 for i, p in enumerate(points)]
    # Wide enough for a word, and narrow enough for the four characters that are looked at in front of it.
    if not all(decimals + ends) or not 8 <= width <= 12 or points[0] + 1 + _DECIMALS - width < start:
        return None
    return points[0], width, len(points)


def _view(table: Bytes, shape: tuple[int, int], place: tuple[int, int], dtype: str) -> NDArray[np.unsignedinteger]:
    offset, width = place
    strides = (table.shape[1], width)
    return np.ndarray(shape, dtype, buffer=table.data, offset=offset, strides=strides)


def _odd(words: Words) -> NDArray[np.bool_]:
    """Words that are not blanks, then digits, a point and four digits."""
    odd: Words = words ^ _HIGH_OF
    odd &= _HIGH
    carry = words & _LOW
    carry += _OVER_NINE
    carry &= _CARRY
    odd |= carry
    filled = words & _FRONT != _FRONT_BLANK  # most numbers have one digit before the point
    if filled.any():
        odd[filled] |= _odd_front(words[filled])
    return np.not_equal(odd, 0)


def _odd_front(words: Words) -> Words:
    blank = ~words & _FRONT_CARRY  # bit 4 tells a digit from a blank
    other: Any = ((words & _FRONT_LOW) + _FRONT_LOW) & blank  # a character that only looks like a blank
    return np.asarray(other | blank >> np.uint64(8) & ~blank)  # a blank behind a digit


def _decode(words: Words) -> Floats:
    """10^-4 times the digits of the words, which are overwritten."""
    words &= _LOW
    for factor, shift, mask in ((10, 8, _PAIRS), (100, 16, _FOURS)):
        upper = words >> np.uint64(shift)
        words *= np.uint64(factor)
        words += upper
        words &= mask
    whole = words & _EIGHT  # ten times the part before the point, whose character counts as a zero
    whole *= np.uint64(1000)
    words >>= np.uint64(32)
    words += whole
    return np.asarray(words.astype(np.float64) / 10**_DECIMALS)


def _signed(fields: Bytes) -> Floats | None:
    """Values of (n, width) characters "blanks, sign, digits, point, decimals"; None if one is not of that form."""
    point = fields.shape[1] - _DECIMALS - 1
    digits = fields - np.uint8(48)
    is_digit = digits < 10
    kinds = np.where(is_digit, 2, np.where(fields == 45, 1, np.where(fields == 32, 0, 9)))
    front = kinds[:, :point]
    ordered = (np.diff(front, axis=1) >= 0) & ~((front[:, 1:] == 1) & (front[:, :-1] == 1))
    whole = ordered.all(axis=1) & (front[:, -1] == 2) & (fields[:, point] == 46) & is_digit[:, point + 1 :].all(axis=1)
    if not whole.all():
        return None
    exponents = [*range(point + _DECIMALS - 1, _DECIMALS - 1, -1), 0, *range(_DECIMALS - 1, -1, -1)]
    powers = np.array([10.0**p for p in exponents])
    powers[point] = 0.0
    values = np.where(is_digit, digits, 0).astype(np.float64) @ powers / 10**_DECIMALS
    return np.asarray(np.where((fields == 45).any(axis=1), -values, values))
