import re
import tomllib

import pytest

from defectflow.errors import RecipeError, StructureError
from defectflow.resources import resource
from defectflow.schema import load_recipe
from defectflow.schema.recipe import Recipe
from defectflow.structures import pair_audit

SHIPPED = ["quick.toml", "mgo_carbon_pairs.toml"]


def test_the_papers_recipe_carries_the_papers_numbers():
    s = load_recipe(resource("workflows", "mgo_carbon_pairs.toml")).settings
    assert (s.cutoff, s.energy_tolerance, s.force_tolerance, s.smearing.width) == (500, 1e-8, 1e-3, 0.1)
    assert (s.kpoints.mesh, s.smearing.kind, s.functional) == ((6, 6, 6), "methfessel-paxton", "PBE")


def _numbers(node, key=""):
    if isinstance(node, dict):
        for name, value in node.items():
            yield from _numbers(value, f"{key}.{name}".lstrip("."))
    elif isinstance(node, list):
        for value in node:
            yield from _numbers(value, key)
    elif (isinstance(node, int | float) and not isinstance(node, bool)) or (
        isinstance(node, str) and node[:1].isdigit()
    ):
        yield key


@pytest.mark.parametrize("name", SHIPPED)
def test_every_number_of_a_shipped_recipe_has_a_source(name):
    document = tomllib.loads(resource("workflows", name).read_text())
    sources = document.pop("sources")
    without = [k for k in _numbers(document) if k != "schema" and not any(k.startswith(s) for s in sources)]
    assert without == []


@pytest.mark.parametrize("name", SHIPPED)
def test_a_recipe_survives_json(name):
    recipe = load_recipe(resource("workflows", name))
    assert Recipe.model_validate_json(recipe.model_dump_json(by_alias=True)) == recipe


