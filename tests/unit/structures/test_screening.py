"""Configurations of a recipe, in the orders and charges that are run; special cases by name."""

from collections import Counter

import numpy as np
import pytest

from defectflow.errors import RecipeError, StructureError
from defectflow.schema.cell import Cell
from defectflow.schema.family import NamedCase
from defectflow.schema.screen import ReferencePhase, load_screen
from defectflow.structures import host_structure
from defectflow.structures.cases import families_of
from defectflow.structures.phases import phase_cell
from defectflow.structures.screening import build_states, count, pristine
from defectflow.structures.voids import largest_void

SEARCH = 'dopants = { C_O = 2 }\nspin = ["FM", "AF"]'


@pytest.fixture
def states(screen_file):
    def build(search: str = SEARCH, *more: tuple[str, str]):
        return build_states(load_screen(screen_file((SEARCH, search), *more)))

    return build


def only(states, composition):
    return [s for s in states if s.configuration.composition == composition]


def test_the_five_pairs_of_the_cube_in_two_orders(states):
    found = only(states(), {"C_O": 2})
    assert sorted({round(s.configuration.distance / 4.25, 4) for s in found}) == [0.7071, 1.0, 1.2247, 1.4142, 1.7321]
    assert Counter(s.order for s in found) == {"FM": 5, "AF": 5}


def test_states_of_one_configuration_differ_in_nothing_but_moments(states):
    fm, af = only(states(), {"C_O": 2})[:2]
    assert fm.configuration.label == af.configuration.label
    assert np.array_equal(fm.cell.coords, af.cell.coords)
    assert (fm.intended_moment, af.intended_moment) == (4.0, 0.0)


def test_degeneracies_sum_to_all_pairs(states):
    found = {s.configuration.label: s.configuration.degeneracy for s in only(states(), {"C_O": 2})}
    assert sum(found.values()) == 32 * 31 // 2


def test_a_vacancy_is_an_atom_less(states):
    (state,) = [s for s in states() if "V_O" in s.configuration.composition]
    assert Counter(state.cell.species) == {"Mg": 32, "O": 30, "C": 1}


def test_dopants_sit_on_their_centres(states):
    for state in only(states(), {"C_O": 2}):
        at = state.cell.coords[list(state.configuration.dopants)]
        assert np.allclose(at, state.configuration.centres)


def test_a_moment_on_a_vacancy_is_spread_over_its_neighbours(states):
    (state,) = only(states('dopants = { V_O = 1 }\nmoments = { V_O = "1.0 muB" }'), {"V_O": 1})
    assert (len(state.magnetic), state.intended_moment) == (6, pytest.approx(1.0))
    assert {state.cell.species[a] for a in state.magnetic} == {"Mg"}


def test_without_a_moment_there_is_one_order(states):
    assert [s.order for s in only(states('dopants = { V_O = 1 }\nspin = ["all"]'), {"V_O": 1})] == ["NM"]


def test_all_orders_of_three_moments_are_distinct_ones(states):
    found = states('dopants = { C_O = 3 }\nshells = [1, 2]\nspin = ["all"]')
    by_label = Counter(s.configuration.label for s in only(found, {"C_O": 3}))
    assert set(by_label.values()) == {2, 3}  # a triangle: +++ and ++-; a chain, whose end is not its middle


def test_charges_are_states_of_their_own(screen_file):
    charged = "[charged]\nelectronic = 3.0\nstatic = 9.9\n[bulk]\n" + "".join(
        f'{k} = {{ mesh = [2, 2, 2], centring = "gamma" }}\n' for k in ("kpoints", "band_kpoints")
    )
    text = screen_file((SEARCH, "dopants = { V_O = 1 }\ncharges = [0, 2]"), ("[moments]", f"{charged}[moments]"))
    assert [s.folder for s in build_states(load_screen(text)) if s.charge] == ["V_O.0.q+2/NM"]


