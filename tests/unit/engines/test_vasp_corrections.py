from __future__ import annotations

import pytest

from defectflow.engines.vasp.corrections import compare_inputs, incar_dict, kpoints_line
from defectflow.errors import ParseError

KPOINTS = "mesh\n0\nMonkhorst-Pack\n6 6 6\n0 0 0\n"


def changes(tmp_path, before: str, after: str, kpoints: str = KPOINTS):
    (tmp_path / "INCAR").write_text(after)
    (tmp_path / "KPOINTS").write_text(kpoints)
    return compare_inputs({"INCAR": before, "KPOINTS": KPOINTS}, tmp_path)


@pytest.mark.parametrize(
    ("tag", "before", "after", "changes_energy"),
    [
        ("SIGMA", "0.1", "0.05", True),
        ("IBRION", "2", "1", True),
        ("ALGO", "Normal", "All", False),
        ("ISYM", "2", "0", True),
        ("NBANDS", "140", "160", False),
    ],
)
def test_every_change_has_its_class(tmp_path, tag, before, after, changes_energy):
    (found,) = changes(tmp_path, f"{tag} = {before}\n", f"{tag} = {after}\n")
    assert (found.tag, found.before, found.after, found.changes_energy) == (tag, before, after, changes_energy)


def test_another_spelling_is_no_change(tmp_path):
    assert (
        changes(
            tmp_path,
            "LASPH = .TRUE.\nMAGMOM = 2*0 2\nEDIFF = 1e-08\n",
            "EDIFF = 1E-8\nLASPH = True\nMAGMOM = 0 0 2.0\n",
        )
        == ()
    )


def test_another_mesh_changes_the_energy(tmp_path):
    (found,) = changes(tmp_path, "", "", KPOINTS.replace("Monkhorst-Pack", "Gamma"))
    assert str(found) == "energy-changing: KPOINTS 6x6x6 shifted -> 6x6x6 gamma"


def test_comments_and_semicolons():
    assert incar_dict("ENCUT = 500 ! eV\n# ISPIN = 1\nSIGMA=0.1; ISMEAR = 1\n") == {
        "ENCUT": "500",
        "SIGMA": "0.1",
        "ISMEAR": "1",
    }


def test_a_list_of_k_points_is_no_mesh():
    with pytest.raises(ParseError, match="no regular mesh"):
        kpoints_line("k\n2\nReciprocal\n0 0 0 1\n")