# Each bad recipe: what is changed in quick.toml, and what the message must say.
BAD = {
    "unknown key": (('cutoff = "340 eV"', 'cutof = "340 eV"'), r'settings.cutof: unknown key; nearest valid key: "cutoff"'),
    "missing key": (('cutoff = "340 eV"\n', ""), r"settings.cutoff: this key is missing"),
    "unknown table": (("[bulk]", "[blk]"), r'blk: unknown key; nearest valid key: "bulk"'),
    "wrong unit": (("340 eV", "25 Ry"), r'settings.cutoff: the unit must be eV, not Ry \(25 Ry = "340.142 eV"\)'),
    "no unit": (('"340 eV"', "340"), r'settings.cutoff: .*as in "340 eV"'),
    "negative": (("340 eV", "-340 eV"), r"settings.cutoff: must be greater than zero"),
    "cutoff out of range": (("340 eV", "34000 eV"), r"between 100 and 3000 eV"),
    "not finite": (("340 eV", "nan eV"), r"settings.cutoff"),
    "loose tolerance": (("1e-3 eV", "0.5 eV"), r"energy_tolerance: 0.5 eV per cell is too loose"),
    "mesh of two": (("mesh = [2, 2, 2], centring", "mesh = [2, 2], centring"), r"settings.kpoints.mesh"),
    "mesh of zero": (("mesh = [2, 2, 2], centring", "mesh = [0, 2, 2], centring"), r"settings.kpoints.mesh.0"),
    "odd shifted mesh": (("mesh = [2, 2, 2], centring", "mesh = [3, 3, 3], centring"), r"an odd mesh always holds Gamma"),
    "unknown centring": (('centring = "shifted" }\nsm', 'centring = "gama" }\nsm'), r"settings.kpoints.centring"),
    "unknown smearing": (('"methfessel-paxton", order = 1', '"marzari"'), r"settings.smearing.kind"),
    "huge width": (('width = "0.1 eV"', 'width = "5 eV"'), r"a smearing width lies between 0.0001 and 1 eV, not 5"),
    "no width": (('width = "0.1 eV"', 'width = "1e-300 eV"'), r"a smearing width lies between"),
    "huge force": (('"0.05 eV/A"', '"50 eV/A"'), r"a force limit lies between 1e-05 and 1 eV/A, not 50"),
    "no number of cells": (("matrix = [2, 2, 2]", "matrix = [true, 2, 2]"), r"supercell.matrix"),
    "order missing": ((", order = 1", ""), r"order goes with"),
    "functional": (('"PBE"', '"PBEsol"'), r"settings.functional"),
    "material": (('"MgO"', '"NiO"'), r'no material "NiO"'),
    "two hosts": (('material = "MgO"', 'material = "MgO"\nfile = "POSCAR"'), r"exactly one of"),
    "no host": (('material = "MgO"\n', ""), r"exactly one of"),
    "file missing": (('material = "MgO"\n', 'file = "no.cif"\n'), r"lattice_constant goes with material or prototype"),
    "element": (('["C", "C"]', '["C", "Xx"]'), r'pairs.dopants: "Xx" is no chemical element'),
    "one dopant": (('["C", "C"]', '["C"]'), r"pairs.dopants"),
    "sublattice": (('sublattice = "O"', 'sublattice = "S"'), r"the cell has no S"),
    "pair number": (('sublattice = "O"', 'sublattice = "O"\nselect = [6]'), r"5 distinct pairs .* there is no pair 6"),
    "pair zero": (('sublattice = "O"', 'sublattice = "O"\nselect = [0]'), r"pairs.select.0"),
    "two selectors": (('sublattice = "O"', 'sublattice = "O"\nselect = [1]\nbulk_shells = [1]'), r"give one of"),
    "aliased vector": (
        ('sublattice = "O"', 'sublattice = "O"\nvectors_over_a = [[1.5, 0.5, 0.0]]'),
        r"does not exist in this cell; through the periodic boundary it is pair 1, .*\n.*3x3x3 \(216 atoms\)",
    ),
    "aliased shell": (('sublattice = "O"', 'sublattice = "O"\nbulk_shells = [5]'), r"it is pair 1.*\n.*3x3x3"),
    "no such vector": (
        ('sublattice = "O"', 'sublattice = "O"\nvectors_over_a = [[0.3, 0.0, 0.0]]'), r"joins no two O sites"
    ),
    "flat supercell": (("matrix = [2, 2, 2]", "matrix = [[1, 0, 0], [2, 0, 0], [0, 0, 1]]"), r"holds 0 cells of the host"),
    "huge supercell": (("matrix = [2, 2, 2]", "matrix = [99, 99, 99]"), r"entries of the matrix lie between"),
    "many cells": (("matrix = [2, 2, 2]", "matrix = [7, 7, 7]"), r"holds 343 cells of the host; expected 1 to 250"),
    "potential of no engine": (("potentials.gpaw.Mg", "potentials.gpwa.Mg"), r"settings.potentials.gpwa: is no engine"),
    "potential of no element": (
        ('potentials.gpaw.Mg = "2"', 'potentials.gpaw = { Mg = "2", Zz = "2" }'),
        r'settings.potentials: "Zz" is no chemical element',
    ),
    "potential of a stranger": (
        ('potentials.gpaw.Mg = "2"', 'potentials.gpaw = { Mg = "2", Fe = "2" }'),
        r"settings.potentials.gpaw.Fe: no cell of the study holds Fe",
    ),
    "dopant of the host": (('["C", "C"]', '["C", "O"]'), r"O on a O site, which is no dopant"),
    "a type for a key": (("schema = 1", "schema = 1\nint = 3"), r"int: unknown key"),
    "a bracket in a key": (("[bulk]", '"a[b" = 1\n[bulk]'), r"unknown key"),
    "a long number": (("schema = 1", "schema = 1" + "0" * 5000), r"is not valid TOML"),
    "a wide window": (('["-4 eV", "6 eV"]', '["-1e9 eV", "1e9 eV"]'), r"window reaches at most 200 eV"),
    "a thin line": (('"0.15 eV"', '"1e-7 eV"'), r"broadening lies between"),
    "a null in a path": (
        ('material = "MgO"\nlattice_constant = "4.25 A"', 'file = "a\\u0000b"'), r"sources names"
    ),
    "spin state": (('["FM", "AF"]', '["FM", "AFM"]'), r'spin.states: "AFM" is none of'),
    "twice a state": (('["FM", "AF"]', '["FM", "FM"]'), r"different states"),
    "start without seed": (
        ('moment = "2.0 muB"', 'moment = "2.0 muB"\nstarts = [{ kind = "rattle", amplitude = "0.1 A" }]'),
        r'spin.starts.0: kind = "rattle" takes amplitude, seed',
    ),
    "twice a start": (
        ('moment = "2.0 muB"', 'moment = "2.0 muB"\nstarts = [{ kind = "symmetric" }, { kind = "symmetric" }]'),
        r"starts must be a list of different starts",
    ),
    "no start": (('moment = "2.0 muB"', 'moment = "2.0 muB"\nstarts = []'), r"starts must hold at least one start"),
    "a start for no pair": (
        ('moment = "2.0 muB"', 'moment = "2.0 muB"\nstarts = [{ kind = "symmetric", pairs = [] }]'),
        r"spin.starts.0.pairs",
    ),
    "a start twice for a pair": (
        ('moment = "2.0 muB"', 'moment = "2.0 muB"\nstarts = [{ kind = "symmetric", pairs = [3, 3] }]'),
        r"spin.starts.0: pairs names one pair twice",
    ),
    "no moment": (('moment = "2.0 muB"', ""), r"give moment = "),
    "twice a pair": (('sublattice = "O"', 'sublattice = "O"\nselect = [4, 4]'), r"select names a pair twice"),
    "stages": (('stages = ["static"]', 'stages = ["dos", "static"]'), r"stages are"),
    "dos without mesh": (('stages = ["static"]', 'stages = ["static", "dos"]'), r"needs dos.kpoints"),
    "falling window": (('["-4 eV", "6 eV"]', '["6 eV", "-4 eV"]'), r"dos.window: window must rise"),
    "source of what is gone": (
        ('material = "MgO"\nlattice_constant = "4.25 A"', 'file = "no.cif"'),
        r'sources names "host.lattice_constant", which this recipe does not set',
    ),
    "source of nothing": (('"settings.cutoff" = ', '"settings.cutof" = '), r'sources names "settings.cutof"'),
    "schema": (("schema = 1", "schema = 2"), r"schema"),
    "schema true": (("schema = 1", "schema = true"), r"schema: is 1, the version of the layout, and neither true"),
    "symmetry as a number": (("[settings]", "[settings]\nsymmetry = 0"), r"settings.symmetry: Input should be a valid b"),
    "name": (('name = "quick"', 'name = "../quick"'), r"name"),
    "not toml": (("[host]", "[host"), r"is not valid TOML.*line"),
}  # fmt: skip


