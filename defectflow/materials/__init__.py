"""Hosts and dopants as data: every number with its source."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from defectflow.errors import RecipeError


@dataclass(frozen=True)
class Material:
    """A host crystal.

    Attributes
    ----------
    name, prototype : str
    species : tuple of str
        In the order of the prototype (rocksalt: cation, anion).
    lattice_constant : float
        Cubic lattice constant (A).
    source : str
        Where the lattice constant comes from.
    """

    name: str
    prototype: str
    species: tuple[str, ...]
    lattice_constant: float
    source: str


@cache
def _read(name: str) -> dict[str, dict[str, object]]:
    return tomllib.loads((Path(__file__).parent / name).read_text(encoding="utf-8"))


def material(name: str) -> Material:
    """Look up a host of ``hosts.toml``.

    Raises
    ------
    RecipeError
        If there is no such host; the message lists those that exist.
    """
    table = _read("hosts.toml")
    if name not in table:
        raise RecipeError(
            f'there is no material "{name}"',
            where="host.material",
            todo=f"known: {', '.join(table)}; any other host: prototype, file or structure",
        )
    entry = table[name]
    return Material(
        name=name,
        prototype=str(entry["prototype"]),
        species=tuple(entry["species"]),  # type: ignore[arg-type]
        lattice_constant=float(entry["lattice_constant"]),  # type: ignore[arg-type]
        source=str(entry["source"]),
    )


def substitutional_moment(dopant: str, site: str) -> tuple[float, str] | None:
    """Moment (muB) and source of one neutral dopant on a site, or None where no value is on record."""
    entry = _read("dopants.toml").get(f"{dopant}_on_{site}")
    return None if entry is None else (float(entry["moment"]), str(entry["source"]))  # type: ignore[arg-type]
