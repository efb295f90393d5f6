"""All symmetry-distinct ways of putting dopants on the sites of a supercell, as a stream of arrays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from defectflow.structures.distances import SAME_LENGTH, shell_lengths, shell_numbers
from defectflow.structures.orderly import Search
from defectflow.structures.parts import Part, check_parts, in_order, label, parse_part
from defectflow.structures.sites import Bools, Ints
from defectflow.structures.symmetry import SiteGroup

__all__ = ["Batch", "Limits", "Part", "distinct_configurations", "in_order", "label", "parse_part"]


@dataclass(frozen=True)
class Limits:
    """What any two of the sites that are taken have to keep.

    Attributes
    ----------
    nearest, diameter : float
        Smallest and largest distance (A) through the nearest image.
    shells : tuple of int
        Numbers of the allowed distances, nearest is 1; empty for all.
    lengths : tuple of float
        The distances that are numbered (A), nearest first; empty for those of the sites that are looked at.
    """

    nearest: float = 0.0
    diameter: float = float("inf")
    shells: tuple[int, ...] = ()
    lengths: tuple[float, ...] = ()

    @property
    def none(self) -> bool:
        """Whether everything is allowed."""
        return self == Limits()

    def among(self, group: SiteGroup) -> Limits:
        """The same limits with shells numbered among the sites of this group, to be kept on some of them."""
        return replace(self, lengths=tuple(shell_lengths(group.distances))) if self.shells else self

    def allow(self, group: SiteGroup) -> Bools:
        """Which two different sites may both be taken, (n, n)."""
        apart = ~np.eye(len(group.sites), dtype=bool)
        if self.none:
            return apart
        distance = group.distances
        allowed = (distance > self.nearest - SAME_LENGTH) & (distance < self.diameter + SAME_LENGTH)
        if self.shells:
            lengths = np.array(self.lengths) if self.lengths else shell_lengths(distance)
            allowed &= np.isin(shell_numbers(distance, lengths), self.shells)
        return allowed & apart


@dataclass(frozen=True, eq=False)
class Batch:
    """Some of the distinct configurations.

    Attributes
    ----------
    sites : (b, n) int
        Sites taken (numbers in ``SiteGroup.sites``), part after part as in `in_order`, rising within a part.
    degeneracy : (b,) int
        How many configurations of the supercell each stands for.
    operations : (m,) int
        Operations that keep them (rows of ``SiteGroup.table``), one configuration after the other; each has
        ``SiteGroup.order / degeneracy``.
    """

    sites: Ints
    degeneracy: Ints
    operations: Ints

    def __len__(self) -> int:
        return len(self.sites)


def distinct_configurations(group: SiteGroup, parts: Sequence[Part], limits: Limits | None = None) -> Iterator[Batch]:
    """Stream the distinct configurations in rising order of their sites.

    Each is the lowest of all its equivalents, so it is the same for every way of writing the crystal down.

    Raises
    ------
    StructureError
        If there are fewer sites than are asked for.
    """
    check_parts(group.kinds, parts)
    placed = in_order(parts)
    allowed = [np.array(group.kinds) == part.sublattice for part in placed]
    search = Search(group, [part.count for part in placed], allowed, (limits or Limits()).allow(group))
    for nodes in search.below(search.root()):
        kept = nodes.stop - nodes.start
        yield Batch(nodes.sites, group.order // kept, nodes.operations)
