"""Couplings of the local spins: closed forms, the double integral itself, energies of an isolated chain."""

import numpy as np
import pytest
from hypothesis import given, settings
from scipy.integrate import quad_vec

from defectflow.transport.chain import hamiltonian
from defectflow.transport.exchange import couplings
from defectflow.transport.sets import chains, values_of, with_values
from defectflow.transport.spins import solve_spins, spin_matrices, thermal_spins
from tests.chains import dense_green, fermi, one_chain, random_chain

ONE = np.array([1.0])
few = settings(max_examples=8)


def at_bias(paper, bias, **changes):
    chain = with_values(paper, changes)
    made = chains(values_of(chain), chain.options, np.array([bias]))
    return made.of_spin(0).part(slice(0, 1)), made.of_spin(1).part(slice(0, 1))


def lesser_and_greater(chain, energies):
    green = np.linalg.inv(energies[:, None, None] * np.eye(4) - hamiltonian(chain)[0])
    filled, empty = (np.zeros((len(energies), 4, 4), complex) for _ in range(2))
    for end, gamma, mu in zip((0, 3), chain.gamma[0], chain.mu[0], strict=True):
        f = fermi(energies, mu, chain.kT[0])
        filled[:, end, end], empty[:, end, end] = 1j * gamma * f, -1j * gamma * (1 - f)
    advanced = green.conj().transpose(0, 2, 1)
    return green @ filled @ advanced, green @ empty @ advanced


def double_integral(up, down, step=0.06, reach=100):
    """K_ab as printed: both integrals on midpoint grids that never meet, which is the principal value."""
    first = np.arange(-reach, reach, step)
    grids = (first, first + step / 2)
    spins = [[lesser_and_greater(c, w) for c in (up, down)] for w in grids]
    parts = [[[(u + s * d) / 2 for u, d in zip(*both, strict=True)] for s in (1, -1)] for both in spins]
    kernel = step**2 / (4 * np.pi**2) / (grids[0][:, None] - grids[1])

    def k(a, b):
        (less_a, more_a), (less_b, more_b) = parts[0][a], parts[1][b]
        return less_a[:, 1, 2] @ kernel @ more_b[:, 2, 1] - more_a[:, 1, 2] @ kernel @ less_b[:, 2, 1]

    return (2 * (k(0, 0) - k(1, 1)).real, 4 * k(1, 1).real, 2 * (1j * (k(0, 1) - k(1, 0))).real)


@pytest.mark.parametrize("bias", [-5.0, 5.0])
def test_one_integral_does_the_work_of_two(paper, bias):
    up, down = at_bias(paper, bias)
    k = couplings(up, down, ONE)
    assert (k.heisenberg[0], k.ising[0], k.dm[0]) == pytest.approx(double_integral(up, down), rel=1e-5)


def equilibrium_form(up, down):
    """-(2 v^2 / pi) Im int f (G0_12 G0_21 - G1_12 G1_21)."""

    def part(e):
        u, d = (dense_green(c, e)[1, 2] for c in (up, down))
        return fermi(e, up.mu[0, 0], up.kT[0]) * (u * d).imag

    reach = 40 * up.kT[0] + 400
    return -2 / np.pi * quad_vec(part, -reach, reach, epsrel=1e-10, limit=5000)[0]


def equilibrium(up, down):
    same = [type(c)(c.levels, c.hoppings, c.gamma, np.zeros((1, 2)), up.kT) for c in (up, down)]
    return same[0], same[1]


@given(random_chain(), random_chain())
@few
def test_equilibrium_has_a_closed_form_and_no_dm_coupling(first, second):
    up, down = equilibrium(first, second)
    k = couplings(up, down, ONE)
    assert k.heisenberg[0] == pytest.approx(equilibrium_form(up, down), rel=1e-6, abs=1e-9)
    assert abs(k.dm[0]) <= 1e-10


def test_dm_coupling_needs_a_bias_and_polarised_leads(paper):
    assert abs(couplings(*at_bias(paper, 5.0), ONE).dm[0]) > 1e-4
    unpolarised = {"p_left": 0.0, "p_right": 0.0, "sp": 0.0, "SP": 0.0}
    assert abs(couplings(*at_bias(paper, 5.0, **unpolarised), ONE).dm[0]) <= 1e-12


def grand_potential(levels, hoppings, kt):
    h = np.diag(np.array(levels, float)) + np.diag(hoppings, 1) + np.diag(hoppings, -1)
    return -kt * np.logaddexp(0, -np.linalg.eigvalsh(h) / kt).sum()


def test_sign_and_size_are_those_of_the_energies_of_an_isolated_chain():
    """Omega(S1, S2 parallel) - Omega(antiparallel) = 2 J S1 S2 for weak leads and small v."""
    levels, hoppings, kt, v = [0.5, -2.0, 1.0, -0.5], [1.0, 2.0, 1.5], 3.0, 1e-2
    alone = one_chain(levels, hoppings, [1e-4, 1e-4], [0, 0], kt)
    difference = 0.0
    for spin in (1, -1):
        for sign, second in ((1, 1), (-1, -1)):
            shifted = np.array(levels) - spin * v * np.array([0, 1, second, 0])
            difference += sign * grand_potential(shifted, hoppings, kt)
    found = couplings(alone, alone, np.array([v])).heisenberg[0]
    assert found == pytest.approx(difference / 2, rel=1e-3)


