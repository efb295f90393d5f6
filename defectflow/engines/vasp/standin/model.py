"""The toy model: atoms on springs, two levels of moments, an exchange that falls off with distance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from defectflow.engines.vasp.standin.inputs import RunInputs

STIFFNESS = 8.0  # eV/A^2
EXCHANGE = 0.02  # eV at 4 A, parallel moments lower
DECAY = 0.35  # share of a displacement that an ionic step leaves


@dataclass(frozen=True, eq=False)
class State:
    """Energy (eV), forces (eV/A), site moments (muB) and the levels (eV; spin, k, band) of one geometry."""

    energy: float
    forces: np.ndarray
    moments: np.ndarray
    levels: np.ndarray
    occupations: np.ndarray
    fermi: float


def rest_positions(inputs: RunInputs) -> np.ndarray:
    """Fractional coordinates without force: sites of a grid, the atoms of the rarest element a little off it."""
    grid = np.round(inputs.structure.coords * 8) / 8
    counts = inputs.structure.counts
    rarest = counts.index(min(counts))
    first = sum(counts[:rarest])
    grid[first : first + counts[rarest], 2] += 0.004
    return grid


def state_of(inputs: RunInputs, coords: np.ndarray) -> State:
    """Energy and the rest of a geometry, the same for the same inputs."""
    away = (coords - rest_positions(inputs)) @ inputs.structure.lattice
    base = -sum(p.enmax / 100 * n for p, n in zip(inputs.potentials, inputs.structure.counts, strict=True))
    springs = 0.5 * STIFFNESS * float((away**2).sum())
    smearing = 0.01 * inputs.number("SIGMA", 0.2)
    levels, occupations, fermi = _levels(inputs)
    energy = base + springs + _exchange(inputs, coords) - smearing
    return State(energy, -STIFFNESS * away, 0.6 * inputs.moments, levels, occupations, fermi)


def _exchange(inputs: RunInputs, coords: np.ndarray) -> float:
    sites = np.flatnonzero(np.abs(inputs.moments) > 0.5)
    total = 0.0
    for i, a in enumerate(sites):
        for b in sites[i + 1 :]:
            d = coords[b] - coords[a]
            distance = float(np.linalg.norm((d - np.round(d)) @ inputs.structure.lattice))
            total -= EXCHANGE * 4.0 / max(distance, 0.5) * np.sign(inputs.moments[a] * inputs.moments[b])
    return total


def k_points(inputs: RunInputs) -> tuple[np.ndarray, np.ndarray]:
    """Mesh folded by k = -k: coordinates and weights."""
    shift = [0.0 if inputs.gamma or n % 2 else 0.5 / n for n in inputs.mesh]
    axes = [np.arange(n) / n + s for n, s in zip(inputs.mesh, shift, strict=True)]
    full = np.array(np.meshgrid(*axes, indexing="ij")).reshape(3, -1).T
    folded = {tuple(_canonical(k)): 0 for k in full}
    for k in full:
        folded[tuple(_canonical(k))] += 1
    return np.array(list(folded)), np.array(list(folded.values())) / len(full)


def _canonical(k: np.ndarray) -> np.ndarray:
    plus, minus = (np.round((s * k) % 1.0, 8) % 1.0 for s in (1, -1))
    return np.minimum(plus, minus) if tuple(plus) == tuple(minus) else np.array(min(tuple(plus), tuple(minus)))


def _levels(inputs: RunInputs) -> tuple[np.ndarray, np.ndarray, float]:
    bands = int(inputs.number("NBANDS", inputs.n_electrons))
    coords = k_points(inputs)[0]
    spins = 2 if inputs.tags.get("ISPIN") == "2" else 1
    moment = float(inputs.moments.sum())
    filled = [round((inputs.n_electrons + s * moment) / 2) for s in ((1, -1) if spins == 2 else (0,))]
    dispersion = 0.05 * np.cos(2 * np.pi * coords).sum(axis=1)
    ladder = -20.0 + 0.15 * np.arange(bands)
    levels = np.array([ladder[None, :] + dispersion[:, None] for _ in range(spins)])
    occupations = np.array([np.broadcast_to(np.arange(bands) < n, (len(coords), bands)) for n in filled], float)
    return levels, occupations, float(ladder[min(max(filled), bands - 1)] - 0.075)
