"""Cells with their moments, for a picture in three dimensions."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np

from defectflow.export.report.facts import Facts, StateFacts
from defectflow.schema import CalcResult

BOND = 1.15  # bonds are drawn up to this many times the shortest distance of two unlike atoms


def structure_data(facts: Facts) -> list[dict[str, Any]]:
    """Every state's cell: lengths in A, moments in muB."""
    return [_structure(s) for s in facts.states]


def _structure(s: StateFacts) -> dict[str, Any]:
    entry = s.entry
    cell = entry.result.cell if entry.result else entry.pair.cell
    moments = entry.result.site_moments if entry.result else entry.pair.cell.moments
    kind = f"site moments, {entry.result.site_moment_kind}" if entry.result else "intended moments, no result"
    positions = _around(cell.coords, entry.pair.dopants) @ cell.lattice
    return {
        "name": entry.name,
        "pair": entry.pair.orbit.label,
        "state": entry.name.removeprefix(f"pair {entry.pair.orbit.label} "),
        "kind": kind,
        "lattice": np.round(cell.lattice, 4).tolist(),
        "species": list(cell.species),
        "positions": np.round(positions, 4).tolist(),
        "moments": np.round(moments, 3).tolist(),
        "dopants": list(entry.pair.dopants),
        "bonds": _bonds(positions, cell.species),
    }


def _around(coords: np.ndarray, dopants: tuple[int, int]) -> np.ndarray:
    """Fractional coordinates with the middle of the pair, by its nearest images, in the middle of the cell."""
    first, second = coords[list(dopants)]
    apart = second - first
    middle = first + (apart - np.rint(apart)) / 2
    moved = coords - middle + 0.5
    return np.asarray(moved - np.floor(moved + 1e-6))


def _bonds(positions: np.ndarray, species: tuple[str, ...]) -> list[list[int]]:
    """Unlike neighbours inside the cell; bonds to its images are left out."""
    apart = np.linalg.norm(positions[:, None] - positions[None], axis=2)
    pairs = [(i, j) for i, j in combinations(range(len(species)), 2) if species[i] != species[j]]
    shortest = min((apart[p] for p in pairs), default=0.0)
    return [[i, j] for i, j in pairs if apart[i, j] < BOND * shortest]


def site_rows(facts: Facts) -> list[dict[str, Any]]:
    """CSV rows of all sites of every state with a result: positions (A) as they were run, and moments (muB)."""
    return [row for s in facts.states if s.entry.result for row in _site_rows(s.entry.name, s.entry.result)]


def _site_rows(name: str, result: CalcResult) -> list[dict[str, Any]]:
    table = zip(result.cell.species, result.cell.positions.tolist(), result.site_moments.tolist(), strict=True)
    return [
        {"state": name, "site": n, "element": symbol, "x_A": x, "y_A": y, "z_A": z, "moment_muB": moment}
        for n, (symbol, (x, y, z), moment) in enumerate(table, start=1)
    ]
