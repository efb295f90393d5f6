"""Grids as users write them: ``-10:10:401``."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from defectflow.schema.cell import Floats

MOST_POINTS, LARGEST = 20_001, 1e5


def grid(text: str, option: str) -> Floats:
    """``FIRST:LAST:POINTS`` or one number as a rising grid.

    Raises
    ------
    InputError
        If it is none, has too many points, or is beyond what the model is for.
    """
    import numpy as np

    first, last, *rest = [*_numbers(text, option), None]
    if last is None:
        return np.array([first])
    points = int(rest[0] or 0)
    if not first < last or not 2 <= points <= MOST_POINTS or points != rest[0]:
        _refuse(text, option, f"FIRST is less than LAST, and POINTS is a whole number from 2 to {MOST_POINTS}")
    return np.linspace(first, last, points)


def bounds(text: str, option: str) -> tuple[float, float]:
    """``LOW:HIGH`` as two numbers."""
    found = _numbers(text, option)
    if len(found) != 2:
        _refuse(text, option, "expected LOW:HIGH")
    if not found[0] < found[1]:
        _refuse(text, option, "LOW is less than HIGH")
    return found[0], found[1]


def named(text: str) -> tuple[str, str]:
    """``NAME=REST`` or ``NAME``."""
    name, _, rest = text.partition("=")
    return name.strip(), rest.strip()


def once(words: list[str], option: str) -> list[tuple[str, str]]:
    """`named` of every word, no name twice."""
    found = [named(word) for word in words]
    if twice := [name for name, n in Counter(name for name, _ in found).items() if n > 1]:
        _refuse(twice[0], option, "this name is given twice")
    return found


def _numbers(text: str, option: str) -> list[float]:
    from math import isfinite

    try:
        found = [float(part) for part in text.split(":")]
    except ValueError:
        found = []
    if len(found) not in (1, 2, 3) or not all(map(isfinite, found)) or max(map(abs, found[:2])) > LARGEST:
        _refuse(text, option, f"expected FIRST:LAST:POINTS or one number, none beyond {LARGEST:g}")
    return found


def _refuse(text: str, option: str, todo: str) -> None:
    from defectflow.errors import InputError

    raise InputError(f'"{text}" is no grid', where=option, todo=f"{todo}; a negative start needs {option}=-10:10:401")
