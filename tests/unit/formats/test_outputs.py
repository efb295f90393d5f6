"""Outputs of the stand-in (synthetic numbers in VASP's formats), and what must be refused."""

from __future__ import annotations

import numpy as np
import pytest

from defectflow.errors import ParseError
from defectflow.formats.oszicar import read_oszicar
from defectflow.formats.outcar import read_outcar
from defectflow.formats.site_moments import read_site_moments
from defectflow.formats.vasprun import read_vasprun


def edited(toy_run, tmp_path, name: str, old: bytes, new: bytes):
    text = (toy_run / name).read_bytes()
    assert old in text
    path = tmp_path / name
    path.write_bytes(text.replace(old, new, 1))
    return path


def test_xml_and_outcar_of_one_run_agree(toy_run):
    xml, outcar = read_vasprun(toy_run / "vasprun.xml"), read_outcar(toy_run / "OUTCAR")
    assert xml.steps[-1].e0 == outcar.e0
    assert xml.header.species == outcar.species
    assert np.allclose(xml.steps[-1].forces, outcar.forces, atol=1e-6)


def test_site_moments_are_read_from_the_end(toy_run):
    assert read_site_moments(toy_run / "OUTCAR")[-2:] == ((1.2,), (-1.2,))


def test_oszicar_of_a_growing_run(toy_run, tmp_path):
    whole = (toy_run / "OSZICAR").read_bytes()
    (tmp_path / "OSZICAR").write_bytes(whole[: whole.index(b"F=") - 30])
    found = read_oszicar(tmp_path / "OSZICAR")
    assert (found.e0, found.scf_step > 3) == ((), True)


@pytest.mark.parametrize(
    "bomb", [b'<!DOCTYPE x [<!ENTITY a "aa">]>\n<modeling>', b"<!ENTITY a SYSTEM 'file:///etc/passwd'>\n<modeling>"]
)
def test_entities_are_refused(toy_run, tmp_path, bomb):
    path = edited(toy_run, tmp_path, "vasprun.xml", b"<modeling>", bomb)
    with pytest.raises(ParseError, match="entities"):
        read_vasprun(path)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b"</modeling>", b"", "cut off"),
        (
            b'<set comment="kpoint 2">',
            b'<set comment="kpoint 2"><r> 1.0 1.0 </r></set><set>',
            "differ in length|lost|different",
        ),
        (b"    1.0000 </r>", b"       NaN </r>", "no finite number"),
        (b"    1.0000 </r>", b"1.0000</r>", "run into each other|between the rows"),
        (b"</calculation>", b"", "no finished ionic step|cut off|no calculation|geometry|energy"),
    ],
)
def test_a_damaged_xml_is_refused(toy_run, tmp_path, old, new, message):
    text = (toy_run / "vasprun.xml").read_bytes()
    times = -1 if old == b"</calculation>" else 1
    (tmp_path / "vasprun.xml").write_bytes(text.replace(old, new, times))
    with pytest.raises(ParseError, match=message):
        read_vasprun(tmp_path / "vasprun.xml")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b"General timing", b"Gene", "no timing at its end"),
        (b"NIONS =", b"NIOSN =", "NIONS"),
        (b"   32 ", b"   99 ", "damaged"),
        (b"TOTAL-FORCE", b"TOTAL-FARCE", "no table of forces"),
        (b"energy(sigma->0) =", b"energy(sigma->0) =*", "sigma"),
    ],
)
def test_a_damaged_outcar_is_refused(toy_run, tmp_path, old, new, message):
    text = (toy_run / "OUTCAR").read_bytes()
    (tmp_path / "OUTCAR").write_bytes(text.replace(old, new))
    with pytest.raises(ParseError, match=message):
        read_outcar(tmp_path / "OUTCAR")
