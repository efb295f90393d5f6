"""Recipes of screenings: what they expand to, and what they refuse."""

import pytest

from defectflow.errors import RecipeError
from defectflow.schema.defects import defect_words
from defectflow.schema.family import Family
from defectflow.schema.kinds import load_any
from defectflow.schema.screen import ScreenRecipe, load_screen


def test_kinds_are_told_apart_by_the_file(screen_file):
    assert isinstance(load_any(screen_file()), ScreenRecipe)


def test_counts_in_a_range_are_all_mixes_of_the_total():
    family = Family(dopants={"C_O": (0, 2), "N_O": (0, 2)}, total=2)
    assert family.compositions == ({"N_O": 2}, {"C_O": 1, "N_O": 1}, {"C_O": 2})


def test_many_ranges_with_a_total_are_not_all_tried():
    """Five ranges of 65 counts are a thousand million mixes, 15 of them with two in all."""
    wide = {f"{s}_O": (0, 64) for s in ("C", "N", "V", "F", "S")}
    assert len(Family(dopants=wide, total=2).compositions) == 15


def test_mixes_that_nobody_means_are_refused():
    wide = {f"{s}_O": (0, 64) for s in ("C", "N", "V", "F", "S")}
    with pytest.raises(ValueError, match="more than 10000 mixes"):
        Family(dopants=wide)


@pytest.mark.parametrize(("name", "words"), [("C_O", ("C", "O")), ("V_Mg", ("V", "Mg")), ("O_i", ("O", "i"))])
def test_defects_are_named_as_kroger_and_vink_do(name, words):
    assert defect_words(name) == words


def test_vanadium_is_not_a_vacancy():
    assert defect_words("vanadium_Mg") == ("vanadium", "Mg")


def test_a_round_changes_only_what_it_names(screen_file):
    recipe = load_screen(screen_file())
    first, second = (recipe.settings_of(r) for r in recipe.rounds)
    assert (first.cutoff, second.cutoff) == (450.0, 500.0)
    assert first.model_copy(update={"cutoff": 500.0}) == second


BAD = [
    ('dopants = { C_O = 2 }', 'dopants = { Q_O = 2 }', 'search.0.dopants: "Q" is no chemical element'),
    ('dopants = { C_O = 2 }', 'dopants = { CO = 2 }', '"CO" is no defect: expected e.g. C_O'),
    ('dopants = { C_O = 2 }', 'dopants = { O_O = 2 }', "puts an atom of the host on its own site"),
    ('dopants = { C_O = 2 }', 'dopants = {}', "names no dopant and no vacancy"),
    ('dopants = { C_O = 2 }', 'dopants = { C_O = [1, 2] }\ntotal = 9', "no mix of these counts has 9 in all"),
    ('dopants = { C_O = 2 }', 'dopants = { C_O = 2 }\nnearest = "5 A"\ndiameter = "4 A"', "nearest (5 A) is beyond"),
    ('dopants = { C_O = 2 }', 'dopants = { C_O = 2 }\nsplit = "110"', "split takes one dopant"),
    ('dopants = { C_O = 2 }', 'dopants = { V_O = 1 }\nsplit = "110"', "a vacancy shares its site with nobody"),
    ('dopants = { C_O = 2 }', 'dopants = { C_O = 2 }\ninterstitial = [0.25, 0.25, 0.25]', "interstitial goes with"),
    ('dopants = { C_O = 2 }', 'dopant = { C_O = 2 }', 'nearest valid key: "dopants"'),
    ('dopants = { C_O = 2 }', 'dopants = { C_O = [2, 1] }', "the lower count comes first"),
    ('dopants = { C_O = 2 }', 'dopants = { C_O = [0, 0] }', "no mix of these counts holds a defect"),
    ('dopants = { C_O = 2 }', 'dopants = { C_O = 1 }\nshells = [1]', "limit the distance of two"),
    ('dopants = { C_O = 2 }', 'dopants = { C_O = 2 }\nmoments = { C_Mg = "1 muB" }', 'moments names "C_Mg"'),
    ('dopants = { C_O = 2 }', 'dopants = { C_i = 2 }\ninterstitial = [nan, 0.0, 0.0]', "search.0.interstitial"),
    ('dopants = { C_O = 2 }', 'dopants = { C_O = 2 }\nnear = { elements = [], within = "3 A" }', "near.elements"),
    ('C = "2.0 muB"', 'V = "2.0 muB"', 'write V_O, or vanadium'),
    ('C = "2.0 muB"', 'foo_bar = "2.0 muB"', '"foo_bar" is no defect'),
    ("[moments]", "[charged]\nstatic = 9.9\nelectronic = [[3, 0, 0], [0, -1, 0], [0, 0, 3]]\n[moments]", "is symmetric"),
    ('spin = ["FM", "AF"]', 'spin = ["FM", "FM"]', "a list of different entries"),
    ('spin = ["FM", "AF"]', 'charges = [1]', "charged states need [charged]"),
    ('keep = { lowest = 2 }', "", 'the round "refined" does not say what it keeps'),
    ('keep = { lowest = 2 }', "keep = {}", "give at least one of lowest"),
    ('keep = { lowest = 2 }', "keep = { lowest = 0 }", "greater than or equal to 1"),
    ('name = "scan"', 'name = "scan"\nkeep = { lowest = 2 }', "it has no keep"),
    ('name = "scan"', 'name = "../scan"', "cannot name a folder of a round"),
    ('name = "scan"', 'name = "refined"', "rounds with different names"),
    ('name = "scan"', 'name = "scan"\nstages = ["dos"]', "rounds.0.stages"),
    ('dopant = "C"\n', "", 'case = "dopant-at-vacancy" needs dopant'),
    ('shells = [1]', 'direction = "110"', "direction does not go with dopant-at-vacancy"),
    ('case = "dopant-at-vacancy"', 'case = "trimer"', "cases.0.case"),
    ('C = "2.0 muB"', 'Q = "2.0 muB"', 'moments: "Q" is no chemical element'),
    ("[moments]", '[[references]]\nphase = "O2"\n[moments]', 'a molecule or an atom box = "9 A"'),
    ("[moments]", '[[references]]\nphase = "O2"\nbox = "1 A"\n[moments]', "greater than or equal to 5"),
    ("[moments]", '[sources]\n"host.colour" = "?"\n[moments]', "which this recipe does not set"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "message"), BAD, ids=[b[2][:30] for b in BAD])
def test_a_bad_recipe_is_refused_by_key(screen_file, old, new, message):
    with pytest.raises(RecipeError) as caught:
        load_screen(screen_file((old, new)))
    assert message in str(caught.value)


def test_a_screening_is_not_run_as_pairs(screen_file, defectflow, tmp_path):
    done = defectflow("run", screen_file(), "-o", tmp_path / "run")
    assert (done.returncode, (tmp_path / "run").exists()) == (2, False)
    assert "is the recipe of a screening, not of a study of pairs" in done.stderr
