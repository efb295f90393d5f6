"""From a relaxed thin junction to a thick one: both interfaces keep their displacements, the middle is filled up."""

from __future__ import annotations

import numpy as np

from defectflow.errors import StructureError
from defectflow.schema.cell import Cell, Floats
from defectflow.schema.layers import JunctionCell, Layer, ThinRelaxation, heights

_Key = tuple[str, str, int]


def displaced_as(relaxation: ThinRelaxation, relaxed: Cell) -> Cell:
    """The thick junction, as built, with the displacements of the relaxed thin one.

    Every layer moves as the layer of the same kind, side and depth did, atom by atom; the oxide layers that only the
    thick one has move as a whole, evenly between the innermost layers on either side.

    Raises
    ------
    StructureError
        If the relaxed cell is not the thin junction.
    """
    thin, thick = relaxation.thin, relaxation.thick
    if relaxed.species != thin.cell.species:
        raise StructureError("the relaxed cell is not the thin junction that was built")
    known = _moves(thin, relaxed, whole=len(thin.cell) == len(thick.cell))
    moves = {_key(layer): known.get(_key(layer)) for layer in thick.layers}
    return thick.cell.with_coords(thick.cell.coords + _fill(thick, moves) @ np.linalg.inv(thick.cell.lattice))


def _key(layer: Layer) -> _Key:
    return layer.kind, layer.side, layer.depth


def _moves(thin: JunctionCell, relaxed: Cell, whole: bool) -> dict[_Key, Floats]:
    """Displacements (A) of the atoms of every layer; the single middle layer of an odd barrier belongs to no side."""
    shift = relaxed.coords - thin.cell.coords
    shift = (shift - np.round(shift)) @ thin.cell.lattice  # an engine may have wrapped an atom
    deepest = len(thin.of_kind("oxide")) // 2
    return {
        _key(layer): shift[list(layer.sites)]
        for layer in thin.layers
        if whole or layer.kind != "oxide" or layer.depth <= deepest
    }


def _fill(thick: JunctionCell, moves: dict[_Key, Floats | None]) -> Floats:
    """Displacement of every atom (A), shape (n, 3)."""
    height = dict(zip(map(_key, thick.layers), heights(thick.cell, thick.layers), strict=True))
    known = [(height[k], m.mean(axis=0)) for k, m in moves.items() if m is not None and k[0] == "oxide"]
    places, means = np.array([h for h, _ in known]), np.array([m for _, m in known])
    total = np.zeros((len(thick.cell), 3))
    for layer in thick.layers:
        move = moves[_key(layer)]
        even = [np.interp(height[_key(layer)], places, means[:, axis]) for axis in range(3)]
        total[list(layer.sites)] = np.array(even) if move is None else move
    return total