def test_ranges_make_families_of_every_mix(screen_file):
    recipe = load_screen(screen_file((SEARCH, "dopants = { C_O = [0, 2], N_O = [0, 2] }\ntotal = 2")))
    assert [n for _, n in count(recipe)] == [5, 5, 5, 1]


def test_many_dopants_are_counted_without_listing_them(screen_file):
    """30 of 32 sites: as many ways as to choose the two that stay."""
    recipe = load_screen(screen_file((SEARCH, "dopants = { C_O = 30 }")))
    assert count(recipe)[0] == ("C_O:30", 5)


def test_more_configurations_than_allowed_are_refused(states):
    with pytest.raises(StructureError, match="more than 3 configurations"):
        states(SEARCH, ("[host]", "most = 3\n[host]"))


def test_limits_that_nothing_keeps_are_refused(states):
    with pytest.raises(StructureError, match="no configuration of C_O:2 keeps the limits"):
        states('dopants = { C_O = 2 }\nnearest = "9 A"')


def test_an_order_that_does_not_exist_is_refused(states):
    with pytest.raises(StructureError, match="no order of 1 moments is AF"):
        states('dopants = { C_O = 1 }\nspin = ["AF"]')


def test_the_pristine_cell_is_the_supercell(screen_file):
    assert Counter(pristine(load_screen(screen_file())).species) == {"Mg": 32, "O": 32}


# Special cases that users of other packages asked for.


def named(**keys):
    return families_of(NamedCase(sublattice="O", **keys))


def test_doped_91_two_defects_in_one_supercell(states):
    """doped#91: how to generate two defects in the same supercell."""
    found = only(states("dopants = { C_O = 1, V_Mg = 1 }\nshells = [1]"), {"C_O": 1, "V_Mg": 1})
    assert [round(s.configuration.distance, 3) for s in found] == [2.125]


def test_doped_114_two_neighbouring_vacancies():
    """doped#114: complexes such as two neighbouring vacancies are known by their name."""
    (family,) = named(case="double-vacancy", shells=(1,))
    assert (family.dopants, family.shells) == ({"V_O": 2}, (1,))


def test_doped_115_two_dopants_of_the_same_element_at_once(states):
    """doped#115: a second atom of an element that is there already was taken for the host's."""
    assert {Counter(s.cell.species)["C"] for s in only(states(), {"C_O": 2})} == {2}


def test_doped_132_dopants_of_two_elements_at_once(states):
    """doped#132: co-doping of two elements in one cell."""
    found = only(states("dopants = { C_O = 1, N_O = 1 }"), {"C_O": 1, "N_O": 1})
    assert len({s.configuration.label for s in found}) == 5


def test_pydefect_26_a_frenkel_pair_has_its_vacancy_and_its_interstitial(states):
    """pydefect#26: a Frenkel pair was no defect that the package could name."""
    text = 'case = "frenkel"\nsublattice = "O"\ndiameter = "4 A"'
    found = states(SEARCH, ('case = "dopant-at-vacancy"\ndopant = "C"\nsublattice = "O"\nshells = [1]', text))
    pairs = only(found, {"O_i": 1, "V_O": 1})
    assert [round(s.configuration.distance, 3) for s in pairs] == [1.840, 3.524]
    assert Counter(pairs[0].cell.species) == {"Mg": 32, "O": 32}


def test_capture_holds_all_that_it_needs():
    mixes = [f.dopants for f in named(case="capture", dopant="C", shells=(1,))]
    assert mixes == [{"V_O": 1}, {"C_O": 1}, {"V_O": 2}, {"C_O": 1, "V_O": 1}, {"C_O": 2}]


@pytest.mark.parametrize(("digits", "directions"), [("100", 1), ("110", 1), ("111", 1)])
def test_split_pairs_share_one_site_in_distinct_directions(states, digits, directions):
    found = [s for s in states(f'dopants = {{ C_O = 1 }}\nsplit = "{digits}"') if s.configuration.label.count("-O.")]
    assert len(found) == directions
    carbon = found[0].configuration.dopants[0]
    distance = found[0].cell.to_pymatgen().distance_matrix[carbon]
    oxygen = [i for i, s in enumerate(found[0].cell.species) if s == "O"]
    assert distance[oxygen].min() == pytest.approx(1.42, abs=0.01)


