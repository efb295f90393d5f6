"""Thermal expectation values of two coupled local spins, and their self-consistency with the electrons of the chain."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from defectflow.schema.cell import Floats
from defectflow.schema.chain import Chain
from defectflow.transport.exchange import Couplings, couplings
from defectflow.transport.sets import ALIGNMENTS, chains, values_of

MIXING, STEPS, CONVERGED = 0.7, 200, 1e-8


@dataclass(frozen=True, eq=False)
class SpinReport:
    """Local spins of one parameter set at every alignment and bias.

    Attributes
    ----------
    spins : (2, nb, 2) float
        <S_1z>, <S_2z>.
    couplings : Couplings or None
        Of the last step, on the flattened (2, nb); None where the spins are fixed or not coupled.
    steps : int
        Iterations taken.
    change : float
        Largest change of a spin in the last one.
    open_points : tuple of (str, float)
        Alignment and bias (mV) at which it is above `CONVERGED`.
    """

    spins: Floats
    couplings: Couplings | None
    steps: int
    change: float
    open_points: tuple[tuple[str, float], ...]


def solve_spins(chain: Chain, bias: Floats) -> SpinReport:
    """Spins at every bias: fixed ones as they are, thermal ones iterated from zero with the electrons."""
    wanted, shape = chain.spins, (2, len(bias), 2)
    if wanted.v == 0 or wanted.order != "self-consistent":
        second = {"FM": wanted.S, "AF": -wanted.S}.get(wanted.order, 0.0)
        fixed = np.array([abs(second), second])
        return SpinReport(np.broadcast_to(fixed, shape), None, 0, 0.0, ())
    spins, kt = np.zeros((2 * len(bias), 2)), wanted.kT_S or chain.kT
    steps, change = 0, np.full_like(spins, np.inf)
    while np.abs(change).max() > CONVERGED and steps < STEPS:
        made = _couplings(chain, bias, spins.reshape(shape))
        change = thermal_spins(made, wanted.S, kt) - spins
        spins, steps = spins + MIXING * change, steps + 1
    worst = np.abs(change).max(axis=1).reshape(shape[:2])
    places = tuple((ALIGNMENTS[a], float(bias[n])) for a, n in np.argwhere(worst > CONVERGED))
    return SpinReport(spins.reshape(shape), made, steps, float(worst.max()), places)


def _couplings(chain: Chain, bias: Floats, spins: Floats) -> Couplings:
    made = chains(values_of(chain), chain.options, bias, spins[None, :, None])
    up, down = made.of_spin(0), made.of_spin(1)
    return couplings(up, down, np.full(len(up.kT), chain.spins.v))


def thermal_spins(made: Couplings, s: float, kt: float) -> Floats:
    """<S_mz> (n, 2) of two quantum spins of length `s` at kT (meV)."""
    x, y, z = spin_matrices(s)
    one = np.eye(len(z))
    first, second = ([np.kron(m, one) for m in (x, y, z)], [np.kron(one, m) for m in (x, y, z)])
    dot = sum(a @ b for a, b in zip(first, second, strict=True))
    cross = first[0] @ second[1] - first[1] @ second[0]
    operators = (dot, first[2] @ second[2], cross, -first[2], -second[2])
    strengths = (made.heisenberg, made.ising, made.dm, *made.fields.T)
    energies, states = np.linalg.eigh(sum(k[:, None, None] * o for k, o in zip(strengths, operators, strict=True)))
    weights = np.exp(-(energies - energies[:, :1]) / kt)
    weights /= weights.sum(axis=1, keepdims=True)
    diagonal = np.stack([np.diag(m).real for m in (first[2], second[2])])
    return np.asarray(np.einsum("mi,nik,nk->nm", diagonal, np.abs(states) ** 2, weights))


def spin_matrices(s: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """S_x, S_y, S_z of a spin of length `s`, from +s to -s."""
    m = np.arange(s, -s - 1, -1)
    up = np.diag(np.sqrt(s * (s + 1) - m[1:] * (m[1:] + 1)), 1)
    return (up + up.T) / 2, (up - up.T) / 2j, np.diag(m)