@pytest.mark.parametrize("change", BAD)
def test_a_bad_recipe_ends_with_a_message_and_no_traceback(change, recipe_file, defectflow, tmp_path):
    replacement, message = BAD[change]
    path = recipe_file(replacement)
    done = defectflow("run", path, "-o", tmp_path / "run", "--engine", "replay")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "run").exists()
    assert re.search(message, done.stderr), done.stderr


def test_all_problems_are_reported_at_once_with_the_file(recipe_file):
    path = recipe_file(("340 eV", "25 Ry"), ('"PBE"', '"LDA"'))
    with pytest.raises(RecipeError, match=r"recipe.toml: 2 problems"):
        load_recipe(path)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"", b"[" * 5000, b"a = " + b"[" * 100000])
def test_a_file_that_is_no_recipe_is_refused(tmp_path, content):
    path = tmp_path / "recipe.toml"
    path.write_bytes(content)
    with pytest.raises(RecipeError):
        load_recipe(path)


def test_a_missing_recipe_says_how_to_make_one(tmp_path):
    with pytest.raises(RecipeError, match="defectflow init"):
        load_recipe(tmp_path / "none.toml")


def host_file(tmp_path, quick_text, name):
    text = quick_text.replace('material = "MgO"\nlattice_constant = "4.25 A"', f'file = "{name}"')
    path = tmp_path / "recipe.toml"
    path.write_text(text.replace('"host.lattice_constant"', '"host.file"'))
    return load_recipe(path)


def test_a_missing_structure_file_is_named(tmp_path, quick_text):
    with pytest.raises(StructureError, match=r"no\.cif: no such structure file"):
        pair_audit(host_file(tmp_path, quick_text, "no.cif"))


def test_a_poscar_without_symbols_is_not_made_of_hydrogen_and_helium(tmp_path, quick_text):
    (tmp_path / "v4.vasp").write_text("x\n4.25\n0 .5 .5\n.5 0 .5\n.5 .5 0\n1 1\nDirect\n0 0 0\n.5 .5 .5\n")
    with pytest.raises(StructureError, match="a line of element symbols is expected"):
        pair_audit(host_file(tmp_path, quick_text, "v4.vasp"))


def test_a_byte_order_mark_is_no_error(tmp_path, quick_text):
    (tmp_path / "r.toml").write_text(quick_text, encoding="utf-8-sig")
    assert load_recipe(tmp_path / "r.toml").name == "quick"
