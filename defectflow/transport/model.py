"""One parameter set solved: local spins first, then currents; and its levels at a bias, as a picture shows them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from defectflow.schema.cell import Floats
from defectflow.schema.chain import Chain
from defectflow.transport.chain import Curves, solve
from defectflow.transport.sets import ALIGNMENTS, SPINS, chains, values_of
from defectflow.transport.spins import SpinReport, solve_spins

ZONES = ("lead L", "SP1", "PM1", "PM2", "SP2", "lead R")


@dataclass(frozen=True, eq=False)
class Solution:
    """Currents of one parameter set (`curves` has one set) and the spins that they were computed with."""

    chain: Chain
    curves: Curves
    spins: SpinReport


@dataclass(frozen=True)
class ZoneLevel:
    """A level, or of a lead the electrochemical potential, at a bias (meV); `width` is full, 0 for PM levels."""

    alignment: str
    spin: str
    zone: str
    energy: float
    width: float


def solve_chain(chain: Chain, bias: Floats) -> Solution:
    """Currents in P and AP at biases (nb,) in mV."""
    found = solve_spins(chain, bias)
    return Solution(chain, solve(values_of(chain), chain.options, bias, found.spins[None, :, None]), found)


def level_picture(solution: Solution, bias: float) -> tuple[ZoneLevel, ...]:
    """Levels of every zone, both alignments and spins, at the solved bias nearest to the one given (mV)."""
    at = int(np.abs(solution.curves.bias - bias).argmin())
    values, spins = values_of(solution.chain), solution.spins.spins[None, :, None, [at]]
    made = chains(values, solution.chain.options, solution.curves.bias[[at]], spins)
    found = []
    for (a, alignment), (s, spin) in ((x, y) for x in enumerate(ALIGNMENTS) for y in enumerate(SPINS)):
        left, right = (float(m) for m in made.mu[0, a, s, 0])
        energies = (left, *made.levels[0, a, s, 0].tolist(), right)
        wide, narrow = made.gamma[0, a, s, 0].tolist()
        widths = (0.0, wide, 0.0, 0.0, narrow, 0.0)
        found += [ZoneLevel(alignment, spin, z, e, w) for z, e, w in zip(ZONES, energies, widths, strict=True)]
    return tuple(found)
