"""Junctions: match, strain, layers, equivalent interfaces, moments, what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from defectflow.errors import StructureError
from defectflow.resources import resource
from defectflow.schema.junction import JunctionRecipe, load_junction
from defectflow.schema.layers import ThinRelaxation, heights
from defectflow.structures.junction import build_junction
from defectflow.structures.matching import match_squares
from defectflow.structures.thicken import displaced_as

RECIPE = load_junction(resource("workflows", "co_mgo_co.toml"))


def changed(**parts: dict) -> JunctionRecipe:
    """The shipped recipe with keys of its tables replaced."""
    document = RECIPE.model_dump(by_alias=True) | {"stages": ["static"], "sources": {}, "relaxation": None}
    for table, keys in parts.items():
        document[table] = (document[table] or {}) | keys if isinstance(keys, dict) else keys
    return JunctionRecipe.model_validate(document)


SLAB = {"kind": "slab", "vacuum": 12.0}


def mirrored(junction) -> bool:
    """Whether a symmetry operation of the crystal turns one interface into the other."""
    from pymatgen.symmetry.analyzer import SpacegroupAnalyzer

    operations = SpacegroupAnalyzer(junction.cell.to_pymatgen(), symprec=1e-3).get_symmetry_operations()
    return any(op.rotation_matrix[2, 2] < -0.5 for op in operations)


def test_bcc_cobalt_matches_mgo_at_45_degrees_with_the_known_strain():
    junction = build_junction(RECIPE, "P")
    assert junction.strain == pytest.approx((4.25 / 2**0.5 / 2.82 - 1,) * 2)
    assert np.linalg.norm(junction.cell.lattice[0]) == pytest.approx(4.25 / 2**0.5)


def test_cobalt_sits_atop_oxygen_at_both_interfaces():
    junction = build_junction(RECIPE, "P")
    cell = junction.cell
    metal = [s for layer in junction.of_kind("metal") if layer.depth == 1 for s in layer.sites]
    oxygen = [s for s in range(len(cell)) if cell.species[s] == "O"]
    nearest = [cell.to_pymatgen().distance_matrix[m][oxygen].min() for m in metal]
    assert nearest == pytest.approx([RECIPE.interface.distance] * 2)


@settings(max_examples=25)
@given(oxide=st.integers(2, 9), metal=st.integers(1, 6), kind=st.sampled_from(["anion-top", "cation-top", "hollow"]))
def test_both_interfaces_are_equivalent(oxide, metal, kind):
    """pymatgen's interface builder leaves the second interface to chance (pymatgen#2406)."""
    stacked = {"stacking": kind}
    recipe = changed(
        oxide={"layers": oxide}, electrode={"layers": metal}, interface=stacked, geometry=SLAB, states=["P"]
    )
    assert mirrored(build_junction(recipe, "P"))


@settings(max_examples=25)
@given(oxide=st.integers(2, 9), metal=st.integers(2, 9))
def test_a_superlattice_is_equivalent_on_both_sides_or_refused(oxide, metal):
    recipe = changed(oxide={"layers": oxide}, electrode={"layers": metal})
    if (oxide + metal) % 2:
        with pytest.raises(StructureError, match="both even or both odd"):
            build_junction(recipe, "P")
    else:
        assert mirrored(build_junction(recipe, "P"))


def test_the_barrier_lies_in_the_middle_with_as_many_metal_layers_on_either_side():
    junction = build_junction(RECIPE, "P")
    kinds = [layer.kind for layer in junction.layers]
    assert kinds == ["metal"] * 4 + ["oxide"] * 12 + ["metal"] * 4


def test_layers_rise_and_hold_every_atom_once():
    junction = build_junction(RECIPE, "P")
    assert (np.diff(heights(junction.cell, junction.layers)) > 0).all()
    assert sorted(s for layer in junction.layers for s in layer.sites) == list(range(len(junction.cell)))


def test_ap_turns_the_right_electrode():
    junction = build_junction(changed(geometry=SLAB, states=["P", "AP"]), "AP")
    moments = {layer.side: junction.cell.moments[list(layer.sites)].mean() for layer in junction.of_kind("metal")}
    assert moments == {"left": RECIPE.electrode.moment, "right": -RECIPE.electrode.moment}


def test_ap_in_a_superlattice_is_refused_with_the_reason():
    with pytest.raises(ValueError, match="domain wall"):
        changed(states=["P", "AP"])


def test_too_much_strain_is_refused_and_the_best_match_named():
    with pytest.raises(StructureError, match=r"at most 3.0 % strain; the best has 4.7 %"):
        build_junction(changed(interface={"max_strain": 0.03}), "P")


