"""Random chains, and Green's functions of them that share no line with the package: dense matrices, kwant."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import strategies as st
from scipy.integrate import quad

from defectflow.transport.sets import Chains

NA_PER_MEV = 38.74045864931826  # e/h, CODATA 2018


@st.composite
def random_chain(draw):
    """One chain with levels of some meV between leads of some meV."""
    energy, width = st.floats(-8, 8), st.floats(0.5, 20)
    levels = draw(st.lists(energy, min_size=4, max_size=4))
    hoppings = draw(st.lists(st.floats(0.3, 6), min_size=3, max_size=3))
    gamma, mu = [draw(width), draw(width)], [draw(energy), draw(energy)]
    return one_chain(levels, hoppings, gamma, mu, draw(st.floats(0.5, 30)))


def one_chain(levels, hoppings, gamma, mu, kt):
    arrays = (np.array([x], float) for x in (levels, hoppings, gamma, mu))
    return Chains(*arrays, np.array([float(kt)]))


def dense_green(chain, energy, n=0):
    h = np.diag(chain.levels[n].astype(complex)) + np.diag(chain.hoppings[n], 1) + np.diag(chain.hoppings[n], -1)
    h[0, 0] -= 0.5j * chain.gamma[n, 0]
    h[3, 3] -= 0.5j * chain.gamma[n, 1]
    return np.linalg.inv(energy * np.eye(4) - h)


def dense_transmission(chain, energy):
    left, right = (np.zeros((4, 4)) for _ in range(2))
    left[0, 0], right[3, 3] = chain.gamma[0]
    green = dense_green(chain, energy)
    return float(np.trace(left @ green @ right @ green.conj().T).real)


def fermi(energy, mu, kt):
    return 0.5 * (1 - np.tanh((energy - mu) / (2 * kt)))


def dense_current(chain):
    """By scipy's quad over the dense matrices (nA), in steps around the poles that are as long as these are wide."""
    (left, right), kt = chain.mu[0], float(chain.kT[0])

    def flow(e):
        return dense_transmission(chain, e) * (fermi(e, left, kt) - fermi(e, right, kt))

    poles = -np.linalg.eigvals(np.linalg.inv(dense_green(chain, 0.0)))
    around = [p.real + k * p.imag for p in poles for k in (-100, -10, -1, 0, 1, 10, 100)]
    reach, points = 60 * kt + 200, sorted({*around, left, right})
    edges = [points[0] - reach, *points, points[-1] + reach]
    # Rounding may keep quad from the digits that it is asked for; with full_output that is no warning.
    parts = [quad(flow, a, b, epsabs=1e-13, epsrel=1e-11, limit=400, full_output=1)[0] for a, b in pairwise(edges)]
    return NA_PER_MEV * sum(parts)
