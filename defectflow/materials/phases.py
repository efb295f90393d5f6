"""Phases that fix chemical potentials, as data."""

from __future__ import annotations

import difflib
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from defectflow.errors import RecipeError

G2 = "geometry: ASE's G2 database, doi:10.1063/1.473182"


@dataclass(frozen=True)
class Phase:
    """A molecule, an atom or a crystal.

    Attributes
    ----------
    name, kind : str
        Kind is "molecule", "atom" or "crystal".
    moment : float
        Total moment to start from (muB per cell).
    source : str
        Of its geometry.
    element : str or None
        Of an atom, or of a crystal that ASE builds under another name.
    lattice, species, coords : tuple or None
        A crystal written out: lattice (A), symbols, fractional coordinates.
    """

    name: str
    kind: str
    moment: float
    source: str
    element: str | None
    lattice: tuple[tuple[float, float, float], ...] | None
    species: tuple[str, ...] | None
    coords: tuple[tuple[float, float, float], ...] | None


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads((Path(__file__).parent / "phases.toml").read_text(encoding="utf-8"))


def is_known(name: str) -> bool:
    """Whether there is a phase of this name."""
    return name in _table()


def known_phase(name: str) -> Phase:
    """Look up a phase of ``phases.toml``.

    Raises
    ------
    RecipeError
        If there is none; the message lists those that exist.
    """
    entry = _table().get(name)
    if entry is None:
        close = difflib.get_close_matches(name, _table(), n=1)
        hint = f'did you mean "{close[0]}"? ' if close else ""
        todo = f"{hint}known: {', '.join(_table())}; any other phase is given with file = its CIF or POSCAR"
        raise RecipeError(f'there is no phase "{name}"', where="references.phase", todo=todo)
    return Phase(
        name=name,
        kind=str(entry["kind"]),
        moment=float(entry.get("moment", 0.0)),
        source=str(entry.get("source", G2 if entry["kind"] == "molecule" else "none needed: one atom")),
        element=entry.get("element"),
        lattice=_rows(entry.get("lattice")),
        species=tuple(entry["species"]) if "species" in entry else None,
        coords=_rows(entry.get("coords")),
    )


def _rows(value: list[list[float]] | None) -> tuple[tuple[float, float, float], ...] | None:
    return None if value is None else tuple((x, y, z) for x, y, z in value)
