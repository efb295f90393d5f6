"""Words to numbers, without the words that `float` takes and no code writes."""

from __future__ import annotations

from math import isfinite

from defectflow.errors import ParseError


def finite(word: bytes) -> float:
    """Finite number of a word, to the last bit that of `float`.

    Raises
    ------
    ParseError
        If it is none; the message quotes it.
    """
    try:
        value = float(word)
    except ValueError:
        value = float("nan")
    if not isfinite(value) or b"_" in word:
        quoted = bytes(word)[:40].decode("latin-1")
        raise ParseError(f'"{quoted}" is no finite number; columns may have run into each other')
    return value


def fortran(word: bytes) -> float:
    """As `finite`; a three-digit exponent, for which Fortran leaves the E out, is understood, and stars are infinite.

    >>> fortran(b"0.7113381-191"), fortran(b"********")
    (7.113381e-192, inf)
    """
    if word and not word.strip(b"*"):
        return float("inf")
    import re  # not at the top: most readers never need it

    found = re.fullmatch(rb"([-+]?\d*\.\d+)([-+]\d{3})", word)
    return finite(b"E".join(found.groups()) if found else word)
