"""Outputs of the stand-in (synthetic numbers in VASP's formats), and what must be refused."""

from __future__ import annotations

import numpy as np
import pytest

from defectflow.errors import ParseError
from defectflow.formats.doscar import read_doscar
from defectflow.formats.locpot import read_planar_averages
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
        (b"TOTAL-FORCE", b"TOTAL-FARCE", "neither a table of forces nor positions"),
        (b"energy(sigma->0) =", b"energy(sigma->0) =*", "sigma"),
    ],
)
def test_a_damaged_outcar_is_refused(toy_run, tmp_path, old, new, message):
    text = (toy_run / "OUTCAR").read_bytes()
    (tmp_path / "OUTCAR").write_bytes(text.replace(old, new))
    with pytest.raises(ParseError, match=message):
        read_outcar(tmp_path / "OUTCAR")


def written(tmp_path, name: str, text: bytes):
    path = tmp_path / name
    path.write_bytes(text)
    return path


def test_with_pstress_the_energy_is_not_the_enthalpy(toy_run, tmp_path):
    text = (toy_run / "vasprun.xml").read_bytes().replace(b"<parameters>", b'<parameters><i name="PSTRESS"> 1.0</i>')
    at = text.rindex(b'<i name="e_fr_energy">')
    end = text.index(b"</i>", at)
    path = written(tmp_path, "vasprun.xml", text[:at] + b'<i name="e_fr_energy"> 99.0 ' + text[end:])
    assert read_vasprun(path).steps[-1].e0 == read_outcar(toy_run / "OUTCAR").e0


def test_an_exponent_of_three_digits_has_no_e(toy_run, tmp_path):
    text = (toy_run / "OUTCAR").read_bytes()
    at = text.rindex(b"(2. order) :") + 12
    path = written(tmp_path, "OUTCAR", text[:at] + b" 0.3993534E-08  ( 0.7113381-191)" + text[text.index(b"\n", at) :])
    assert read_outcar(path).scf_changes[-1] == (0.3993534e-08, 0.7113381e-191)