def test_split_directions_that_a_lower_symmetry_tells_apart(states):
    found = states('dopants = { C_O = 1 }\nsplit = "100"', ("matrix = [2, 2, 2]", "matrix = [1, 1, 3]"))
    assert sum("-O." in s.configuration.label for s in found) == 2


def test_only_sites_near_an_interface(tmp_path, screen_file):
    """Anions at most 3 A from the metal of a junction: those of the interface layers."""
    from defectflow.resources import resource
    from defectflow.schema.junction import load_junction
    from defectflow.structures.junction import build_junction

    cell = build_junction(load_junction(resource("workflows", "co_mgo_co.toml")), "P").cell
    (tmp_path / "junction.vasp").write_text(cell.to_pymatgen().to(fmt="poscar"))
    search = 'dopants = { C_O = 1 }\nnear = { elements = ["Co"], within = "3 A" }'
    text = screen_file(
        (SEARCH, search),
        ('material = "MgO"\nlattice_constant = "4.25 A"', 'file = "junction.vasp"'),
        ("matrix = [2, 2, 2]", "matrix = [1, 1, 1]"),
    )
    (state,) = only(build_states(load_screen(text)), {"C_O": 1})
    assert state.configuration.degeneracy == 2


def test_no_site_near_what_is_not_there(states):
    with pytest.raises(StructureError, match="the cell has no Co"):
        states('dopants = { C_O = 1 }\nnear = { elements = ["Co"], within = "3 A" }')


def test_the_largest_void_of_rocksalt_is_tetrahedral(screen_file):
    host = Cell.from_pymatgen(host_structure(load_screen(screen_file()).host))
    assert {tuple(v % 0.5) for v in largest_void(host)} == {(0.25, 0.25, 0.25)}


@pytest.mark.parametrize(
    ("phase", "atoms", "moment"),
    [("O2", 2, 2.0), ("CO", 2, 0.0), ("C-atom", 1, 2.0), ("graphite", 4, 0.0), ("Mg", 2, 0.0)],
)
def test_reference_phases_come_with_atoms_and_moment(phase, atoms, moment):
    crystal = {"kpoints": {"mesh": (4, 4, 4), "centring": "gamma"}}
    given = crystal if phase in ("graphite", "Mg") else {"box": "8 A"}
    cell = phase_cell(ReferencePhase.model_validate({"phase": phase, **given}))
    assert (len(cell), float(cell.moments.sum())) == (atoms, moment)


def test_graphite_has_the_bond_length_of_its_lattice_constant():
    cell = phase_cell(
        ReferencePhase.model_validate({"phase": "graphite", "kpoints": {"mesh": (4, 4, 4), "centring": "gamma"}})
    )
    assert np.sort(cell.to_pymatgen().distance_matrix[0])[1] == pytest.approx(2.464 / 3**0.5, abs=1e-3)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"phase": "O3", "box": "8 A"}, 'there is no phase "O3"'),
        ({"phase": "Mg", "box": "8 A"}, "Mg is a crystal: give kpoints"),
        ({"phase": "O-atom", "kpoints": {"mesh": (1, 1, 1), "centring": "gamma"}}, "O-atom is an atom: give box"),
    ],
)
def test_a_phase_that_cannot_be_is_refused(given, message):
    with pytest.raises(RecipeError, match=message):
        phase_cell(ReferencePhase.model_validate(given))


# What looked like one configuration and was two.


def test_interstitials_at_two_places_are_two_configurations(states):
    more = "[[search]]\ndopants = { C_i = 1 }\ninterstitial = [0.3, 0.3, 0.3]\n\n[[cases]]"
    found = states("dopants = { C_i = 1 }\ninterstitial = [0.25, 0.25, 0.25]", ("[[cases]]", more))
    assert len({s.configuration.label for s in only(found, {"C_i": 1})}) == 2


