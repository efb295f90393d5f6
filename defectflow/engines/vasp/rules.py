"""What an INCAR must not say: unknown tags, and tags that contradict each other or the job."""

from __future__ import annotations

import difflib
import json
from functools import cache
from pathlib import Path
from typing import cast

from defectflow.engines.vasp.incar import Tag
from defectflow.errors import InputError
from defectflow.schema.keywords import self_consistent


def check_incar(tags: dict[str, Tag], where: str) -> None:
    """Check the tags of one run.

    Raises
    ------
    InputError
        With the tag, what is wrong, and what to do.
    """
    for name in tags:
        _known(name, where)
    for rule in (_spin, _density, _projection, _occupations, _vectors):
        if wrong := rule(tags):
            what, todo = wrong
            raise InputError(what, where=where, todo=todo)


@cache
def known_tags() -> frozenset[str]:
    """Tags that VASP reads, by pymatgen's list."""
    import pymatgen.io.vasp

    path = Path(cast(str, pymatgen.io.vasp.__file__)).with_name("incar_parameters.json")
    return frozenset(json.loads(path.read_text(encoding="utf-8"))) | {"SYSTEM", "LVHAR", "ICORELEVEL"}


def _known(name: str, where: str) -> None:
    if name not in known_tags():
        near = difflib.get_close_matches(name.upper(), known_tags(), 1, 0.6)
        todo = f'did you mean "{near[0]}"?' if near else "see vasp.at/wiki for the tags of VASP"
        raise InputError(f'"{name}" is no INCAR tag', where=where, todo=todo)


def _number(tags: dict[str, Tag], name: str, default: float) -> float:
    value = tags.get(name, default)
    return float(value) if isinstance(value, int | float) else default


def _moments(tags: dict[str, Tag]) -> list[float]:
    value = tags.get("MAGMOM", [])
    return value if isinstance(value, list) else []


def _spin(tags: dict[str, Tag]) -> tuple[str, str] | None:
    moments, fixed = _moments(tags), _number(tags, "NUPDOWN", -1)
    if _number(tags, "ISPIN", 1) == 1 and any(moments):
        return "MAGMOM with ISPIN = 1: the moments would be dropped", "set ISPIN = 2, or no moments"
    if _number(tags, "ISPIN", 1) == 2 and not moments:
        return "ISPIN = 2 without MAGMOM: VASP would start every atom at 1 muB", "give every atom its moment"
    if fixed >= 0 and min(moments, default=0) < 0 < max(moments, default=0):
        todo = "leave NUPDOWN out: it gives both spins their own Fermi level and hides a moment that flips"
        return f"NUPDOWN = {fixed:g} with moments of both signs (AF)", todo
    if fixed >= 0 and abs(sum(moments) - fixed) > 0.5:
        return f"NUPDOWN = {fixed:g}, but MAGMOM adds up to {sum(moments):g}", "make them agree, or leave NUPDOWN out"
    return None


def _density(tags: dict[str, Tag]) -> tuple[str, str] | None:
    moves = _number(tags, "NSW", 0) > 0 and _number(tags, "IBRION", -1) >= 0
    if _number(tags, "ICHARG", 2) >= 10 and moves:
        what = f"ICHARG = {_number(tags, 'ICHARG', 2):g} keeps the density fixed while the ions move: forces are wrong"
        return what, "use ICHARG = 1 or 2 in a relaxation"
    if not self_consistent(str(tags.get("ALGO", "Normal"))):
        return f"ALGO = {tags['ALGO']} is not self-consistent", "use Normal, Fast, All or Damped"
    return None


def _projection(tags: dict[str, Tag]) -> tuple[str, str] | None:
    value = str(tags.get("LREAL", False)).strip(".").upper()
    if value not in ("FALSE", "F") and _number(tags, "NSW", 0) == 0:
        return f"LREAL = {tags['LREAL']} in a run that gives an energy", "use LREAL = .FALSE."
    return None


def _occupations(tags: dict[str, Tag]) -> tuple[str, str] | None:
    if _number(tags, "ISMEAR", 1) <= -4 and _number(tags, "NSW", 0) > 0:
        return "the tetrahedron method gives wrong forces where a band is partly filled", "use ISMEAR >= -1 to relax"
    if _number(tags, "NEDOS", 301) > 1 and _number(tags, "EMIN", -1) >= _number(tags, "EMAX", 1):
        return "EMIN is not below EMAX", "EMIN < EMAX, in eV on the scale of the eigenvalues"
    return None


def _vectors(tags: dict[str, Tag]) -> tuple[str, str] | None:
    for name in ("LNONCOLLINEAR", "LSORBIT"):
        if str(tags.get(name, False)).strip(".").upper().startswith("T"):
            return f"{name}: moments would be vectors, and FM/AF differences here are collinear", f"leave {name} out"
    return None
