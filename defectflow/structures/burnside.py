"""How many distinct configurations there are, without making one: the lemma of Cauchy, Frobenius and Burnside."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import comb, prod

import numpy as np

from defectflow.structures.parts import Part, check_parts
from defectflow.structures.sites import Ints
from defectflow.structures.symmetry import SiteGroup, Table

_AT_ONCE = 200_000  # sites under operations looked at at once: bounds the memory
Counts = tuple[int, ...]
CycleType = tuple[tuple[int, int], ...]  # (length, how many cycles), by length


def total_count(group: SiteGroup, parts: Sequence[Part]) -> int:
    """All configurations of the supercell, equivalent ones included: a product of multinomials."""
    check_parts(group.kinds, parts)
    return prod(_ways(((1, group.kinds.count(s)),), counts) for s, counts in _by_sublattice(parts).items())


def burnside_count(group: SiteGroup, parts: Sequence[Part]) -> int:
    """Distinct configurations: the mean over the group of how many configurations an operation keeps.

    An operation keeps those whose parts are unions of its cycles; operations with equal cycles are counted once.
    """
    check_parts(group.kinds, parts)
    wanted = _by_sublattice(parts)
    kept = 0
    for types, operations in _cycle_types(group, list(wanted)).items():
        kept += operations * prod(_ways(t, counts) for t, counts in zip(types, wanted.values(), strict=True))
    return kept // group.order


def _by_sublattice(parts: Sequence[Part]) -> dict[str, Counts]:
    names = sorted({p.sublattice for p in parts})
    return {name: tuple(p.count for p in parts if p.sublattice == name) for name in names}


def _cycle_types(group: SiteGroup, sublattices: list[str]) -> Counter[tuple[CycleType, ...]]:
    """Cycles on each sublattice, and how many operations have them."""
    found: Counter[tuple[CycleType, ...]] = Counter()
    kinds = np.array(group.kinds)
    for some in np.array_split(group.table, 1 + group.table.size // _AT_ONCE):
        lengths = _cycle_lengths(some)
        there = np.unique(lengths)
        counts = np.stack([(lengths == n)[:, kinds == s].sum(axis=1) // n for s in sublattices for n in there], axis=1)
        rows, operations = np.unique(counts, axis=0, return_counts=True)
        for row, times in zip(rows, operations, strict=True):
            found[tuple(_cycle_type(there, c) for c in np.split(row, len(sublattices)))] += int(times)
    return found


def _cycle_type(lengths: Table, cycles: Ints) -> CycleType:
    return tuple((int(n), int(m)) for n, m in zip(lengths, cycles, strict=True) if m)


def _cycle_lengths(table: Table) -> Table:
    """Length of the cycle that each site lies in, (operations, sites)."""
    lengths, moved, places = np.zeros_like(table), table, np.arange(table.shape[1])
    step = 1
    while not lengths.all():
        lengths[(moved == places) & (lengths == 0)] = step
        moved, step = np.take_along_axis(table, moved.astype(np.int64), axis=1), step + 1
    return lengths


def _ways(cycles: CycleType, counts: Counts) -> int:
    """How often x^counts is in the product of (1 + x1^n + x2^n + ...)^m over cycles: m of length n."""
    found = Counter({(0,) * len(counts): 1})
    for length, cycles_there in cycles:
        grown: Counter[Counts] = Counter()
        for taken, ways in found.items():
            room = [(c - t) // length for c, t in zip(counts, taken, strict=True)]
            for more, times in _choices(cycles_there, room):
                grown[tuple(t + length * m for t, m in zip(taken, more, strict=True))] += ways * times
        found = grown
    return found[counts]


def _choices(cycles: int, room: Sequence[int]) -> list[tuple[Counts, int]]:
    """Numbers of cycles given to each part, with the ways to choose them."""
    if not room:
        return [((), 1)]
    return [
        ((n, *rest), comb(cycles, n) * times)
        for n in range(min(room[0], cycles) + 1)
        for rest, times in _choices(cycles - n, room[1:])
    ]
