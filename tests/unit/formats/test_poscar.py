from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from defectflow.errors import ParseError
from defectflow.formats.poscar import poscar_text, read_poscar

COORDS = st.lists(st.tuples(*[st.floats(-1, 1).map(lambda x: round(x, 10))] * 3), min_size=1, max_size=9)
TEXT = poscar_text("cell", np.eye(3) * 4, ["Mg", "Mg", "O"], np.array([[0, 0, 0], [0.5, 0, 0], [0.25, 0.5, 0.75]]))


def parsed(tmp_path, text: str):
    path = tmp_path / "POSCAR"
    path.write_text(text)
    return read_poscar(path)


@given(COORDS)
def test_what_is_written_is_read_back(tmp_path_factory, coords):
    species = (["Mg", "O", "O"] * 3)[: len(coords)]
    found = parsed(tmp_path_factory.mktemp("p"), poscar_text("x", np.eye(3), species, np.array(coords)))
    assert found.coords.tolist() == (np.array(coords) + 0.0).tolist()
    assert list(found.species) == species


def test_cartesian_and_scale(tmp_path):
    text = TEXT.replace("1.0\n", "2.0\n", 1).replace("Direct", "Cartesian")
    assert parsed(tmp_path, text).coords[2] == pytest.approx([0.25 / 4, 0.5 / 4, 0.75 / 4])


def test_a_negative_scale_is_the_volume(tmp_path):
    found = parsed(tmp_path, TEXT.replace("1.0\n", "-125.0\n", 1))
    assert np.linalg.det(found.lattice) == pytest.approx(125.0)


def test_selective_dynamics(tmp_path):
    lines = TEXT.splitlines()
    flagged = [*lines[:7], "Selective dynamics", lines[7], *(line + " T F T" for line in lines[8:])]
    assert parsed(tmp_path, "\n".join(flagged)).free.tolist() == [[True, False, True]] * 3


def test_symbols_of_potcars_and_hashes(tmp_path):
    assert parsed(tmp_path, TEXT.replace("Mg O\n", "Mg_pv/f474ac0d O\n")).species == ("Mg", "Mg", "O")


def test_a_hash_may_be_missing(tmp_path):
    assert parsed(tmp_path, TEXT.replace("Mg O\n", "Mg/ O/\n")).species == ("Mg", "Mg", "O")


@pytest.mark.parametrize("comment", ["length in Å", "page\x0cbreak", "next\x85line"])
def test_a_comment_does_not_shift_the_lines(tmp_path, comment):
    assert parsed(tmp_path, TEXT.replace("cell\n", f"{comment}\n", 1)).counts == (2, 1)


def test_an_empty_contcar_is_refused(tmp_path):
    # custodian#37, atomate2#152: VASP leaves one when it dies early.
    with pytest.raises(ParseError, match="is empty"):
        parsed(tmp_path, "\n")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("2 1\n", "2 999999999\n", "atoms"),
        ("2 1\n", "2\n", "numbers of atoms"),
        ("1.0\n", "1.0 1.0\n", "neither one scale nor three"),
        ("Mg O\n", "Mg Zz\n", "chemical symbol"),
        ("Mg O\n", "Mg Qq9\n", "chemical symbol"),
        ("    0.2500000000    0.5000000000    0.7500000000\n", "", "cut off"),
        ("    4.0000000000    0.0000000000    0.0000000000\n", "    0 0 0\n", "no volume"),
        ("0.7500000000", "NaN", "no finite number"),
    ],
)
def test_damaged_files_are_refused(tmp_path, old, new, message):
    with pytest.raises(ParseError, match=message):
        parsed(tmp_path, TEXT.replace(old, new))
