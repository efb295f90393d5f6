"""Distinct patterns of up and down moments on the magnetic dopants of a configuration."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from defectflow.errors import StructureError
from defectflow.structures.doped import stabiliser
from defectflow.structures.parts import Part, in_order, slots
from defectflow.structures.sites import Ints
from defectflow.structures.symmetry import SiteGroup

MOST_MOMENTS = 14  # 16 384 patterns


@dataclass(frozen=True)
class Ordering:
    """Collinear moments that no operation of the configuration's group, with or without time reversal, exchanges.

    Attributes
    ----------
    name : str
        "FM" where all are up; "AF" for up and down of two moments; else signs such as "++-"; "NM" without moments.
    signs : tuple of int
        +1 or -1 for each magnetic dopant, in the order of the configuration's sites.
    multiplicity : int
        How many of the 2^n patterns it stands for.
    """

    name: str
    signs: tuple[int, ...]
    multiplicity: int


def spin_orderings(
    group: SiteGroup, parts: Sequence[Part], sites: Sequence[int], magnetic: Collection[str]
) -> tuple[Ordering, ...]:
    """All distinct spin patterns of a configuration, the fewest moments down first.

    Parameters
    ----------
    group : SiteGroup
    parts : sequence of Part
    sites : (n,) int
        Sites taken, part after part as in `in_order`.
    magnetic : collection of str
        Names ("C") or labels ("C_O") of the parts that carry a moment.

    Raises
    ------
    StructureError
        If there are more moments than can be written down.
    """
    moments = _magnetic_sites(parts, sites, magnetic)
    if not moments:
        return (Ordering("NM", (), 1),)
    if len(moments) > MOST_MOMENTS:
        what = f"{len(moments)} moments have {2 ** len(moments)} patterns"
        raise StructureError(what, where="spin", todo=f"at most {MOST_MOMENTS} are enumerated; name the states wanted")
    images = group.table[stabiliser(group, parts, sites)][:, moments]
    places = np.array([[moments.index(int(s)) for s in row] for row in np.unique(images, axis=0)])
    return tuple(_ordering(*found) for found in _orbits(places))


def _magnetic_sites(parts: Sequence[Part], sites: Sequence[int], magnetic: Collection[str]) -> list[int]:
    named = zip(in_order(parts), slots(parts), strict=True)
    return [int(s) for p, where in named if {p.name, p.label} & set(magnetic) for s in sites[where]]


def _orbits(places: Ints) -> list[tuple[Ints, int]]:
    """Patterns (1 is down) that come first in their orbits, with the sizes of these."""
    n = places.shape[1]
    patterns = np.arange(2**n)[:, None] >> np.arange(n)[::-1] & 1
    # The fewest down come first; among them those whose first moments are up.
    values = patterns.sum(axis=1) << n | np.arange(2**n)
    first = values.copy()
    for down in (patterns, 1 - patterns):
        for place in places:
            turned = down[:, place]
            first = np.minimum(first, turned.sum(axis=1) << n | turned @ (1 << np.arange(n)[::-1]))
    lowest, sizes = np.unique(first, return_counts=True)
    return [(patterns[v & (2**n - 1)], int(size)) for v, size in zip(lowest, sizes, strict=True)]


def _ordering(down: Ints, multiplicity: int) -> Ordering:
    signs = tuple(-1 if d else 1 for d in down)
    return Ordering(_name(signs), signs, multiplicity)


def _name(signs: tuple[int, ...]) -> str:
    if min(signs) > 0:
        return "FM"
    return "AF" if len(signs) == 2 else "".join("+" if s > 0 else "-" for s in signs)
