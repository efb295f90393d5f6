"""Speed of the transport model against a plain numpy loop and against kwant, and its cost per parameter set.

    python benchmarks/transport.py [--rounds 7]

A pair of I(V) curves (P and AP) of 401 biases each with the paper's parameters, exchange off. The loop does what one
writes first: for every alignment, bias and spin the matrix inverses on an energy grid (vectorised over the energies)
and a trapezoidal sum; on the coarsest grid, within a factor of two, whose error stays below 1e-6 of the largest
current, and on a coarse one with the error that it has. kwant gives the transmission energy by energy; 40 energies are
timed and scaled up to the loop's grid, and it is left out where it is not installed (pip install kwant). Median
(smallest to largest) of rounds that take turns; BLAS on one thread.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import statistics
import time
from collections.abc import Callable

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from defectflow.schema.chain import paper_chain
from defectflow.transport.chain import solve
from defectflow.transport.sets import NA_PER_MEV, Chains, chains, values_of

PAPER = paper_chain()
BIAS = np.linspace(-10, 10, 401)
COARSE = 2001  # energies
REACH = 400.0  # meV around E_F, the loop's window


def ours(sets: int = 1) -> np.ndarray:
    """Currents of equal parameter sets side by side."""
    values = {k: np.full(sets, v) for k, v in values_of(PAPER).items()}
    return solve(values, PAPER.options, BIAS).currents[0]


def loop(points: int) -> np.ndarray:
    """The plain loop."""
    energies = np.linspace(-REACH, REACH, points)
    made = chains(values_of(PAPER), PAPER.options, BIAS)
    found = np.empty(made.kT.shape)
    for n in np.ndindex(*found.shape):
        h = np.diag(made.levels[n]) + np.diag(made.hoppings[n], 1) + np.diag(made.hoppings[n], -1)
        left, right = made.gamma[n]
        h = h + np.diag([-0.5j * left, 0, 0, -0.5j * right])
        green = np.linalg.inv(energies[:, None, None] * np.eye(4) - h)
        f = [1 / (np.exp((energies - mu) / made.kT[n]) + 1) for mu in made.mu[n]]
        flow = left * right * np.abs(green[:, 0, 3]) ** 2 * (f[0] - f[1])
        found[n] = NA_PER_MEV * (flow[1:] + flow[:-1]).sum() * (energies[1] - energies[0]) / 2
    return found[0]


def kwant_seconds(energies: int) -> float:
    """Time of one transmission of kwant."""
    import kwant

    lattice, wide = kwant.lattice.chain(norbs=1), 1e3
    one: Chains = chains(values_of(PAPER), PAPER.options, BIAS[:1]).flat().part(slice(0, 1))
    builder = kwant.Builder()
    for n, level in enumerate((0.0, *one.levels[0], 0.0), -1):
        builder[lattice(n)] = level
    ends = np.sqrt(one.gamma[0] * wide / 2)
    for n, hop in enumerate((ends[0], *one.hoppings[0], ends[1]), -1):
        builder[lattice(n), lattice(n + 1)] = hop
    for way in (-1, 1):
        lead = kwant.Builder(kwant.TranslationalSymmetry((way,)))
        lead[lattice(0)], lead[lattice(0), lattice(1)] = 0.0, wide
        builder.attach_lead(lead)
    system, start = builder.finalized(), time.perf_counter()
    for energy in np.linspace(-10, 10, energies):
        kwant.smatrix(system, energy).transmission(1, 0)
    return (time.perf_counter() - start) / energies


def seconds(call: Callable[[], object]) -> float:
    """Wall time of a call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def error(points: int, true: np.ndarray) -> float:
    """Of the loop, over the largest current."""
    return float(np.abs(loop(points) - true).max() / np.abs(true).max())


def coarsest(true: np.ndarray) -> int:
    """Points of the loop's grid, see above."""
    points = COARSE
    while error(points, true) > 1e-6:
        points = 2 * points - 1
    return points


def spread(values: list[float]) -> str:
    """Median (smallest to largest)."""
    return f"{statistics.median(values):.3g} ({min(values):.3g} to {max(values):.3g})"


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    rounds, true = parser.parse_args().rounds, ours()
    points = coarsest(true)
    calls = {
        "defectflow": ours,
        f"plain loop, {points} energies, error {error(points, true):.0e}": lambda: loop(points),
        f"plain loop, {COARSE} energies, error {error(COARSE, true):.0e}": lambda: loop(COARSE),
    }
    taken = [{name: seconds(call) for name, call in calls.items()} for _ in range(rounds)]
    if importlib.util.find_spec("kwant"):
        taken = [{**t, f"kwant, {points} energies": kwant_seconds(40) * points * true.size} for t in taken]
    print("two curves of 401 biases, both spins\n\n| | s | over defectflow |\n|---|---|---|")
    for name in taken[0]:
        ratios = [t[name] / t["defectflow"] for t in taken]
        print(f"| {name} | {spread([t[name] for t in taken])} | {spread(ratios)} |")
    print("\n| parameter sets | µs per bias, alignment and spin |\n|---|---|")
    for sets in (1, 10, 100):
        cost = [1e6 * seconds(lambda n=sets: ours(n)) / (true.size * sets) for _ in range(3)]
        print(f"| {sets} | {spread(cost)} |", flush=True)


if __name__ == "__main__":
    main()
