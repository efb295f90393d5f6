"""Orderly generation (Read, Ann. Discrete Math. 2, 107 (1978); Faradzev 1978) of sets of sites, in whole arrays.

A configuration is a list of site numbers, part by part and rising within each part; it is canonical if no operation of
the group makes that list smaller. Without its last site a canonical one is canonical too, so each is met once, by
adding a larger site to a smaller one; nothing is stored but the branch that is being looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from defectflow.structures.sites import Bools, Ints
from defectflow.structures.symmetry import SiteGroup

Words = NDArray[np.uint64]
_CANDIDATES = 100_000  # configurations that are made at once
_FIRST = 8  # operations tried on all candidates; then eight times as many on those that are left
_AT_ONCE = 100_000  # images looked at at once: bounds the memory, and fits the processor's cache
_WORD = 64  # sites in a machine word


@dataclass(frozen=True, eq=False)
class Nodes:
    """Canonical configurations, perhaps unfinished.

    Attributes
    ----------
    sites : (b, k) int
    operations : (m,) int
        What keeps all finished parts of a configuration; which of them, say the next two.
    start, stop : (b,) int
    """

    sites: Ints
    operations: Ints
    start: Ints
    stop: Ints

    def take(self, rows: slice | Ints, sites: Ints | None = None) -> Nodes:
        """Some of them, or what was made from them."""
        kept = self.sites[rows] if sites is None else sites
        return Nodes(kept, self.operations, self.start[rows], self.stop[rows])


class Search:
    """Configurations of parts of given sizes.

    Parameters
    ----------
    group : SiteGroup
    counts : sequence of int
        Sites of each part.
    allowed : sequence of (n,) bool
        Where each part may sit.
    may_meet : (n, n) bool
        Which two sites may both be taken.
    """

    def __init__(self, group: SiteGroup, counts: Sequence[int], allowed: Sequence[Bools], may_meet: Bools) -> None:
        self.n, self.order, self.lowest = len(group.sites), group.order, group.lowest
        self.slots = [n for n, count in enumerate(counts) for _ in range(count)]
        self.allowed, self.may_meet = allowed, may_meet
        # An operation that is none: its images are larger than everything.
        none = np.full((1, self.n), self.n, dtype=group.table.dtype)
        table = np.concatenate([group.table, none])
        self.table = table.ravel()
        self.bits = [_bits(self.n, w) for w in range(-(-self.n // _WORD))]
        site, self.to_lowest = np.nonzero((group.table == group.lowest).T)
        self.first = np.searchsorted(site, np.arange(self.n + 1))
        self.second = np.minimum.reduceat(table[self.to_lowest], self.first[:-1])
        np.fill_diagonal(self.second, self.n)

    def root(self) -> Nodes:
        """The cell without dopants."""
        return Nodes(np.zeros((1, 0), np.int64), np.arange(self.order), np.array([0]), np.array([self.order]))

    def below(self, nodes: Nodes) -> Iterator[Nodes]:
        """All finished configurations that begin with one of the given."""
        if nodes.sites.shape[1] == len(self.slots):
            yield nodes
            return
        step = 1 + _CANDIDATES // self.n
        for first in range(0, len(nodes.sites), step):
            children = self.extended(nodes.take(slice(first, first + step)))
            if len(children.sites):
                yield from self.below(children)

    def extended(self, nodes: Nodes) -> Nodes:
        """Canonical configurations with one more site."""
        depth = nodes.sites.shape[1]
        part = self.slots[depth]
        candidates, begin = self.candidates(nodes, depth), self.slots.index(part)
        new = candidates.sites[:, begin:]
        if part:
            lists = candidates
            owner = np.arange(len(new))
        else:
            better, same = self.compared_pairs(new)
            candidates, new = candidates.take(np.flatnonzero(~better), candidates.sites[~better]), new[~better]
            owner, column = np.nonzero(same[~better])
            lists = self.bringing_low(new[owner, column])
        alive, kept = self.tested(new, owner, lists)
        if depth + 1 < len(self.slots) and self.slots[depth + 1] == part:
            return candidates.take(np.flatnonzero(alive))
        return _finished(candidates.sites, alive, *kept)

    def candidates(self, nodes: Nodes, depth: int) -> Nodes:
        """Each configuration with one more site that is larger than those of its part."""
        part = self.slots[depth]
        free = np.tile(self.allowed[part], (len(nodes.sites), 1))
        for column in nodes.sites.T:
            free &= self.may_meet[column]
        if depth and self.slots[depth - 1] == part:
            free &= np.arange(self.n) > nodes.sites[:, -1:]
        row, site = np.nonzero(free)
        return nodes.take(row, np.concatenate([nodes.sites[row], site[:, None]], axis=1))

    def compared_pairs(self, new: Ints) -> tuple[Bools, Bools]:
        """Which configurations their two lowest images make smaller, and which sites can come to lie on the first.

        The lowest two sites of an image, with a given site on the lowest of its orbit, are tabled once for all pairs.
        """
        second = np.full(new.shape, self.n, dtype=self.second.dtype)
        for column in new.T:
            second = np.minimum(second, self.second[new, column[:, None]])
        images = self.lowest[new] * (self.n + 1) + second
        own = new[:, :1] * (self.n + 1) + (new[:, 1:2] if new.shape[1] > 1 else self.n)
        return np.asarray((images < own).any(axis=1)), images == own

    def bringing_low(self, sites: Ints) -> Nodes:
        """For each site, what brings it to the lowest of its orbit."""
        return Nodes(sites[:, None], self.to_lowest, self.first[sites], self.first[sites + 1])

    def tested(self, new: Ints, owner: Ints, lists: Nodes) -> tuple[Bools, tuple[Ints, Ints]]:
        """Which configurations no operation of their lists makes smaller, and which keeps one: (configuration, it)."""
        alive = np.ones(len(new), dtype=bool)
        own = [np.bitwise_or.reduce(bits[new], axis=1) for bits in self.bits]
        kept = [(np.zeros(0, np.int64), np.zeros(0, np.int64))]
        done, longest = 0, int((lists.stop - lists.start).max(initial=0))
        while done < longest:
            width = min(_FIRST if not done else 8 * done, longest - done)
            left = np.flatnonzero(alive[owner] & (lists.start + done < lists.stop))
            for some in np.array_split(left, 1 + len(left) * width // _AT_ONCE):
                at = lists.start[some, None] + np.arange(done, done + width)
                operations = lists.operations.take(at, mode="clip")
                operations[at >= lists.stop[some, None]] = self.order
                kept.append(self.compared(new, own, owner[some], operations, alive))
            done += width
        who, operation = (np.concatenate([k[n] for k in kept]) for n in (0, 1))
        return alive, (who, operation)

    def compared(self, new: Ints, own: list[Words], owner: Ints, operations: Ints, alive: Bools) -> tuple[Ints, Ints]:
        """Strike out what an operation makes smaller; give what stays the same as (configuration, operation)."""
        at, sites = operations * self.n, new[owner]
        image = self.bits[0].take(self.table.take(at + sites[:, :1]))
        for column in sites.T[1:]:
            image |= self.bits[0].take(self.table.take(at + column[:, None]))
        mine = own[0][owner][:, None]
        alive[owner[(image > mine).any(axis=1)]] = False
        row, where = np.nonzero(image == mine)
        who, operation = owner[row], operations[row, where]
        for bits, word in zip(self.bits[1:], own[1:], strict=True):
            image = np.bitwise_or.reduce(bits[self.table[operation[:, None] * self.n + new[who]]], axis=1)
            alive[who[image > word[who]]] = False
            same = image == word[who]
            who, operation = who[same], operation[same]
        return who, operation


def _finished(sites: Ints, alive: Bools, who: Ints, operation: Ints) -> Nodes:
    """What is left, with the operations that keep each."""
    inside = alive[who]
    who, operation = who[inside], operation[inside]
    stop = np.cumsum(np.bincount(who, minlength=len(alive))[alive])
    return Nodes(sites[alive], operation[np.argsort(who, kind="stable")], np.append(0, stop)[:-1], stop)


def _bits(n: int, word: int) -> Words:
    """One bit for each site of a word: of two sets of one size, that with the lower sites has the larger number."""
    bits = np.zeros(n + 1, dtype=np.uint64)
    low, high = word * _WORD, min(n, (word + 1) * _WORD)
    bits[low:high] = np.left_shift(np.uint64(1), np.arange(_WORD - 1, _WORD - 1 - (high - low), -1).astype(np.uint64))
    return bits
