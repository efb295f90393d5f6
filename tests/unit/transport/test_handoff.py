"""Hand-off: degenerate bands, the fitted chain, and the shipped study handed on."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from defectflow.errors import AnalysisError, DefectFlowError
from defectflow.pipeline.transport import Wanted, make_handoff, write_handoff
from defectflow.schema.handoff import Handoff, HandoffLevel, load_handoff
from defectflow.transport.handoff import Centres, chain_from, fit_chain, merge
from tests.conftest import ROOT


def band(spin, number, energy, weights=(0.3, 0.3)):
    return HandoffLevel(
        spin=spin,
        bands=(number,),
        degeneracy=1,
        energy=energy,
        width=2.0,
        occupation=1.0,
        weights=weights,
        orbitals={"p": 0.6},
    )


def bands_of(e0, asym, hopping, field, signs):
    """Levels and weights of two coupled centres, by diagonalisation."""
    found = []
    for spin, sigma in (("up", 1), ("down", -1)):
        onsite = [e0 + asym / 2 - sigma * field * signs[0], e0 - asym / 2 - sigma * field * signs[1]]
        energies, states = np.linalg.eigh(np.array([[onsite[0], hopping], [hopping, onsite[1]]]))
        found += [band(spin, n + 1, e, tuple(states[:, n] ** 2)) for n, e in enumerate(energies)]
    return tuple(found)


@given(
    st.floats(-900, 900),
    st.floats(-50, 50),
    st.floats(5, 300),
    st.floats(10, 600),
    st.sampled_from([(1, 1), (1, -1), (-1, 1)]),
)
def test_the_fit_finds_the_chain_that_made_the_levels(e0, asym, hopping, field, signs):
    found = fit_chain(bands_of(e0, asym, hopping, field, signs), Centres(1.0, signs))
    assert (found.e0, found.asym, found.hopping, found.exchange) == pytest.approx(
        (e0, asym, hopping, field), rel=1e-3, abs=0.5
    )
    assert max(found.rms, found.rms_sites) < 0.5


def test_the_fit_says_how_far_it_is_off():
    spread = tuple(
        b.model_copy(update={"energy": b.energy + s}) for b in bands_of(0, 0, 100, 500, (1, 1)) for s in (-30, 30)
    )
    found = fit_chain(spread, Centres(1.0, (1, 1)))
    assert (found.levels, found.rms, found.worst) == (8, pytest.approx(30, rel=0.01), pytest.approx(30, rel=0.05))


@pytest.mark.parametrize("centres", [None, Centres(1.0, (1, 1))])
def test_too_little_makes_no_fit(centres):
    assert fit_chain((band("up", 1, 0.0), band("down", 1, 0.0)), centres) is None


def test_bands_within_ten_mev_are_one_level():
    merged = merge((band("up", 1, 0.0), band("up", 2, 8.0), band("up", 3, 40.0), band("down", 1, 4.0)))
    assert [(v.spin, v.bands, v.degeneracy) for v in merged] == [("up", (1, 2), 2), ("down", (1,), 1), ("up", (3,), 1)]
    assert (merged[0].energy, merged[0].width) == (4.0, 10.0)


@pytest.fixture(scope="module")
def handoff(demo_study):
    return make_handoff(demo_study, Wanted("4"), None)


def test_the_lower_order_is_handed_on(handoff):
    assert (handoff.state, handoff.certificate.passed, handoff.centres, handoff.host) == ("FM", True, ("C", "C"), "MgO")


def test_levels_are_eigenvalues_on_the_junctions_fermi_level(handoff, entries):
    from defectflow.demo import demo_folder
    from defectflow.pipeline.reference import reference_for
    from defectflow.run import Study

    fm = next(e for e in entries if e.name == "pair 4 FM")
    zero = reference_for(Study.open(demo_folder()), fm, "junction").energy
    for level in handoff.levels:
        of = fm.result.eigenvalues[0 if level.spin == "up" else 1, 0, [n - 1 for n in level.bands]]
        assert level.energy == pytest.approx(1000 * (of.mean() - zero), abs=1e-6)


def test_carbon_states_are_p_states_shared_by_both_centres(handoff):
    assert all(v.orbitals["p"] > 0.5 > 10 * v.orbitals["s"] for v in handoff.levels)
    assert all(abs(a - b) < 0.1 for a, b in (v.weights for v in handoff.levels))


def test_af_levels_are_in_both_spins_and_on_one_centre(demo_study):
    found = make_handoff(demo_study, Wanted("4", state="AF"), None)
    assert {v.spin for v in found.levels} == {"both"}
    assert found.fit.order == "AF"
    assert found.fit.asym == pytest.approx(0, abs=5)


def test_exchange_comes_with_its_convention(handoff):
    e = handoff.exchange
    assert e.j_per_bond == pytest.approx(e.delta_af_fm / (2 * e.images))
    assert "J > 0 FM" in e.convention


def test_a_file_is_read_back_as_it_was_written(handoff, tmp_path):
    files = write_handoff(handoff, tmp_path / "h.json")
    assert load_handoff(files[0]) == handoff
    assert len(files[1].read_text().splitlines()) == 1 + len(handoff.levels)


def failing(study, monkeypatch):
    from dataclasses import replace

    from defectflow.analyse.verify import Certificate
    from defectflow.pipeline import transport

    original = transport.compared
    bad = Certificate(False, ("pair 4 FM: not converged",), ())
    monkeypatch.setattr(transport, "compared", lambda e: tuple(replace(c, certificate=bad) for c in original(e)))


def test_an_uncertified_pair_is_refused_and_says_how(demo_study, monkeypatch):
    failing(demo_study, monkeypatch)
    with pytest.raises(AnalysisError, match=r"not converged[\s\S]*--uncertified"):
        make_handoff(demo_study, Wanted("4"), None)


def test_an_uncertified_pair_that_is_asked_for_carries_it_in_the_file_and_into_the_currents(
    demo_study, monkeypatch, paper
):
    failing(demo_study, monkeypatch)
    found = make_handoff(demo_study, Wanted("4", uncertified=True), None)
    assert (found.statement, found.certificate.passed) == ("NOT CERTIFIED: pair 4 FM: not converged", False)
    assert any("NOT CERTIFIED" in note for note in chain_from(found, paper)[1])


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (Wanted("9"), 'no pair "9"'),
        (Wanted("4", window=0.1), "no dopant state within"),
        (Wanted("4", state="NM"), "no result in that order"),
    ],
)
def test_what_is_not_there_is_said(demo_study, wanted, said):
    with pytest.raises(DefectFlowError, match=said):
        make_handoff(demo_study, wanted, None)


def test_the_chain_has_the_fits_levels_and_the_leads_of_the_paper(handoff, paper):
    chain, notes = chain_from(handoff, paper)
    assert chain.parallel.e0 == chain.antiparallel.e0 == handoff.fit.e0
    assert chain.hoppings == (1.0, handoff.fit.hopping, 1.0)
    assert (chain.spinterface, chain.spins.order) == (paper.spinterface, "FM")
    assert any("no level conducts" in n for n in notes)


def test_given_spinterfaces_travel_with_the_file(demo_study, paper):
    mine = paper.spinterface.model_copy(update={"sp": 5.0})
    found = make_handoff(demo_study, Wanted("4"), mine)
    assert chain_from(found, paper)[0].spinterface.sp == 5.0


def test_levels_without_a_fit_make_no_chain(handoff, paper):
    with pytest.raises(AnalysisError, match="no fitted levels"):
        chain_from(handoff.model_copy(update={"fit": None}), paper)


def test_the_published_schema_is_the_one_in_use():
    published = json.loads((ROOT / "docs" / "handoff.schema.json").read_text())
    assert published == Handoff.model_json_schema(), "python workflows/handoff_schema.py docs/handoff.schema.json"


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("shema", 1, 'nearest valid key: "schema"'),
        ("levels", "none", "levels"),
        ("distance", -1, "distance"),
        ("levels", [], "levels"),
        ("schema", 2, "schema"),
    ],
)
def test_a_foreign_hand_off_names_its_wrong_key(handoff, tmp_path, key, value, said):
    path = tmp_path / "h.json"
    path.write_text(json.dumps({**handoff.model_dump(mode="json", by_alias=True), key: value}))
    with pytest.raises(DefectFlowError, match=said):
        load_handoff(path)
