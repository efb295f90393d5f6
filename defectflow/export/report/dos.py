"""The states of every cell as whole numbers, small enough for a page that broadens them itself."""

from __future__ import annotations

from typing import Any

import numpy as np

from defectflow.analyse.alignment import Reference
from defectflow.export.report.facts import Facts, StateFacts
from defectflow.schema import CalcResult

ENERGY_UNIT = 1e-4  # eV
WEIGHT_UNIT = 1e-4
BROADENING = (0.02, 0.5)  # eV; ends of the slider, widened to hold the recipe's own
REVERSED = 0.1  # muB; the sign of all moments together is free, and a more negative total moment is drawn turned round
TAIL = 5.0  # standard deviations of the widest Gaussian that still reach into the window


def dos_data(facts: Facts) -> dict[str, Any]:
    """States of all cells with their weights, and how they are drawn."""
    drawn = facts.recipe.dos
    limits = [min(BROADENING[0], drawn.broadening), max(BROADENING[1], drawn.broadening)]
    found = [_state(s, drawn.window, limits[1]) for s in facts.states if s.dos is not None]
    return {
        "broadening": drawn.broadening,
        "limits": limits,
        "window": list(drawn.window),
        "energy_unit": ENERGY_UNIT,
        "weight_unit": WEIGHT_UNIT,
        "states": found,
    }


def missing_dos(facts: Facts) -> list[str]:
    """Names of the states without a DOS."""
    return [s.entry.name for s in facts.states if s.dos is None]


def missing_zeros(facts: Facts) -> dict[str, str]:
    """Zeros of energy that no state has, and why."""
    known = {name for s in facts.states for name in s.zeros}
    return {name: why for s in facts.states for name, why in s.no_zero.items() if name not in known}


def _state(s: StateFacts, window: tuple[float, float], widest: float) -> dict[str, Any]:
    assert s.dos is not None  # the caller has looked
    places = [z.energy for z in s.zeros.values()]
    low, high = min(places) + window[0] - TAIL * widest, max(places) + window[1] + TAIL * widest
    weights = {name: _group(s.dos, sites) for name, sites in s.groups.items()}
    reversed_ = s.dos.total_moment < -REVERSED
    channels = [_channel(s.dos, weights, spin, (low, high)) for spin in range(s.dos.n_spins)]
    return {
        "name": s.entry.name,
        "pair": s.entry.pair.orbit.label,
        "passed": s.passed,
        "reversed": reversed_,
        "fermi": [float(f) for f in s.dos.fermi],
        "zeros": {name: _zero(z) for name, z in s.zeros.items()},
        "k_weights": [float(w) for w in s.dos.k_weights],
        "groups": list(weights),
        "spins": channels[::-1] if reversed_ else channels,
    }


def _zero(z: Reference) -> dict[str, Any]:
    return {"name": z.name, "energy": z.energy, "uncertainty": z.uncertainty, "source": z.source}


def _group(result: CalcResult, sites: tuple[int, ...]) -> np.ndarray:
    known = result.projections.sites.tolist()
    chosen = [known.index(site) for site in sites]
    return np.asarray(result.projections.weights[..., chosen, :].sum(axis=(3, 4)), float)


def _channel(
    result: CalcResult, weights: dict[str, np.ndarray], spin: int, limits: tuple[float, float]
) -> dict[str, Any]:
    energies = result.eigenvalues[spin]
    inside = (energies > limits[0]) & (energies < limits[1])
    return {
        "k": np.nonzero(inside)[0].tolist(),
        "e": np.rint(energies[inside] / ENERGY_UNIT).astype(int).tolist(),
        "w": [np.rint(w[spin][inside] / WEIGHT_UNIT).astype(int).tolist() for w in weights.values()],
    }