@pytest.mark.parametrize(("gammas", "ratio"), [((0.02, 0.04, 0.08), 0.5), ((400.0, 800.0, 1600.0), 2.0)])
def test_j_changes_linearly_with_weak_leads_and_as_one_over_gamma_with_strong_ones(gammas, ratio):
    """Strong leads bind the outer levels so that nothing passes them: the pair is left alone."""
    made = [one_chain([0, -2, 1, 0], [1, 1, 1], [g, g], [0, 0], 2) for g in gammas]
    first, second, third = (couplings(c, c, ONE).heisenberg[0] for c in made)
    assert (second - first) / (third - second) == pytest.approx(ratio, rel=0.03)


def test_j_goes_with_the_square_of_v_and_of_a_weak_hopping(paper):
    up, down = at_bias(paper, 0.0)
    assert couplings(up, down, np.array([3.0])).heisenberg[0] == pytest.approx(
        9 * couplings(up, down, ONE).heisenberg[0]
    )
    weak = [couplings(*at_bias(paper, 0.0, t2=t), ONE).ising[0] for t in (1e-3, 2e-3)]
    assert weak[1] / weak[0] == pytest.approx(4, rel=1e-3)


def test_the_field_is_the_spin_of_the_electrons():
    """Weak leads, no hopping between the outer and inner halves to speak of: v times the difference of occupations."""
    up, down = (one_chain([0, e, e, 0], [1e-3, 1e-4, 1e-3], [1, 1], [0, 0], 5) for e in (-3.0, 2.0))
    found = couplings(up, down, np.array([2.0])).fields[0]
    assert found == pytest.approx([2 * (fermi(-3, 0, 5) - fermi(2, 0, 5))] * 2, rel=1e-3)


@pytest.mark.parametrize("s", [0.5, 1.0, 1.5, 2.0])
def test_spin_matrices_commute_as_spins_do(s):
    x, y, z = spin_matrices(s)
    assert x @ y - y @ x == pytest.approx(1j * z)
    assert (x @ x + y @ y + z @ z).real == pytest.approx(s * (s + 1) * np.eye(len(z)))


def couplings_of(j=0.0, fields=(0.0, 0.0)):
    from defectflow.transport.exchange import Couplings

    zero = np.zeros(1)
    return Couplings(np.array([j]), zero, zero, np.array([fields]), np.zeros((1, 5)))


def test_a_free_spin_in_a_field_follows_the_brillouin_function():
    h, kt, s = 2.0, 3.0, 1.0
    x = h / kt
    expected = (s + 0.5) / np.tanh((s + 0.5) * x) - 0.5 / np.tanh(0.5 * x)
    assert thermal_spins(couplings_of(fields=(h, -h)), s, kt)[0] == pytest.approx([expected, -expected])


def test_positive_j_turns_the_second_spin_against_the_field_of_the_first():
    first, second = thermal_spins(couplings_of(j=5.0, fields=(1.0, 0.0)), 1.0, 1.0)[0]
    assert first > 0 > second


def test_spins_and_electrons_become_consistent_and_say_how(paper):
    from defectflow.transport.spins import CONVERGED

    chain = with_values(paper, {"v": 10.0})
    found = solve_spins(chain, np.array([-5.0, 0.0, 5.0]))
    assert (found.open_points, found.change <= CONVERGED, found.steps > 1) == ((), True, True)
    assert thermal_spins(found.couplings, 1.0, 26.0).reshape(2, 3, 2) == pytest.approx(found.spins, abs=2e-8)


def test_spins_that_do_not_converge_are_named(paper, monkeypatch):
    monkeypatch.setattr("defectflow.transport.spins.STEPS", 2)
    found = solve_spins(with_values(paper, {"v": 10.0}), np.array([5.0]))
    assert found.open_points == (("P", 5.0), ("AP", 5.0))


@pytest.mark.parametrize(("order", "spins"), [("FM", [1, 1]), ("AF", [1, -1])])
def test_fixed_spins_split_the_levels(paper, order, spins):
    from defectflow.transport.model import level_picture, solve_chain

    fixed = paper.spins.model_copy(update={"order": order, "v": 3.0})
    chain = paper.model_copy(update={"spins": fixed})
    picture = level_picture(solve_chain(chain, np.array([0.0])), 0.0)
    at = {(v.zone, v.spin): v.energy for v in picture if v.alignment == "P"}
    shifts = [(at[z, "down"] - at[z, "up"]) / 2 for z in ("PM1", "PM2")]
    assert shifts == pytest.approx([3 * s for s in spins])