def test_the_oxide_can_be_the_one_that_is_strained():
    junction = build_junction(changed(interface={"strained": "oxide"}), "P")
    assert junction.strain[0] == pytest.approx(2.82 * 2**0.5 / 4.25 - 1)
    assert np.linalg.norm(junction.bulk.lattice[0]) == pytest.approx(2.82)


def test_an_unset_spacing_keeps_the_volume_of_the_strained_metal():
    junction = build_junction(changed(electrode={"spacing": None}, geometry=SLAB), "P")
    spacing = np.diff(heights(junction.cell, junction.of_kind("metal")))[0]
    assert spacing * junction.cell.lattice[0, 0] ** 2 == pytest.approx(2.82**3 / 2)


def test_fcc_cobalt_needs_a_larger_rotated_cell():
    match = match_squares(4.25 / 2**0.5, 3.52 / 2**0.5, "electrode", (0.08, 60.0))
    assert abs(np.linalg.det(match.oxide)) == pytest.approx(4)
    assert abs(np.linalg.det(match.metal)) == pytest.approx(5)


@given(side=st.floats(2.4, 3.6), limit=st.floats(0.005, 0.2))
def test_no_match_has_more_strain_than_allowed(side, limit):
    try:
        match = match_squares(3.0, side, "electrode", (limit, 40.0))
    except StructureError:
        return
    assert max(map(abs, match.strain)) <= limit
    stretched = np.linalg.det(match.lattice) / (side**2 * np.linalg.det(match.metal))
    assert np.prod([1 + s for s in match.strain]) == pytest.approx(abs(stretched))


def test_a_carbon_layer_lies_between_metal_and_oxide():
    layer = {"element": "C", "side": "both", "depth": 0, "fill": "all", "distance": 1.6}
    junction = build_junction(changed(impurities=[layer], geometry=SLAB), "P")
    assert [x.kind for x in junction.layers].count("inserted") == 2
    assert mirrored(junction)


def test_one_dopant_replaces_one_anion_of_its_layer():
    one = {"element": "C", "side": "left", "depth": 2, "fill": "one"}
    wide = {"repeat": [2, 2]}
    junction = build_junction(changed(impurities=[one], interface=wide), "P")
    (carbon,) = [s for s, name in enumerate(junction.cell.species) if name == "C"]
    (layer,) = [x for x in junction.layers if carbon in x.sites]
    assert (layer.kind, layer.side, layer.depth) == ("oxide", "left", 2)


def test_a_dopant_beyond_the_middle_is_refused():
    deep = {"element": "C", "side": "left", "depth": 7, "fill": "all"}
    with pytest.raises(StructureError, match="beyond the barrier's middle"):
        build_junction(changed(impurities=[deep]), "P")


def test_the_bulk_reference_has_the_plane_and_the_spacing_of_the_barrier():
    junction = build_junction(RECIPE, "P")
    spacing = np.diff(heights(junction.cell, junction.of_kind("oxide")))
    assert junction.bulk.lattice[2, 2] == pytest.approx(2 * spacing[0])
    assert junction.bulk.lattice[:2, :2] == pytest.approx(junction.cell.lattice[:2, :2])


def thin_and_thick(thin: int, thick: int, **parts: dict) -> ThinRelaxation:
    oxide = parts.pop("oxide", {})
    built = [build_junction(changed(oxide=oxide | {"layers": n}, **parts), "P") for n in (thin, thick)]
    return ThinRelaxation("junction/P/relax", *built)


def moved(cell, shifts):
    coords = cell.coords.copy()
    coords[:, 2] += np.array(shifts) / cell.lattice[2, 2]
    return cell.with_coords(coords)


WIDE = {"interface": {"repeat": [2, 1]}}


@pytest.mark.parametrize(
    ("thin", "thick", "parts"),
    [
        (4, 12, {}),
        (3, 5, {"electrode": {"layers": 3}, **WIDE}),
        (5, 7, {"electrode": {"layers": 7}}),
        (3, 7, {"geometry": SLAB}),
        (2, 6, {"geometry": SLAB, **WIDE}),
        (3, 3, {"electrode": {"layers": 3}}),
    ],
)
def test_an_unmoved_thin_junction_moves_nothing(thin, thick, parts):
    """Also where a layer stands at the cell's end, and where halves of the atoms are no halves of the layers."""
    r = thin_and_thick(thin, thick, **parts)
    wrapped = r.thin.cell.with_coords(r.thin.cell.coords % 1.0)
    assert displaced_as(r, wrapped).coords == pytest.approx(r.thick.cell.coords)