def test_a_finished_run_with_an_unfinished_one_behind_it_is_refused(toy_run, tmp_path):
    text = (toy_run / "OUTCAR").read_bytes()
    with pytest.raises(ParseError, match="no timing at its end"):
        read_outcar(written(tmp_path, "OUTCAR", text + text[: len(text) // 2]))


def test_two_runs_in_one_outcar_are_refused(toy_run, tmp_path):
    text = (toy_run / "OUTCAR").read_bytes()
    steps = text[text.index(b"-- Iteration") - 40 : text.index(b"General timing")]
    with pytest.raises(ParseError, match="out of order"):
        read_outcar(written(tmp_path, "OUTCAR", text.replace(b"General timing", steps + b"General timing")))


def test_iterations_of_linear_response_are_no_ionic_steps(toy_run, tmp_path):
    text = (toy_run / "OUTCAR").read_bytes()
    response = b"\n---- Iteration      9(   1)  ----\n\n General timing"
    found = read_outcar(written(tmp_path, "OUTCAR", text.replace(b" General timing", response)))
    assert found.scf_steps == read_outcar(toy_run / "OUTCAR").scf_steps


def test_steps_of_a_learned_force_field_are_refused(toy_run, tmp_path):
    text = (toy_run / "OUTCAR").read_bytes().replace(b" General timing", b" FREE ENERGIE (ML)\n General timing")
    with pytest.raises(ParseError, match="machine-learned"):
        read_outcar(written(tmp_path, "OUTCAR", text))


def test_line_ends_of_another_system(toy_run, tmp_path):
    text = (toy_run / "OUTCAR").read_bytes().replace(b"\n", b"\r\n")
    assert read_outcar(written(tmp_path, "OUTCAR", text)) == read_outcar(toy_run / "OUTCAR")


@pytest.mark.parametrize("tag", [b"</scstep>", b'<i name="e_0_energy">'])
def test_a_damaged_scf_step_is_refused(toy_run, tmp_path, tag):
    text = (toy_run / "vasprun.xml").read_bytes()
    with pytest.raises(ParseError, match="SCF step"):
        read_vasprun(written(tmp_path, "vasprun.xml", text.replace(tag, b"", 1)))


def test_bands_of_a_path_do_not_replace_those_of_the_mesh(toy_run, tmp_path):
    text = (toy_run / "vasprun.xml").read_bytes()
    bands = text[text.index(b"<eigenvalues>") : text.index(b"</eigenvalues>") + 14].replace(b" 1.0000 <", b" 0.5000 <")
    opt = b"<eigenvalues_kpoints_opt>" + bands + b"</eigenvalues_kpoints_opt>"
    at = text.rindex(b"</calculation>")
    path = written(tmp_path, "vasprun.xml", text[:at] + opt + text[at:])
    assert set(np.unique(read_vasprun(path).occupations)) == {0.0, 1.0}


def test_stars_in_a_dos_become_nan_and_in_eigenvalues_an_error(toy_run, tmp_path):
    text = (toy_run / "vasprun.xml").read_bytes()
    dos = text.index(b"<dos>")
    path = written(tmp_path, "vasprun.xml", text[:dos] + text[dos:].replace(b"    0.0000 ", b" ********* ", 1))
    assert np.isnan(read_vasprun(path).dos.total).sum() == 1
    with pytest.raises(ParseError, match="finite"):
        read_vasprun(written(tmp_path, "vasprun.xml", text.replace(b"   1.0000 </r>", b" ******** </r>", 1)))


def test_a_long_stretch_without_a_tag_is_read_in_linear_time(toy_run, tmp_path):
    text = (toy_run / "vasprun.xml").read_bytes().replace(b"<generator>", b" " * 60_000_000 + b"<generator>", 1)
    assert read_vasprun(written(tmp_path, "vasprun.xml", text)).steps


def test_oszicar_of_molecular_dynamics_and_of_vectors(tmp_path):
    line = b"      1 T=   292. E= -.12E+03 F= -.125E+03 E0= -.124E+03  EK= 0.1E+01 SP= 0.00E+00 SK= 0.00E+00 mag= 1.5 -1.0 3.0\n"
    found = read_oszicar(written(tmp_path, "OSZICAR", line))
    assert (found.free_energies, found.e0, found.moments) == ((-125.0,), (-124.0,), ((1.5, -1.0, 3.0),))


def test_a_damaged_ionic_line_of_an_oszicar_is_refused(tmp_path):
    with pytest.raises(ParseError, match="ionic step"):
        read_oszicar(written(tmp_path, "OSZICAR", b"   1 F -.90E+02E0= -.9E+02\n"))


def locpot(tmp_path, numbers: bytes):
    head = b"x\n1.0\n4 0 0\n0 4 0\n0 0 4\nMg\n1\nDirect\n0 0 0\n\n  2  1  2\n"
    return written(tmp_path, "LOCPOT", head + numbers)


def test_a_locpot_without_its_last_line_end_is_refused(tmp_path):
    with pytest.raises(ParseError, match="last line"):
        read_planar_averages(locpot(tmp_path, b" 0.1E+01 0.2E+01 0.3E+01\n 0.4E+0"))


def test_planar_averages_of_a_small_locpot(tmp_path):
    found = read_planar_averages(locpot(tmp_path, b" 0.1E+01 0.2E+01 0.3E+01\n 0.5E+01\n"))
    assert [a.tolist() for a in found.averages] == [[2.0, 3.5], [2.75], [1.5, 4.0]]


def test_a_doscar_of_many_points_has_merged_columns_in_its_head(tmp_path):
    head = b"   1   1   0   0\n\n\n\n\n     17.40489065     -7.1137678920000      5.34988354      1.00000000\n"
    rows = b"".join(b"  %9.3f  0.1000E+01  0.2000-101\n" % (i / 1000) for i in range(20000))
    found = read_doscar(written(tmp_path, "DOSCAR", head + rows))
    assert (found.fermi, found.total.shape, found.integrated[0, 0]) == (5.34988354, (1, 20000), 0.2e-101)


def test_a_set_within_the_length_of_a_set_is_no_row(toy_run, tmp_path):
    text = (toy_run / "vasprun.xml").read_bytes()
    second = text.index(b'<set comment="kpoint 2">')
    start = text.index(b"       <r>", second)
    row = text[start : text.index(b"\n", start)]
    hidden = b"</set><set>".ljust(len(row))
    path = written(tmp_path, "vasprun.xml", text[:start] + hidden + text[start + len(row) :])
    with pytest.raises(ParseError):
        read_vasprun(path)
