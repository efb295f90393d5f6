r"""Couplings of the two local spins that the electrons of the chain make, in and out of equilibrium.

Fransson, Ren, Zhu, PRL 113, 257201 (2014), doi:10.1103/PhysRevLett.113.257201; Saygun et al., Nano Lett. 16, 2824
(2016). With H_int = -v sum_m S_m.sigma_m and G = G0 + G1 sigma_z,

.. math:: K_{ab} = P\!\!\int\!\!\int \frac{dw\,dw'}{4\pi^2}
    \frac{G^<_{a,12}(w) G^>_{b,21}(w') - G^>_{a,12}(w) G^<_{b,21}(w')}{w - w'}

and J = 2v^2 Re(K_00 - K_11), I = 4v^2 Re K_11, D = 2v^2 Re{i(K_01 - K_10)} and
h_m = v int dw/(2 pi i) (G^<_up - G^<_dn)_mm in H_S = J S1.S2 + I S1z S2z + D (S1 x S2)_z - sum_m h_m S_mz: J < 0 is FM,
opposite to the J of `defectflow compare`.
G^> = G^< + G^r - G^a, and the Kramers-Kronig relations of G^r and G^a do one of the two integrals:

.. math:: K_{ab} = -\frac{i}{2\pi} \int dw\, (G^<_{a,12} Re G_{b,21} + Re G_{a,12} G^<_{b,21})
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from scipy.special import expit

from defectflow.schema.cell import Floats
from defectflow.transport.chain import singularities
from defectflow.transport.quadrature import Owners, blocks, edges_around, integrate
from defectflow.transport.sets import Chains

TOLERANCE = 1e-7
TAIL = 1e6  # times the range of levels and potentials: below, filled states fall off as the fourth power only


@dataclass(frozen=True, eq=False)
class Couplings:
    """Couplings of H_S (meV), each (n,): `heisenberg` J, `ising` I, `dm` D along z, and `fields` h_m (n, 2).

    `errors` (n, 5) are those of the integrals, in this order.
    """

    heisenberg: Floats
    ising: Floats
    dm: Floats
    fields: Floats
    errors: Floats


def couplings(up: Chains, down: Chains, v: Floats) -> Couplings:
    """Couplings from the chains of both spins (one leading axis) at their bias.

    Parameters
    ----------
    v : (n,) float
        Coupling of a local spin to the electrons on its centre (meV).
    """
    found = [_couplings(up.part(block), down.part(block), v[block]) for block in blocks(len(v))]
    return Couplings(*(np.concatenate([getattr(f, k.name) for f in found]) for k in fields(Couplings)))


def _couplings(up: Chains, down: Chains, v: Floats) -> Couplings:
    def parts(owner: Owners, energy: Floats) -> Floats:
        return _integrands(green(up.part(owner), energy), green(down.part(owner), energy))

    both = [singularities(c, "lorentzian") for c in (up, down)]
    places, widths = (np.concatenate(part, axis=1) for part in zip(*both, strict=True))
    reach = TAIL * (np.ptp(places, axis=1) + widths.max(axis=1))
    edges = edges_around(places, widths, places.min(axis=1) - reach, places.max(axis=1) + reach)
    found = integrate(parts, edges, TOLERANCE, (slice(0, 3), slice(3, 5)))
    factors = np.stack([2 * v**2, 4 * v**2, 2 * v**2, v / 2, v / 2]) / np.pi
    j, i, d, *h = factors * found.values
    return Couplings(j, i, d, np.stack(h, axis=-1), (np.abs(factors) * found.errors).T)


@dataclass(frozen=True, eq=False)
class Green:
    """Green's functions of the two centres at energies (n, m): Re G^r_12, G^<_12, and the filled density -i G^<_mm."""

    real: Floats
    lesser: np.ndarray
    filled: tuple[Floats, Floats]


def green(chain: Chains, energy: Floats) -> Green:
    """Solve the tridiagonal chain, and G^< = G^r Sigma^< G^a with Sigma^< = i Gamma f on the outer levels."""
    a2, a3 = energy - chain.levels[:, 1:2], energy - chain.levels[:, 2:3]
    a1, a4 = (energy - chain.levels[:, [k]] + 0.5j * chain.gamma[:, [n]] for n, k in ((0, 0), (1, 3)))
    t1, t2, t3 = (chain.hoppings[:, [n]] for n in range(3))
    left, right = a1 * a2 - t1**2, a3 * a4 - t3**2  # determinants of the two halves
    det = left * right - t2**2 * a1 * a4
    g21, g24, g31, g34 = t1 * right / det, t2 * t3 * a1 / det, t1 * t2 * a4 / det, t3 * left / det
    fill_left, fill_right = (
        chain.gamma[:, [n]] * expit((chain.mu[:, [n]] - energy) / chain.kT[:, None]) for n in range(2)
    )
    lesser = 1j * (g21 * fill_left * g31.conj() + g24 * fill_right * g34.conj())
    filled = tuple(fill_left * np.abs(a) ** 2 + fill_right * np.abs(b) ** 2 for a, b in ((g21, g24), (g31, g34)))
    return Green((t2 * a1 * a4 / det).real, lesser, (filled[0], filled[1]))


def _integrands(up: Green, down: Green) -> Floats:
    # J, I, D, h_1, h_2 without their factors; K_ab of real hoppings written out.
    (r0, r1), (l0, l1) = (((u + d) / 2, (u - d) / 2) for u, d in ((up.real, down.real), (up.lesser, down.lesser)))
    spins = [u - d for u, d in zip(up.filled, down.filled, strict=True)]
    return np.stack([l0.imag * r0 - l1.imag * r1, l1.imag * r1, r1 * l0.real - r0 * l1.real, *spins])