@settings(max_examples=25)
@given(st.lists(st.floats(-0.2, 0.2), min_size=8, max_size=8))
def test_both_interfaces_keep_the_relaxed_distances(shifts):
    r = thin_and_thick(4, 12)
    relaxed = moved(r.thin.cell, [*shifts, *[-s for s in reversed(shifts)]])
    taken = displaced_as(r, relaxed)
    for side in (slice(None, 8), slice(-8, None)):
        wanted, found = (np.diff(c.coords[side, 2] * c.lattice[2, 2]) for c in (relaxed, taken))
        assert found == pytest.approx(wanted)


def test_the_layers_between_share_what_is_left():
    r = thin_and_thick(4, 12)
    taken = displaced_as(r, moved(r.thin.cell, [-0.1] * 8 + [0.1] * 8))
    spacings = np.diff(heights(taken, r.thick.of_kind("oxide")))
    assert spacings[2:-2] == pytest.approx(np.full(7, spacings[5]))


def test_rumpling_of_wide_cells_does_not_move_the_middle():
    """Cations out by 0.1 A, anions in by 0.1 A on both sides: the layers as a whole stay."""
    r = thin_and_thick(2, 6, geometry=SLAB, **WIDE)
    shifts = np.zeros(len(r.thin.cell))
    for layer in r.thin.of_kind("oxide"):
        for site in layer.sites:
            out = -0.1 if layer.side == "left" else 0.1
            shifts[site] = out if r.thin.cell.species[site] == "Mg" else -out
    taken = displaced_as(r, moved(r.thin.cell, shifts))
    inner = [s for layer in r.thick.of_kind("oxide") if layer.depth > 1 for s in layer.sites]
    assert taken.coords[inner] == pytest.approx(r.thick.cell.coords[inner])


def test_a_relaxed_cell_of_another_kind_is_refused():
    r = thin_and_thick(4, 12)
    with pytest.raises(StructureError, match="not the thin junction"):
        displaced_as(r, r.thick.cell)


@pytest.mark.parametrize("stacking", ["anion-top", "cation-top", "hollow"])
@pytest.mark.parametrize(("layers", "depth"), [(4, 1), (4, 2), (5, 1), (5, 2)])
def test_single_dopants_on_both_sides_keep_the_interfaces_equivalent_in_rotated_cells(stacking, layers, depth):
    one = {"element": "C", "side": "both", "depth": depth, "fill": "one"}
    fcc = {"prototype": "fcc", "lattice_constant": 3.52, "layers": 1, "spacing": None}
    parts = {"oxide": {"layers": layers}, "electrode": fcc, "interface": {"stacking": stacking}}
    assert mirrored(build_junction(changed(impurities=[one], geometry=SLAB, **parts), "P"))


def test_a_dopant_of_the_middle_layer_is_not_lost_on_the_right():
    right = {"element": "C", "side": "right", "depth": 2, "fill": "all"}
    junction = build_junction(changed(oxide={"layers": 3}, impurities=[right], geometry=SLAB), "P")
    assert "C" in junction.cell.species


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"interface": {"distance": 0.1}}, "greater than or equal to 1"),
        ({"oxide": {"lattice_constant": 0.1}}, "greater than or equal to 2"),
        ({"electrode": {"spacing": 1e300}}, "less than or equal to 4"),
        ({"electrode": {"moment": 1e9}}, "less than or equal to 10"),
        ({"electrode": {"layers": 1}}, "a superlattice needs two"),
        (
            {"impurities": [{"element": "C", "side": s, "depth": 1, "fill": "all"} for s in ("left", "both")]},
            "one layer",
        ),
    ],
)
def test_what_no_junction_can_be_is_refused_by_the_recipe(parts, said):
    with pytest.raises(ValueError, match=said):
        changed(**parts)


def test_an_impurity_of_the_oxides_own_element_is_refused():
    own = {"element": "O", "side": "both", "depth": 1, "fill": "all"}
    with pytest.raises(StructureError, match="O is an element of the oxide itself"):
        build_junction(changed(impurities=[own]), "P")


def test_a_relaxation_too_thin_for_its_impurities_is_refused():
    deep = {"element": "C", "side": "both", "depth": 3, "fill": "all"}
    with pytest.raises(ValueError, match="too thin for the depth"):
        changed(impurities=[deep], stages=["relax", "static"], relaxation={"oxide_layers": 4})
