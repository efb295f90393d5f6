"""POTCAR libraries, made of synthetic texts: no licensed file is needed."""

from __future__ import annotations

import gzip

import pytest

from defectflow.engines.vasp.engine import potential
from defectflow.engines.vasp.potcar import (
    check_cutoff,
    find_potcar,
    flavours,
    listed,
    read_potential,
    require_library,
    write_potcar,
)
from defectflow.errors import EngineError, InputError, ParseError

TEXT = """  PAW_PBE {0} 01Jan2000
   6.00000000000000
 parameters from PSCTR are:
   VRHFIN ={0}: s2p4
   LEXCH  = PE
   EATOM  =   432.3788 eV,   31.7789 Ry

   TITEL  = PAW_PBE {0} 01Jan2000
   LULTRA =        F    use ultrasoft PP ?
   POMASS =   16.000;  ZVAL   =    {1:.3f}    mass and valenz
   ENMAX  =  400.000;  ENMIN  =  300.000 eV
END of PSCTR-controll parameters
 local part
  1.5 2.5 3.5
 SECRET of {0}
 End of Dataset
"""


def text_of(flavour: str) -> str:
    return TEXT.format(flavour, {"Mg": 2, "C": 4}.get(flavour, 6))


@pytest.fixture
def library(tmp_path, monkeypatch):
    """A library of one release with four flavours, one of them packed."""
    release = tmp_path / "psp" / "POT_GGA_PAW_PBE_54"
    for flavour in ("Mg", "O", "O_s"):
        (release / flavour).mkdir(parents=True)
        (release / flavour / "POTCAR").write_text(text_of(flavour))
    (release / "POTCAR.C.gz").write_bytes(gzip.compress(text_of("C").encode()))
    monkeypatch.setenv("PMG_VASP_PSP_DIR", str(tmp_path / "psp"))
    return tmp_path / "psp"


def test_joins_in_the_order_of_the_poscar(library, tmp_path):
    write_potcar(tmp_path, ["Mg", "O", "C"])
    text = (tmp_path / "POTCAR").read_text()
    assert [text.index(f"SECRET of {s}") for s in ("Mg", "O", "C")] == sorted(
        text.index(f"of {s}\n") - 7 for s in ("Mg", "O", "C")
    )


def test_a_library_whose_set_has_other_electrons_is_refused(library):
    (library / "POT_GGA_PAW_PBE_54" / "Mg" / "POTCAR").write_text(text_of("Mg").replace("2.000", "8.000"))
    with pytest.raises(InputError, match="8 valence electrons, not 2"):
        potential("Mg", "Mg")


def test_the_cutoff_is_checked_against_the_library(library):
    (library / "POT_GGA_PAW_PBE_54" / "Mg" / "POTCAR").write_text(text_of("Mg").replace("400.000", "550.000"))
    assert potential("Mg", "Mg").enmax == 550


def test_titel_and_hash_are_noted_and_no_text(library, tmp_path):
    write_potcar(tmp_path, ["O_s"])
    noted = (tmp_path / "potcar.json").read_text()
    assert "O_s sha256:" in noted
    assert "SECRET" not in noted


def test_a_missing_flavour_lists_those_that_are_there(library):
    # pymatgen#1878, #3629, #3669: "No POTCAR for C", and nothing about where it was looked for.
    with pytest.raises(EngineError, match=r"no POTCAR for O_h[\s\S]*it has O, O_s[\s\S]*POT_GGA_PAW_PBE_54"):
        find_potcar(library, "O_h")


def test_no_library_says_how_to_set_one_up(monkeypatch):
    monkeypatch.delenv("PMG_VASP_PSP_DIR", raising=False)
    monkeypatch.setattr("pymatgen.core.SETTINGS", {})
    with pytest.raises(EngineError, match="pmg config"):
        require_library()


def test_a_library_that_is_no_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("PMG_VASP_PSP_DIR", str(tmp_path / "gone"))
    with pytest.raises(EngineError, match="no folder"):
        require_library()


def test_a_potcar_of_another_functional_is_refused(library):
    path = library / "POT_GGA_PAW_PBE_54" / "O" / "POTCAR"
    path.write_text(text_of("O").replace("PAW_PBE", "PAW_LDA"))
    with pytest.raises(ParseError, match="PAW_LDA"):
        read_potential(path, "O")


