"""Chemical symbols, as VASP's files carry them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from defectflow.errors import ParseError

_NAMES = """
    H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr Rb Sr Y Zr Nb Mo
    Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu Hf Ta W Re Os Ir Pt Au Hg Tl
    Pb Bi Po At Rn Fr Ra Ac Th Pa U Np Pu Am Cm Bk Cf Es Fm Md No Lr Rf Db Sg Bh Hs Mt Ds Rg Cn Nh Fl Mc Lv Ts Og
"""
SYMBOLS = frozenset(_NAMES.split())
_LABEL = re.compile(r"([A-Z][a-z]?)(?:_\w+)?(?:\.\d+)?(?:/\w*)?")  # VASP 6.4 writes Mg_pv/f474ac0d, or Si/


def symbol(label: bytes) -> str:
    """Chemical symbol of a label such as ``Mg_pv`` or ``Si/79d9987ad87``.

    Raises
    ------
    ParseError
        If it is none.
    """
    word = label.strip().decode("latin-1")
    found = _LABEL.fullmatch(word)
    if found is None or found.group(1) not in SYMBOLS:
        raise ParseError(f'"{word[:40]}" is no chemical symbol')
    return found.group(1)


def by_element(entries: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Values by element; an element that comes again counts up: "O", "O#2"."""
    found: dict[str, str] = {}
    for element, value in entries:
        again = sum(key.split("#")[0] == element for key in found)
        found[f"{element}#{again + 1}" if again else element] = value
    return found
