"""What is put on the sites of a supercell: dopants and vacancies, how many of each, and how that is written."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from defectflow.errors import StructureError
from defectflow.schema.defects import INTERSTITIAL, VACANCY, VANADIUM, defect_words

_WRITTEN = re.compile(r"(?P<name>\w+?)(_(?P<sublattice>\w+))?:(?P<count>[1-9][0-9]{0,3})")


@dataclass(frozen=True)
class Part:
    """`count` sites of one sublattice that are taken by the same thing.

    Attributes
    ----------
    name : str
        Chemical symbol, "V" for a vacancy, "vanadium" for the element V.
    sublattice : str
        Element of the host whose sites are taken; "i" for interstitial sites.
    count : int
    """

    name: str
    sublattice: str
    count: int

    @property
    def label(self) -> str:
        """Kröger-Vink name without charge: ``C_O``, ``V_Mg``."""
        return f"{self.name}_{self.sublattice}"

    @property
    def symbol(self) -> str | None:
        """Chemical symbol of the atoms, None for vacancies."""
        return {VACANCY: None, VANADIUM: "V"}.get(self.name, self.name)


def parse_part(text: str, sublattice: str) -> Part:
    """Read "C_O:2", or "C:2" on the given sublattice; "V" is a vacancy, vanadium is written in full.

    Raises
    ------
    StructureError
        If the text has another form, or names no element.

    Examples
    --------
    >>> parse_part("V_Mg:1", sublattice="O").label, parse_part("C:2", sublattice="O").label
    ('V_Mg', 'C_O')
    """
    found = _WRITTEN.fullmatch(text)
    if found is None:
        todo = "write C:2, C_O:2, V_O:1 (V is a vacancy) or vanadium_Mg:1"
        raise StructureError(f'"{text}" is no dopant with a count', where="dopant", todo=todo)
    try:
        return Part(*defect_words(f"{found['name']}_{found['sublattice'] or sublattice}"), int(found["count"]))
    except ValueError as error:
        raise StructureError(str(error), where="dopant") from None


def in_order(parts: Sequence[Part]) -> tuple[Part, ...]:
    """Parts as sites and labels list them: the rarest first, then by name."""
    return tuple(sorted(parts, key=lambda p: (p.count, p.name, p.sublattice)))


def slots(parts: Sequence[Part]) -> list[slice]:
    """Where the sites of each part stand in a list of sites, in the order of `in_order`."""
    ends = [0]
    for part in in_order(parts):
        ends.append(ends[-1] + part.count)
    return [slice(a, b) for a, b in pairwise(ends)]


def label(parts: Sequence[Part], sites: Sequence[int]) -> str:
    """Name of a configuration, fit for a folder: ``V_O.3-C_O.0.5``.

    Parameters
    ----------
    parts : sequence of Part
    sites : (n,) int
        Numbers of the sites in a `SiteGroup`, part after part as in `in_order`.
    """
    named = zip(in_order(parts), slots(parts), strict=True)
    return "-".join(".".join([p.label, *(str(int(s)) for s in sorted(sites[where]))]) for p, where in named)


def check_parts(kinds: Sequence[str], parts: Sequence[Part]) -> None:
    """Raise StructureError if the parts do not fit the sites, whose sublattices are `kinds`."""
    if twice := [p.label for p in parts if [q.label for q in parts].count(p.label) > 1]:
        raise StructureError(f"{twice[0]} is asked for twice", where="dopants", todo="give one number for each")
    if own := [p.label for p in parts if p.symbol == p.sublattice or p.label == f"{VACANCY}_{INTERSTITIAL}"]:
        raise StructureError(f"{own[0]} changes nothing", where="dopants", todo="leave it out")
    for name in sorted({p.sublattice for p in parts}):
        wanted, there = sum(p.count for p in parts if p.sublattice == name), kinds.count(name)
        if wanted > there:
            what = f"{wanted} sites of {name} are asked for, the cell has {there}"
            raise StructureError(what, where="dopants", todo="take a larger supercell or fewer dopants")
    if min((p.count for p in parts), default=0) < 1:
        raise StructureError("no dopant is asked for, or one with a count below 1", where="dopants")