def test_a_potcar_that_is_cut_off_is_refused(library):
    path = library / "POT_GGA_PAW_PBE_54" / "O" / "POTCAR"
    path.write_text(text_of("O")[:120])
    with pytest.raises(ParseError, match="no whole POTCAR"):
        read_potential(path, "O")


def test_real_potcars_of_a_test_library(vasp_outputs):
    path = find_potcar(vasp_outputs / "potcar_fake", "Fe_pv")
    assert read_potential(path, "Fe_pv")[0].zval == 14


def test_the_recipe_chooses_the_flavour(recipe_file):
    from defectflow.schema import load_recipe

    settings = load_recipe(
        recipe_file(
            ('potentials.gpaw.Mg = "2"', 'potentials = { vasp = { O = "O_s" } }'),
            ('"settings.potentials.gpaw.Mg" = "our choice: 3s2 valence, as VASP\'s plain Mg"\n', ""),
        )
    ).settings
    assert flavours(settings, ["Mg", "O", "Mg"]) == {"Mg": "Mg", "O": "O_s"}


def test_an_unlisted_flavour_names_those_that_are_listed():
    with pytest.raises(InputError, match="O, O_h, O_s"):
        listed("O", "O_GW")


def test_the_hardest_set_decides_the_cutoff():
    with pytest.raises(InputError, match="at least 400 eV"):
        check_cutoff(350.0, [listed("Mg", "Mg"), listed("O", "O")])


def test_the_listed_sets_are_those_of_real_outcars(vasp_outputs):
    from defectflow.formats.stream import read_bytes

    heads = b"".join(read_bytes(p)[:60_000] for p in vasp_outputs.rglob("OUTCAR*"))
    for element, flavour in (("Mg", "Mg"), ("O", "O"), ("Co", "Co"), ("O", "O_s"), ("Sr", "Sr_sv")):
        row = listed(element, flavour)
        at = heads.index(f"TITEL  = {row.titel}".encode())
        block = heads[at : at + 1500].decode("latin-1")
        assert f"ZVAL   =  {row.zval:7.3f}" in block or f"ZVAL   = {row.zval:8.3f}" in block


@pytest.mark.slow
def test_the_text_of_a_potcar_lands_nowhere(library, tmp_path, toy, defectflow, stand_in):
    """Not in results, logs, archives of corrected attempts, or the study's folder at all."""
    binary = tmp_path / "vasp_std"
    binary.write_text(f"#!/bin/sh\nexec {stand_in['DEFECTFLOW_VASP_CMD']}\n")
    binary.chmod(0o755)
    environment = {**stand_in, "DEFECTFLOW_VASP_CMD": str(binary), "DEFECTFLOW_STANDIN_FAULT": "edddav@AF/relax"}
    assert defectflow("run", toy, "--engine", "vasp", "-o", tmp_path / "run", **environment).returncode == 0
    files = [p for p in (tmp_path / "run").rglob("*") if p.is_file()]
    archives = [p for p in files if p.name.endswith(".tar.gz")]
    assert archives
    assert not [p for p in files if b"SECRET" in p.read_bytes()]
    assert not [p for p in archives if b"SECRET" in gzip.decompress(p.read_bytes())]
    result = (tmp_path / "run" / "pairs" / "C_O-C_O_s4_d6.01" / "AF" / "static" / "result.json").read_text()
    assert "Mg sha256:" in result


def test_inputs_hold_the_potcar_where_a_library_is(library, tmp_path, toy, defectflow):
    assert defectflow("inputs", toy, "-o", tmp_path / "in").returncode == 0
    text = (tmp_path / "in" / "pairs" / "4" / "AF" / "relax" / "POTCAR").read_text()
    assert text == "".join(text_of(s) for s in ("Mg", "O", "C"))


def test_inputs_without_a_library_hold_its_specification(tmp_path, toy, defectflow):
    done = defectflow("inputs", toy, "-o", tmp_path / "in", PMG_VASP_PSP_DIR="")
    assert "pmg config" in done.stdout
    assert (tmp_path / "in" / "pairs" / "4" / "AF" / "relax" / "POTCAR.spec").read_text() == "Mg\nO\nC\n"
