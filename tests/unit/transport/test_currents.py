"""Currents: the numbers of reference, conservation laws, symmetries, and peers that share no line with it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import digamma

from defectflow.transport.chain import currents, hamiltonian, solve, transmission
from defectflow.transport.model import level_picture, solve_chain
from defectflow.transport.sets import values_of, with_values
from tests.chains import (
    NA_PER_MEV,
    dense_current,
    dense_green,
    dense_transmission,
    one_chain,
    random_chain,
)

ZERO = np.array([0.0])
BIAS = np.linspace(-10, 10, 21)
few = settings(max_examples=15)


def test_reference_currents_at_zero_bias(paper):
    found = solve_chain(paper, ZERO).curves
    assert found.total[0, :, 0] == pytest.approx([-1.04, 1.24], abs=0.006)
    assert found.currents[0, :, :, 0].ravel() == pytest.approx([0.90, -1.95, 3.79, -2.55], abs=0.006)


def test_an_open_channel_conducts_e_over_h(paper):
    from defectflow.transport import sets

    assert pytest.approx(NA_PER_MEV, rel=1e-9) == sets.NA_PER_MEV


@given(random_chain())
@few
def test_currents_are_those_of_dense_matrices(chain):
    assert currents(chain, "lorentzian").values[0, 0] == pytest.approx(dense_current(chain), rel=1e-8, abs=1e-10)


@given(random_chain(), st.floats(-50, 50))
def test_transmission_is_that_of_dense_matrices(chain, energy):
    found = transmission(chain, np.array([[energy]]), "lorentzian")[0, 0]
    assert found == pytest.approx(dense_transmission(chain, energy), rel=1e-9)


@given(random_chain())
@few
def test_currents_are_those_of_kwants_transmission(chain):
    kwant = pytest.importorskip("kwant", reason="kwant is not installed (it needs a compiler): pip install kwant")
    energies = np.linspace(-20, 20, 5)
    found = transmission(chain, energies[None], "lorentzian")[0]
    assert found == pytest.approx([kwant_transmission(kwant, chain, e) for e in energies], rel=1e-8, abs=1e-13)


def kwant_transmission(kwant, chain, energy):
    """Leads of a wide band: a chain of hopping w at its own energy has the self-energy -i t^2 / w at every energy."""
    wide = 1e3
    builder, lattice = kwant.Builder(), kwant.lattice.chain(norbs=1)
    for n, level in enumerate(chain.levels[0]):
        builder[lattice(n)] = level
    for n, hop in enumerate(chain.hoppings[0]):
        builder[lattice(n), lattice(n + 1)] = hop
    for end, first, gamma in ((-1, 0, chain.gamma[0, 0]), (1, 3, chain.gamma[0, 1])):
        lead = kwant.Builder(kwant.TranslationalSymmetry((end,)))
        lead[lattice(0)] = energy
        lead[lattice(0), lattice(1)] = wide
        builder[lattice(first + end)] = energy
        builder[lattice(first), lattice(first + end)] = np.sqrt(gamma * wide / 2)
        builder.attach_lead(lead)
    return kwant.smatrix(builder.finalized(), energy).transmission(1, 0)


def test_currents_are_the_exact_sums_over_poles(paper):
    """Partial fractions of the transmission and digamma functions: no energy grid at all."""
    chain = one_chain([4.3, -2.2, -2.7, 1.0], [1, 1, 1], [6.75, 3.25], [5.0, -3.0], 26)
    poles = np.linalg.eigvals(hamiltonian(chain)[0])
    both = np.concatenate([poles, poles.conj()])
    total = 0.0
    for n, z in enumerate(poles):
        others = np.delete(both, n)
        residue = np.prod(chain.gamma) * np.prod(chain.hoppings**2) / np.prod(z - others)
        psi = [digamma(0.5 + 1j * (z - mu) / (2 * np.pi * 26)) for mu in chain.mu[0]]
        total += 2 * (residue * (psi[0] - psi[1])).real
    assert currents(chain, "lorentzian").values[0, 0] == pytest.approx(NA_PER_MEV * total, rel=1e-9)


@given(random_chain())
def test_no_current_flows_at_equilibrium(chain):
    equal = one_chain(chain.levels[0], chain.hoppings[0], chain.gamma[0], [chain.mu[0, 0]] * 2, chain.kT[0])
    assert np.abs(currents(equal, "lorentzian").values).max() <= 1e-12


@pytest.mark.parametrize("band", ["lorentzian", "box"])
def test_no_current_flows_with_all_splittings_off(paper, band):
    off = paper.model_copy(update={"options": paper.options.model_copy(update={"band": band})})
    found = solve_chain(with_values(off, {"sp": 0.0, "SP": 0.0}), ZERO).curves
    assert np.abs(found.currents).max() <= 1e-12


@given(random_chain(), st.floats(-30, 30))
def test_what_enters_leaves(chain, energy):
    """Probability: Gamma_L |G_11|^2 Gamma_L + T = -2 Gamma_L Im G_11, from the unitarity of the scattering matrix."""
    green, (left, _) = dense_green(chain, energy), chain.gamma[0]
    reflected = left**2 * abs(green[0, 0]) ** 2
    passed = transmission(chain, np.array([[energy]]), "lorentzian")[0, 0]
    assert reflected + passed == pytest.approx(-2 * left * green[0, 0].imag, rel=1e-12, abs=1e-12)


@given(random_chain())
@few
def test_turning_the_chain_round_turns_the_current_round(chain):
    parts = (chain.levels[:, ::-1], chain.hoppings[:, ::-1], chain.gamma[:, ::-1], chain.mu[:, ::-1], chain.kT)
    turned = type(chain)(*parts)
    there, back = (currents(c, "lorentzian").values[0, 0] for c in (chain, turned))
    assert there == pytest.approx(-back, rel=1e-9, abs=1e-12)


@given(random_chain())
@few
def test_the_error_estimate_holds(chain):
    rough, fine = (currents(chain, "lorentzian", t) for t in (1e-6, 1e-12))
    true = abs(rough.values - fine.values)
    assert (true <= rough.errors + fine.errors + 1e-12).all()


@given(random_chain())
def test_transmission_is_a_probability(chain):
    found = transmission(chain, np.linspace(-40, 40, 201)[None], "lorentzian")
    assert 0 <= found.min() <= found.max() <= 1 + 1e-12


def test_box_bands_transmit_only_inside_both(paper):
    chain = one_chain([0, 0, 0, 2.0], [1, 1, 1], [4, 4], [1, -1], 5)
    found = transmission(chain, np.linspace(-6, 6, 1201)[None], "box")[0]
    inside = (np.linspace(-6, 6, 1201) > 0) & (np.linspace(-6, 6, 1201) < 2)
    assert found[inside].max() <= 1 + 1e-12
    assert found[inside].min() > 0
    assert found[~inside].max() <= 1e-9


def test_a_box_band_is_its_hilbert_transform():
    """Its spectral function, -Im G / pi, is 1/width inside."""
    from defectflow.transport.chain import end

    real, imaginary = end(np.linspace(-1.9, 1.9, 9), np.array(4.0), "box")
    assert -(1 / (real + 1j * imaginary)).imag / np.pi == pytest.approx([0.25] * 9)


@pytest.mark.parametrize("v", BIAS[::5])
def test_heat_of_both_leads_is_the_work_done(paper, v):
    c = solve_chain(paper, np.array([v])).curves
    work = (c.mu[..., 0] - c.mu[..., 1]) * c.currents
    assert c.heat.sum(axis=-1) == pytest.approx(work, abs=1e-9)


def test_every_spin_flows_down_its_own_potential(paper):
    """The second law: heat of both leads together is positive for each spin, whatever the sign of I V."""
    c = solve_chain(paper, BIAS).curves
    assert c.heat.sum(axis=-1).min() >= -1e-12
    assert c.power.min() < 0


def test_parallel_and_antiparallel_are_the_same_without_polarised_leads(paper):
    same = with_values(paper, {"p_right": 0.0, "AP": 0.0, "antiparallel.e0": -2.5, "antiparallel.asym": 0.5})
    found = solve_chain(same, BIAS).curves
    assert found.currents[0, 0] == pytest.approx(found.currents[0, 1], rel=1e-12)


def test_exchanging_all_spins_exchanges_the_spin_currents(paper):
    other = with_values(paper, {"sp": -8.4, "SP": -2.0, "p_left": -0.35, "p_right": -0.35})
    first, second = (solve_chain(c, BIAS).curves.currents for c in (paper, other))
    assert first == pytest.approx(second[:, :, ::-1], rel=1e-9)


def test_parameter_sets_side_by_side_are_the_sets_one_by_one(paper):
    values = [values_of(with_values(paper, {"sp": sp, "t2": t})) for sp, t in ((1.0, 0.5), (8.4, 1.0), (20.0, 3.0))]
    stacked = {k: np.array([v[k] for v in values]) for k in values[0]}
    together = solve(stacked, paper.options, BIAS).currents
    apart = np.concatenate([solve(v, paper.options, BIAS).currents for v in values])
    assert together == pytest.approx(apart, rel=1e-8)


@pytest.mark.parametrize("change", [{"t2": 1e-3}, {"kT": 0.01}, {"gamma": 0.01}, {"parallel.e0": -1500.0}])
def test_narrow_sharp_and_far_features_are_found(paper, change):
    from defectflow.transport.sets import chains

    chain = with_values(paper, change)
    made = chains(values_of(chain), chain.options, np.array([5.0])).flat()
    found, fine = currents(made, "lorentzian"), currents(made, "lorentzian", 1e-13)
    assert found.values[0] == pytest.approx(fine.values[0], rel=1e-8)


@pytest.mark.parametrize(
    ("option", "value", "energies"),
    [
        ("profile", "tenths", (3.0, 1.0, -1.0, -3.0)),
        ("profile", "thirds", (10 / 3, 10 / 6, -10 / 6, -10 / 3)),
    ],
)
def test_bias_drops_over_six_zones(paper, option, value, energies):
    flat = with_values(paper, {"SP": 0.0, "parallel.e0": 0.0, "parallel.asym": 0.0})
    chain = flat.model_copy(update={"options": flat.options.model_copy(update={option: value})})
    picture = level_picture(solve_chain(chain, np.array([10.0])), 10.0)
    found = {v.zone: v.energy for v in picture if (v.alignment, v.spin) == ("P", "up")}
    assert [found[z] for z in ("SP1", "PM1", "PM2", "SP2")] == pytest.approx(energies)


@pytest.mark.parametrize(
    ("option", "value", "zone", "energy"),
    [
        ("sp", "full", "lead L", 4.2),
        ("sp", "plus-minus", "lead L", 8.4),
        ("SP", "full", "SP1", 1.0),
        ("SP", "plus-minus", "SP1", 2.0),
        ("sp2_flips", True, "SP2", -1.0),
        ("asym", "symmetric", "PM1", 0.85 - 0.375),
        ("asym", "one-sided", "PM1", 0.85 - 0.75),
    ],
)
def test_options_move_the_levels_they_name(paper, option, value, zone, energy):
    chain = paper.model_copy(update={"options": paper.options.model_copy(update={option: value})})
    picture = level_picture(solve_chain(chain, ZERO), 0.0)
    (found,) = [v.energy for v in picture if (v.alignment, v.spin, v.zone) == ("AP", "up", zone)]
    assert found == pytest.approx(energy)


def test_in_ap_the_right_lead_changes_its_signs(paper):
    picture = level_picture(solve_chain(paper, ZERO), 0.0)
    right = {v.alignment: v.energy for v in picture if (v.zone, v.spin) == ("lead R", "up")}
    assert right == {"P": pytest.approx(1.26), "AP": pytest.approx(-1.26)}


def test_scale_is_a_factor_on_currents(paper):
    once, ten = (solve_chain(with_values(paper, {"scale": s}), BIAS).curves.currents for s in (1.0, 10.0))
    assert ten == pytest.approx(10 * once)
