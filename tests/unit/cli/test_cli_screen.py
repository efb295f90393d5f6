"""``screen count`` and ``cells`` as a user runs them."""

import json

import pytest


def test_two_carbons_in_the_cube(defectflow):
    found = json.loads(defectflow("screen", "count", "--cell", "2x2x2", "--dopant", "C:2", "--json").stdout)
    assert (found["configurations"], found["total"]) == (5, 496)
    assert found["degeneracies"] == {"16": 1, "48": 2, "192": 2}


def test_dopants_repeat_and_v_is_a_vacancy(defectflow):
    words = ("--dopant", "C:2", "--dopant", "N:1", "--dopant", "V:1")
    found = json.loads(defectflow("screen", "count", "--cell", "2x2x2", *words, "--json").stdout)
    assert (found["configurations"], found["total"]) == (439, 431_520)


def test_limits_are_kept(defectflow):
    words = ("--cell", "2x2x2", "--dopant", "C:2", "--nearest", "4", "--count-only", "--json")
    assert json.loads(defectflow("screen", "count", *words).stdout)["configurations"] == 4


def test_what_is_absurd_can_be_counted(defectflow):
    words = ("--cell", "2x2x2", "--dopant", "C:16", "--dopant", "V_Mg:12", "--count-only", "--json")
    assert json.loads(defectflow("screen", "count", *words).stdout)["configurations"] > 10**13


def test_a_matrix_and_a_file_of_the_users_own(defectflow, tmp_path):
    poscar = tmp_path / "POSCAR"
    poscar.write_text("ZnS\n1\n0 2.7 2.7\n2.7 0 2.7\n2.7 2.7 0\nZn S\n1 1\nDirect\n0 0 0\n0.25 0.25 0.25\n")
    words = ("--host", poscar, "--cell=-2,2,2,2,-2,2,2,2,-2", "--dopant", "C:2", "--json")
    assert json.loads(defectflow("screen", "count", *words).stdout)["configurations"] == 5


@pytest.mark.parametrize(
    "words",
    [
        ("--cell", "2x2x2", "--dopant", "C:16", "--dopant", "V_Mg:12"),
        ("--cell", "2x2", "--dopant", "C:2"),
        ("--cell", "0x2x2", "--dopant", "C:2"),
        ("--cell", "2x2x2", "--dopant", "carbon:2"),
        ("--cell", "2x2x2", "--dopant", "C:33"),
        ("--cell", "2x2x2", "--dopant", "C:2", "--nearest", "nan"),
        ("--cell", "2x2x2", "--dopant", "C:2", "--shells", "first"),
        ("--cell", "2x2x2", "--dopant", "C:2", "--host", "nothing.cif"),
        ("--cell", "2x2x2"),
    ],
)
def test_what_a_user_can_do_wrong_ends_with_a_message(defectflow, words):
    done = defectflow("screen", "count", *words)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_cells_for_the_fifth_shell(defectflow):
    found = json.loads(defectflow("cells", "--shell", 5, "--json").stdout)["cells"]
    assert (found[0]["atoms"], found[0]["bulk_shells"], found[0]["images"]) == (80, [5], 1)


def test_cells_take_the_host_of_a_recipe(defectflow, recipe_file):
    done = defectflow("cells", recipe_file(), "--distance", "3.0052", "-n", 1)
    assert "24 atoms: matrix = [[" in done.stdout


def test_cells_without_a_pair_say_what_is_missing(defectflow):
    done = defectflow("cells")
    assert (done.returncode, "exactly one of them" in done.stderr) == (2, True)
