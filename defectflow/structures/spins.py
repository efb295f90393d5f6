"""Signed moments of a dopant pair, and starts that break the symmetry."""

from __future__ import annotations

import numpy as np

from defectflow.errors import StructureError
from defectflow.schema.cell import Floats, PairCell
from defectflow.schema.spin import Start

SHORTEST_BOND = 1.0  # A; shorter than any bond of two dopants of the second row
_ON_AXIS, _BESIDE = 0.9, 0.1  # cosine between a bond and an orbital; below the second a neighbour is at its node
_SIGNS = {"FM": (1, 1), "AF": (1, -1), "NM": (0, 0)}
_SIGN_OF = {"+": 1, "-": -1, "0": 0}


def signs(state: str) -> tuple[int, int]:
    """Signs of the two dopants' moments: FM (+1, +1), AF (+1, -1), NM (0, 0), or those of a pattern "+-"."""
    first, second = _SIGNS.get(state) or (_SIGN_OF[c] for c in state)
    return first, second


def start_coords(pair: PairCell, start: Start) -> Floats | None:
    """Fractional coordinates of a broken start, or None for the symmetric one."""
    if start.kind == "symmetric" or start.amplitude is None:
        return None
    moves = {"rattle": _rattle, "off-centre": _off_centre, "dumbbell": _dumbbell, "orbital": _orbital}[start.kind](
        pair, start
    )
    return np.asarray(pair.cell.coords + start.amplitude * moves @ np.linalg.inv(pair.cell.lattice))


def _rattle(pair: PairCell, start: Start) -> Floats:
    # Uniform directions, radii up to 1; the seed is part of the job's inputs, so the start is reproducible.
    random = np.random.default_rng(start.seed)
    directions = random.normal(size=(len(pair.cell), 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    return np.asarray(directions * random.random((len(pair.cell), 1)))


def _off_centre(pair: PairCell, start: Start) -> Floats:
    moves = np.zeros((len(pair.cell), 3))
    moves[list(pair.dopants)] = np.array(pair.orbit.vector) / pair.orbit.distance
    return moves


def _dumbbell(pair: PairCell, start: Start) -> Floats:
    if 2 * (start.amplitude or 0.0) > pair.orbit.distance - SHORTEST_BOND:
        left = f"a dumbbell start would leave less than {SHORTEST_BOND:g} A"
        what = f"pair {pair.orbit.label} is {pair.orbit.distance:.2f} A apart, {left}"
        raise StructureError(what, where="spin.starts", todo="take a smaller amplitude")
    moves = _off_centre(pair, start)
    moves[pair.dopants[1]] *= -1
    return moves


def _orbital(pair: PairCell, start: Start) -> Floats:
    axes = [np.array(d) / np.linalg.norm(d) for d in start.directions]
    moves = np.sum([_towards(pair, d, axis) for d, axis in zip(pair.dopants, axes, strict=True)], axis=0)
    if (np.linalg.norm(moves, axis=1) > 0.5).sum() < 2 * len(pair.dopants):
        what = f"the neighbours of pair {pair.orbit.label} along {start.axis} are shared by both dopants"
        raise StructureError(
            f"{what} and would not move",
            where="spin.starts",
            todo="choose another axis, or leave this pair out: pairs = [...]",
        )
    moves /= np.maximum(np.linalg.norm(moves, axis=1, keepdims=True), 1.0)  # moved by both: no farther than by one
    return np.asarray(-moves if (start.axis or "").startswith("not-") else moves)


def _towards(pair: PairCell, dopant: int, axis: Floats) -> Floats:
    """Unit moves of a dopant's neighbours towards a p orbital: cations lower its level."""
    offset = pair.cell.coords - pair.cell.coords[dopant]
    vectors = (offset - np.round(offset)) @ pair.cell.lattice
    distance = np.linalg.norm(vectors, axis=1)
    nearest = distance[distance > 0.1].min()
    lobe = np.sign(vectors @ axis)[:, None] * axis  # the half of the orbital that is closer
    part = np.where((distance > 0.1) & (distance < 1.1 * nearest), np.abs(vectors @ axis) / nearest, 0.0)[:, None]
    across = lobe - part * vectors / nearest  # at right angles to the bond
    across /= np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 0.1)
    return np.asarray(np.where(part > _ON_AXIS, -lobe, np.where(part > _BESIDE, across, 0.0)))
