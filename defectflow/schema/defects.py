"""Names of point defects in the manner of Kröger and Vink, without charge: ``C_O``, ``V_Mg``, ``O_i``."""

from __future__ import annotations

import re

VACANCY = "V"
INTERSTITIAL = "i"
VANADIUM = "vanadium"  # written out, because V is a vacancy
_DEFECT = re.compile(rf"({VACANCY}|{VANADIUM}|[A-Z][a-z]?)_([A-Z][a-z]?|{INTERSTITIAL})")


def defect_words(text: str) -> tuple[str, str]:
    """What sits where: ``C_O`` is ("C", "O"), ``V_Mg`` a vacancy, ``O_i`` on an interstitial site.

    Raises
    ------
    ValueError
        If the text is no such name, or names no element.
    """
    from ase.data import chemical_symbols

    match = _DEFECT.fullmatch(text)
    if match is None:
        expected = "expected e.g. C_O, V_O (a vacancy), O_i (interstitial), vanadium_Mg (the element V)"
        raise ValueError(f'"{text}" is no defect: {expected}')
    for word in match.groups():
        if word not in (VACANCY, VANADIUM, INTERSTITIAL, *chemical_symbols[1:]):
            raise ValueError(f'"{word}" is no chemical element')
    if match[1] == VACANCY and match[2] == INTERSTITIAL:
        raise ValueError("V_i is no defect: an interstitial site is empty anyway")
    if match[1] == match[2]:
        raise ValueError(f'"{text}" puts an atom of the host on its own site')
    return match[1], match[2]