def test_sites_near_different_atoms_keep_their_own_numbers(tmp_path, screen_file):
    """A slab whose two sides differ: the same dopant near each of them."""
    from pymatgen.core import Lattice, Structure

    z = [0.05, 0.2, 0.35, 0.5]
    slab = Structure(Lattice.tetragonal(3.0, 12.0), ["Fe", "O", "O", "Co"], [[0, 0, h] for h in z])
    (tmp_path / "slab.vasp").write_text(slab.to(fmt="poscar"))
    near = 'dopants = {{ C_O = 1 }}\nnear = {{ elements = ["{}"], within = "2 A" }}'
    text = screen_file(
        (SEARCH, near.format("Fe") + "\n\n[[search]]\n" + near.format("Co")),
        ('material = "MgO"\nlattice_constant = "4.25 A"', 'file = "slab.vasp"'),
        ("matrix = [2, 2, 2]", "matrix = [1, 1, 1]"),
    )
    assert len(only(build_states(load_screen(text)), {"C_O": 1})) == 2


def test_one_state_with_two_moments_is_refused(states):
    more = '[[search]]\ndopants = { V_O = 1 }\nmoments = { V_O = "2.0 muB" }\n\n[[cases]]'
    with pytest.raises(StructureError, match="asked for twice, with different moments"):
        states('dopants = { V_O = 1 }\nmoments = { V_O = "1.0 muB" }', ("[[cases]]", more))


def test_a_moment_that_nothing_carries_is_refused(states):
    with pytest.raises(StructureError, match='nothing carries the moment of "Fe"'):
        states(SEARCH, ('C = "2.0 muB"', 'C = "2.0 muB"\nFe = "5.0 muB"'))


def test_an_interstitial_on_an_atom_is_refused(states):
    with pytest.raises(StructureError, match=r"0\.04 A from Mg"):
        states("dopants = { C_i = 1 }\ninterstitial = [0.01, 0.0, 0.0]")


def test_a_cell_without_atoms_is_refused(states):
    with pytest.raises(StructureError, match="no atom is left"):
        states("dopants = { V_O = 4, V_Mg = 4 }", ("matrix = [2, 2, 2]", "matrix = [1, 1, 1]"))


def test_phases_that_cannot_bound_the_host_are_refused_before_a_run(screen_file):
    from defectflow.inputs import plan_jobs

    phase = '[[references]]\nphase = "O2"\nbox = "8 A"\n[moments]'
    with pytest.raises(RecipeError, match="no phase bounds the chemical potential of Mg"):
        plan_jobs(load_screen(screen_file(("[moments]", phase))))


def test_counting_within_limits_honours_most(screen_file):
    text = screen_file((SEARCH, 'dopants = { C_O = 5 }\nnearest = "2 A"'), ("[host]", "most = 10\n[host]"))
    with pytest.raises(StructureError, match="more than 10 configurations"):
        count(load_screen(text))


def test_the_file_of_a_phase_lies_beside_the_recipe_and_is_kept_in_the_study(tmp_path, screen_file, monkeypatch):
    from defectflow.run import ScreenStudy

    (tmp_path / "mg.vasp").write_text("Mg\n3.2\n1 0 0\n0 1 0\n0 0 1\nMg\n1\nDirect\n0 0 0\n")
    phases = '[[references]]\nphase = "Mg_sc"\nfile = "mg.vasp"\nkpoints = { mesh = [4, 4, 4], centring = "gamma" }\n'
    oxygen = '[[references]]\nphase = "O2"\nbox = "8 A"\n[moments]'
    text = screen_file(("[moments]", phases + oxygen))
    monkeypatch.chdir("/")
    study = ScreenStudy.create(tmp_path / "run", text, "gpaw")
    (tmp_path / "mg.vasp").unlink()
    (job,) = (j for j in ScreenStudy.open(study.folder).jobs if j.path.endswith("phase.Mg_sc/static"))
    assert job.cell.species == ("Mg",)
