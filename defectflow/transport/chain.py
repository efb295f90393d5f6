r"""Currents through the chain FM / SP1 / PM1 / PM2 / SP2 / FM from its Green's functions.

.. math:: I_\sigma = \frac{e}{h} \int dE\; \Gamma_{L\sigma} \Gamma_{R\sigma} |G^r_{14}|^2 (f_{L\sigma} - f_{R\sigma})

A current is positive where electrons go from left to right, as a positive bias makes them. The chain is a tridiagonal
matrix, so G^r_14 is the product of the hoppings over its determinant. Energies in meV, bias in mV, currents in nA.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from defectflow.schema.cell import Floats
from defectflow.schema.chain import ChainOptions
from defectflow.transport.quadrature import Integrals, Owners, blocks, edges_around, integrate
from defectflow.transport.sets import NA_PER_MEV, NO_SPINS, Chains, Values, chains

TOLERANCE = 1e-9  # relative, of an energy integral
REACH = 40.0  # kT, or widths if they are larger, beyond levels and potentials that an integral covers
NARROWEST = 1e-9  # meV; narrower poles carry nothing
SHARP = 1e-3  # of a box's width: where its logarithm counts as steep


@dataclass(frozen=True, eq=False)
class Curves:
    """Currents of n parameter sets in P and AP, per spin (up, down) and bias.

    Attributes
    ----------
    bias : (nb,) float
        mV.
    currents : (n, 2, 2, nb) float
        nA, positive from left to right.
    errors : (n, 2, 2, nb) float
        Estimated error of the energy integration (nA).
    heat : (n, 2, 2, nb, 2) float
        Heat that the left and the right lead take up (pW): their sum is (mu_L - mu_R) I / e.
    mu : (n, 2, 2, nb, 2) float
        Electrochemical potentials of the leads (meV).
    points : int
        Energies at which the chain was solved.
    """

    bias: Floats
    currents: Floats
    errors: Floats
    heat: Floats
    mu: Floats
    points: int

    @property
    def total(self) -> Floats:
        """Current of both spins (nA), (n, 2, nb)."""
        return np.asarray(self.currents.sum(axis=2))

    @property
    def tmr(self) -> Floats:
        """I_P / I_AP - 1, (n, nb); NaN where I_AP is zero."""
        parallel, antiparallel = self.total[:, 0], self.total[:, 1]
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(antiparallel == 0, np.nan, parallel / antiparallel - 1)

    @property
    def power(self) -> Floats:
        """I V (pW), (n, 2, nb); negative where the junction gives power to its circuit."""
        return self.total * self.bias


def solve(values: Values, options: ChainOptions, bias: Floats, spins: Floats = NO_SPINS) -> Curves:
    """Currents of one or more parameter sets; see `defectflow.transport.sets.chains` for the arguments."""
    made = chains(values, options, bias, spins)
    found = currents(made.flat(), options.band)
    shape = made.kT.shape
    scale = np.reshape(np.asarray(values["scale"], float), (-1, 1, 1, 1))
    current, energy = (v.reshape(shape) * scale for v in found.values)
    heat = np.stack([made.mu[..., 0] * current - energy, energy - made.mu[..., 1] * current], axis=-1)
    errors = found.errors[0].reshape(shape) * scale
    return Curves(np.asarray(bias, float), current, errors, heat, made.mu, found.points)


def currents(chain: Chains, band: str, tolerance: float = TOLERANCE) -> Integrals:
    """Current (nA) and energy current (pW, energies from E_F) of chains with one leading axis."""
    found = [_currents(chain.part(block), band, tolerance) for block in blocks(len(chain.kT))]
    values, errors = (NA_PER_MEV * np.concatenate([getattr(f, k) for f in found], axis=1) for k in ("values", "errors"))
    return Integrals(values, errors, sum(f.points for f in found))


def _currents(chain: Chains, band: str, tolerance: float) -> Integrals:
    def flows(owner: Owners, energy: Floats) -> Floats:
        here = chain.part(owner)
        flow = transmission(here, energy, band) * occupation_difference(here, energy)
        return np.stack([flow, flow * energy])

    places, widths = singularities(chain, band)
    reach = REACH * np.maximum(chain.kT, chain.gamma.max(axis=1))
    edges = edges_around(places, widths, places.min(axis=1) - reach, places.max(axis=1) + reach)
    return integrate(flows, edges, tolerance)


def transmission(chain: Chains, energy: Floats, band: str) -> Floats:
    """Probability (n, m) to get from lead to lead at energies (n, m)."""
    a2, a3 = energy - chain.levels[:, 1:2], energy - chain.levels[:, 2:3]
    s1, s2, s3 = (chain.hoppings[:, [n]] ** 2 for n in range(3))
    (x1, y1), (x4, y4) = (end(energy - chain.levels[:, [k]], chain.gamma[:, [n]], band) for n, k in ((0, 0), (1, 3)))
    ur, ui = a3 * x4 - s3, a3 * y4  # real and imaginary parts apart: half the work of complex numbers
    wr, wi = a2 * ur - s2 * x4, a2 * ui - s2 * y4
    dr, di = x1 * wr - y1 * wi - s1 * ur, x1 * wi + y1 * wr - s1 * ui
    return np.asarray(4 * y1 * y4 * (s1 * s2 * s3) / (dr * dr + di * di))


def end(x: Floats, gamma: Floats, band: str) -> tuple[Floats, Floats]:
    """Inverse Green's function of an outer level on its lead, at `x` from it: real and imaginary part (meV).

    "lorentzian": x + i gamma/2. "box": the inverse of (log|(x + w)/(x - w)| - i pi theta(w - |x|)) / 2w, w = gamma/2.
    """
    if band == "lorentzian":
        return x, np.broadcast_to(gamma / 2, x.shape)
    with np.errstate(divide="ignore"):
        log = np.log(np.abs((x + gamma / 2) / (x - gamma / 2)))
    inside = np.where(np.abs(x) < gamma / 2, np.pi, 0.0)
    size = np.maximum(log**2 + inside**2, np.finfo(float).tiny)
    with np.errstate(invalid="ignore"):  # at the very edges: infinite over infinite
        return np.nan_to_num(gamma * log / size), gamma * inside / size


def occupation_difference(chain: Chains, energy: Floats) -> Floats:
    """f_L - f_R at energies (n, m), exact also where both are nearly equal."""
    left, right, kt = chain.mu[:, :1], chain.mu[:, 1:], chain.kT[:, None]
    apart = (left - right) / (2 * kt)
    x, d = np.abs(energy - (left + right) / 2) / kt, np.abs(apart)
    top = -np.sign(apart) * np.expm1(-2 * d)
    return np.asarray(top / (np.exp(np.minimum(x - d, 700.0)) + np.exp(-x - d) + 1 + np.exp(-2 * d)))


def singularities(chain: Chains, band: str) -> tuple[Floats, Floats]:
    """Where integrands vary (n, m), and over which widths: poles of G^r and of the Fermi functions, ends of boxes."""
    poles, kt = np.linalg.eigvals(hamiltonian(chain)), chain.kT[:, None]
    places, widths = [poles.real, chain.mu], [np.abs(poles.imag), np.repeat(np.pi * kt, 2, axis=1)]
    if band == "box":
        places += [chain.levels[:, ::3] - chain.gamma / 2, chain.levels[:, ::3] + chain.gamma / 2]
        widths += [SHARP * chain.gamma] * 2
    return np.concatenate(places, axis=1), np.maximum(np.concatenate(widths, axis=1), NARROWEST)


def hamiltonian(chain: Chains) -> np.ndarray:
    """(n, 4, 4) matrices whose eigenvalues are the poles of G^r: levels, hoppings, -i gamma/2 on the ends."""
    h = np.zeros((len(chain.kT), 4, 4), complex)
    places, lower = np.arange(4), np.arange(3)
    h[:, places, places] = chain.levels
    h[:, lower, lower + 1] = h[:, lower + 1, lower] = chain.hoppings
    h[:, [0, 3], [0, 3]] -= 0.5j * chain.gamma
    return h
