"""Dopants and vacancies on numbered sites of a supercell."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from defectflow.schema.cell import Floats
from defectflow.structures.parts import Part, label
from defectflow.structures.symmetry import SiteGroup


@dataclass(frozen=True, eq=False)
class Placement:
    """Which sites of a group are taken by which part.

    Attributes
    ----------
    group : SiteGroup
    parts : tuple of Part
        In the order of `defectflow.structures.parts.in_order`.
    sites : tuple of int
        Sites taken, part after part.
    """

    group: SiteGroup
    parts: tuple[Part, ...]
    sites: tuple[int, ...]

    @property
    def label(self) -> str:
        """Canonical name if the sites are canonical."""
        return label(self.parts, self.sites)

    @property
    def defects(self) -> tuple[str, ...]:
        """What sits on each of the sites."""
        return tuple(part.label for part in self.parts for _ in range(part.count))

    @property
    def centres(self) -> Floats:
        """Fractional coordinates of the sites, (m, 3)."""
        return np.asarray(self.group.coords[self.group.sites[list(self.sites)]])

    @property
    def distance(self) -> float:
        """Shortest distance of any two of the sites (A), infinite for one."""
        apart = self.group.distances[np.ix_(self.sites, self.sites)]
        return float(apart[np.triu_indices(len(self.sites), 1)].min(initial=np.inf))
