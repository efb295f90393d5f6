"""Cells with a dopant pair: what must survive every sort and conversion."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from defectflow.errors import StructureError
from defectflow.resources import resource
from defectflow.schema import Cell, load_recipe
from defectflow.structures import build_pair_cells
from defectflow.structures.build import far_sites, neighbour_sites


@pytest.fixture(scope="module")
def cells():
    return [pair for pair, _ in build_pair_cells(load_recipe(resource("workflows", "quick.toml")))]


def test_ten_states_of_64_atoms(cells):
    assert [(c.orbit.label, c.state) for c in cells] == [(n, s) for n in "12345" for s in ("FM", "AF")]
    assert {len(c.cell) for c in cells} == {64}


def test_the_dopants_are_two_carbon_atoms_at_the_pairs_distance(cells):
    for c in cells:
        assert [c.cell.species[d] for d in c.dopants] == ["C", "C"]
        assert c.cell.to_pymatgen().get_distance(*c.dopants) == pytest.approx(c.orbit.distance)


def test_fm_and_af_differ_in_the_moments_alone(cells):
    for fm, af in zip(cells[::2], cells[1::2], strict=True):
        assert np.array_equal(fm.cell.coords, af.cell.coords)
        assert fm.cell.species == af.cell.species
        assert (fm.cell.moments.sum(), af.cell.moments.sum()) == (4.0, 0.0)


# pymatgen#2339, pymatgen#4335, doped#115: two dopants of one element lose their identity in a sort.
@given(order=st.permutations(range(64)))
def test_dopant_indices_and_signed_moments_survive_any_reordering(cells, order):
    pair = cells[7]
    moved = pair.take(np.array(order))
    assert [moved.cell.moments[d] for d in moved.dopants] == [2.0, -2.0]
    assert np.allclose(moved.cell.coords[list(moved.dopants)], pair.cell.coords[list(pair.dopants)])


@pytest.mark.parametrize(
    "convert", [lambda c: Cell.from_pymatgen(c.to_pymatgen()), lambda c: Cell.from_ase(c.to_ase())]
)
def test_conversions_keep_order_species_and_signed_moments(cells, convert):
    cell = cells[7].cell
    back = convert(cell)
    assert back.species == cell.species
    assert np.array_equal(back.moments, cell.moments)
    assert np.allclose(back.coords, cell.coords, atol=1e-12)


def test_sites_are_grouped_by_element_dopants_last(cells):
    assert "".join(dict.fromkeys(cells[0].cell.species)) == "MgOC"


def test_two_different_dopants_keep_their_roles(recipe_file):
    path = recipe_file(('["C", "C"]', '["N", "C"]'))
    pair = build_pair_cells(load_recipe(path))[1][0]
    assert [pair.cell.species[d] for d in pair.dopants] == ["N", "C"]
    assert [pair.cell.moments[d] for d in pair.dopants] == [2.0, -2.0]


def test_unlike_dopants_that_could_be_exchanged_are_refused(tmp_path, recipe_file):
    slab = "x\n1\n3 0 0\n0 3 0\n0 0 9\nMg O\n1 2\nDirect\n0 0 0\n.5 .5 .2\n.5 .5 .6\n"
    (tmp_path / "polar.vasp").write_text(slab)
    path = recipe_file(
        ('material = "MgO"\nlattice_constant = "4.25 A"', f'file = "{tmp_path}/polar.vasp"'),
        ('"host.lattice_constant"', '"host.file"'),
        ('dopants = ["C", "C"]', 'dopants = ["C", "N"]'),
    )
    with pytest.raises(StructureError, match="C and N exchanged on the sites of pair"):
        build_pair_cells(load_recipe(path))


def test_each_dopant_has_its_own_moment(recipe_file):
    path = recipe_file(
        ('["C", "C"]', '["N", "C"]'),
        ('moment = "2.0 muB"', 'moments = ["1.0 muB", "2.0 muB"]'),
        ('"spin.moment"', '"spin.moments"'),
    )
    fm, af = (pair for pair, _ in build_pair_cells(load_recipe(path))[:2])
    assert (fm.cell.moments.sum(), af.cell.moments.sum()) == (3.0, -1.0)


def test_far_and_near_sites_of_the_fourth_pair(cells):
    pair = cells[6]
    assert {pair.cell.species[s] for s in neighbour_sites(pair)} == {"Mg"}
    assert len(neighbour_sites(pair)) == 12
    assert {pair.cell.species[s] for s in far_sites(pair, "O")} == {"O"}
    assert not set(far_sites(pair, "O")) & set(pair.dopants)
    assert all(len(far_sites(c, "O")) >= 8 for c in cells)


@pytest.mark.parametrize("name", ["host.cif", "POSCAR"])
def test_a_host_from_a_file_gives_the_same_pairs(tmp_path, quick_text, name):
    from defectflow.schema.host import Host
    from defectflow.structures import host_structure, pair_audit

    fmt = "cif" if name.endswith("cif") else "poscar"
    (tmp_path / name).write_text(host_structure(Host(material="MgO")).to(fmt=fmt))
    text = quick_text.replace('material = "MgO"\nlattice_constant = "4.25 A"', f'file = "{name}"')
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(text.replace('"host.lattice_constant"', '"host.file"'))
    assert [p.images for p in pair_audit(load_recipe(recipe))] == [1, 2, 2, 4, 8]


@pytest.mark.parametrize("kind", ["pymatgen", "ase"])
def test_a_host_from_a_python_object(cells, kind):
    from defectflow.schema.host import Host
    from defectflow.structures import host_structure
    from defectflow.structures.host import host_from

    structure = host_structure(Host(material="MgO"))
    given_object = structure if kind == "pymatgen" else structure.to_ase_atoms()
    assert host_structure(host_from(given_object)).composition == structure.composition
