"""Parameter scans and sensitivities: many sets at once, in blocks that a map may spread over cores."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import product
from math import prod

import numpy as np

from defectflow.errors import AnalysisError
from defectflow.schema.cell import Floats
from defectflow.schema.chain import Chain
from defectflow.transport.chain import solve
from defectflow.transport.features import features
from defectflow.transport.model import solve_chain
from defectflow.transport.sets import values_of, with_values

BLOCK = 16  # parameter sets that are solved together
MOST_INTEGRALS = 5e7
STEP = 0.01  # of a parameter, for its sensitivity
Set = dict[str, float]
Row = dict[str, float | None]
Map = Callable[[Callable[[list[Set]], list[Row]], Iterable[list[Set]]], Iterable[list[Row]]]


@dataclass(frozen=True, eq=False)
class Scan:
    """Base parameters, what is varied (name to values) and the bias grid (mV).

    Raises
    ------
    AnalysisError
        If it asks for more integrals than a workstation does in a day or holds in its memory.
    """

    chain: Chain
    axes: dict[str, Floats]
    bias: Floats

    def __post_init__(self) -> None:
        integrals = 4.0 * len(self.bias) * self.size
        if integrals > MOST_INTEGRALS:
            what = f"{integrals:.1e} energy integrals are too many (at most {MOST_INTEGRALS:.0e})"
            raise AnalysisError(what, todo="coarsen a grid")

    @property
    def size(self) -> int:
        """How many parameter sets."""
        return prod(len(a) for a in self.axes.values())

    def sets(self) -> list[Set]:
        """Every combination of the axes' values, the last axis fastest."""
        return [dict(zip(self.axes, map(float, v), strict=True)) for v in product(*self.axes.values())]

    def blocks(self) -> list[list[Set]]:
        """The same in blocks that are solved together."""
        sets = self.sets()
        return [sets[n : n + BLOCK] for n in range(0, len(sets), BLOCK)]


def scan(wanted: Scan, mapped: Map = map) -> Iterator[Row]:
    """Rows of parameter values and features, in the order of `Scan.sets`, block by block.

    Raises
    ------
    AnalysisError, RecipeError
        If a parameter does not exist or a value is not possible; before anything is solved.
    """
    for name, values in wanted.axes.items():
        for value in (values.min(), values.max()):
            with_values(wanted.chain, {name: float(value)})
    blocks = wanted.blocks()
    for block, rows in zip(blocks, mapped(partial(solve_block, wanted.chain, wanted.bias), blocks), strict=True):
        yield from ({**values, **row} for values, row in zip(block, rows, strict=True))


def solve_block(chain: Chain, bias: Floats, sets: list[Set]) -> list[Row]:
    """Features of some parameter sets; those with thermal spins are iterated one by one."""
    if chain.spins.order == "self-consistent" and (chain.spins.v or any(s.get("v") for s in sets)):
        return [features(solve_chain(with_values(chain, s), bias).curves)[0] for s in sets]
    spins = solve_chain(chain, bias[:1]).spins.spins[0, 0]
    varied = {name: np.array([s[name] for s in sets]) for name in sets[0]}
    values = {k: np.full(len(sets), v) for k, v in values_of(chain).items()} | varied
    return features(solve(values, chain.options, bias, spins))


def sensitivity(chain: Chain, bias: Floats, mapped: Map = map) -> Iterator[tuple[str, Row]]:
    """Change of every feature per unit of every parameter (central difference over one per cent of it, or of 1).

    Parameters at zero that switch something on (v) are left out.
    """
    base = {k: v for k, v in values_of(chain).items() if k != "v" or v}
    for name, value in base.items():
        step = STEP * (abs(value) or 1.0)
        wanted = Scan(chain, {name: np.array([value - step, value + step])}, bias)
        low, high = scan(wanted, mapped)
        yield name, {k: _slope(low[k], high[k], 2 * step) for k in low if k != name}


def _slope(low: float | None, high: float | None, step: float) -> float | None:
    return None if low is None or high is None else (high - low) / step
