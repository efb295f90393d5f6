"""A junction as a stack of layers: which atoms belong to which layer of what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from defectflow.schema.cell import Cell, Floats


@dataclass(frozen=True)
class Layer:
    """One atomic layer.

    Attributes
    ----------
    kind : str
        "metal", "oxide" or "inserted".
    side : str
        "left" or "right" of the barrier's middle.
    depth : int
        Layers from the interface of its side, 1 is at the interface; the same in metal and oxide.
    sites : tuple of int
        Atoms of the cell.
    """

    kind: Literal["metal", "oxide", "inserted"]
    side: Literal["left", "right"]
    depth: int
    sites: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class JunctionCell:
    """A junction along the third lattice vector, which is normal to the layers; the barrier's middle is at half of it.

    Attributes
    ----------
    cell : Cell
        With signed moments on the metal.
    layers : tuple of Layer
        By height.
    state : str
        "P" or "AP".
    strain : (float, float)
        Principal strains of the strained crystal in the plane; positive is stretched.
    strained : str
        "electrode" or "oxide".
    bulk : Cell
        The oxide alone with the junction's in-plane lattice and spacing, two layers.
    """

    cell: Cell
    layers: tuple[Layer, ...]
    state: str
    strain: tuple[float, float]
    strained: str
    bulk: Cell

    def of_kind(self, kind: str) -> tuple[Layer, ...]:
        """Layers of the metal, the oxide, or those inserted, by height."""
        return tuple(layer for layer in self.layers if layer.kind == kind)


@dataclass(frozen=True, eq=False)
class ThinRelaxation:
    """The relaxation of a thinner junction (its job's path and the cell as built), and the one that takes it over."""

    path: str
    thin: JunctionCell
    thick: JunctionCell


def heights(cell: Cell, layers: tuple[Layer, ...]) -> Floats:
    """Mean height of each layer (A) from the lower end of the cell, shape (layers,); relaxed cells may be wrapped."""
    length = float(np.linalg.norm(cell.lattice[2]))
    return np.array([_mean_fraction(cell.coords[list(layer.sites), 2]) for layer in layers]) * length


def _mean_fraction(z: Floats) -> float:
    away = z - z[0]  # of a layer at the cell's end some atoms may stand at the other end
    mean = float(z[0] + (away - np.round(away)).mean())
    return round(mean, 9) % 1.0
