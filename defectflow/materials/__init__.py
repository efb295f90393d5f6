"""Hosts and dopants as data: every number with its source."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast

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
def _read(name: str) -> dict[str, Any]:
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
        species=tuple(entry["species"]),
        lattice_constant=float(entry["lattice_constant"]),
        source=str(entry["source"]),
    )


@dataclass(frozen=True)
class PublishedOrder:
    """Spin order of the pairs of a cell as published.

    Attributes
    ----------
    source, short : str
        Full and short citation.
    order : dict of str to str
        "FM" or "AF" by pair label.
    delta_af_fm : dict of str to float
        E_AF - E_FM (eV per cell) where it is given.
    """

    source: str
    short: str
    order: dict[str, str]
    delta_af_fm: dict[str, float]


def published_order(host: str, dopants: tuple[str, str], cell: tuple[int, int, int]) -> PublishedOrder | None:
    """What is published on a dopant pair in a diagonal supercell of a host, None if nothing is on record."""
    for entry in cast("list[dict[str, Any]]", _read("literature.toml")["pair_order"]):
        if (entry["host"], tuple(entry["dopants"]), tuple(entry["cell"])) == (host, dopants, cell):
            return PublishedOrder(entry["source"], entry["short"], entry["order"], entry["delta_af_fm"])
    return None
