"""``junction`` and ``align`` in their own process."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from defectflow.errors import AnalysisError
from defectflow.resources import resource
from defectflow.schema.host import Host

RECIPE = resource("workflows", "co_mgo_co.toml")
SMALL = (("\nlayers = 12", "\nlayers = 6"), ("\nlayers = 8", "\nlayers = 2"))


@pytest.fixture
def recipe(tmp_path):
    """The shipped recipe, small, with further replacements."""

    def write(*replacements: tuple[str, str]) -> Path:
        text = RECIPE.read_text()
        for old, new in (*SMALL, *replacements):
            assert old in text, old
            text = text.replace(old, new)
        path = tmp_path / "junction.toml"
        path.write_text(text)
        return path

    return write


@pytest.fixture(scope="module")
def run_folder(demo, tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo") / "run"
    shutil.copytree(demo, folder)
    return folder


def test_build_prints_strain_and_layers_and_writes_the_cell(defectflow, tmp_path, recipe):
    done = defectflow("junction", "build", recipe(), "-o", tmp_path / "cells")
    assert "strain of the electrode in the plane: +6.57 %, +6.57 %" in done.stdout
    assert {p.name for p in (tmp_path / "cells" / "P").iterdir()} == {"POSCAR", "MAGMOM", "structure.extxyz"}


def test_build_json_lists_the_layers_by_height(defectflow):
    (row,) = json.loads(defectflow("junction", "build", RECIPE, "--json").stdout)["junctions"]
    assert [layer["kind"] for layer in row["layers"]] == ["metal"] * 4 + ["oxide"] * 12 + ["metal"] * 4


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("max_strain = 0.08", "max_strain = 0.01", "at most 1.0 % strain"),
        ('stacking = "anion-top"', 'stacking = "atop"', "interface.stacking"),
        ('states = ["P"]', 'states = ["P", "AP"]', "domain wall"),
        ("\nlayers = 2", "\nlayers = 3", "both even or both odd"),
        ('material = "MgO"', 'material = "NaCl"', 'oxide.material: there is no material "NaCl"'),
        ('element = "Co"', 'element = "Xx"', "no chemical element"),
        ('kind = "junction"', "", "kind: this key is missing"),
        ("oxide_layers = 4", "oxide_layers = 3", "less an even number"),
        ("strained =", "straned =", 'nearest valid key: "strained"'),
    ],
)
def test_a_recipe_that_cannot_be_built_says_where_and_why(defectflow, recipe, old, new, said):
    done = defectflow("junction", "build", recipe((old, new)))
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert said in done.stderr


def test_show_json_has_the_keys_that_others_build_on(defectflow):
    document = json.loads(defectflow("junction", "show", "--json").stdout)
    assert {"fermi_minus_vbm", "adopted", "spread", "settings", "source"} <= set(document)
    assert all({"value", "uncertainty"} <= set(e) for e in document["fermi_minus_vbm"].values())


def test_the_shipped_line_up_says_what_it_is_and_how_sure(defectflow):
    text = defectflow("junction", "show").stdout
    assert "Co/MgO(12 ML)/Co" in text
    assert "GPAW" in text
    assert "a semilocal gap makes Schottky heights uncertain" in text


def test_show_writes_vector_figures_with_their_numbers(defectflow, tmp_path):
    assert defectflow("junction", "show", "-o", tmp_path).returncode == 0
    names = {p.name for p in tmp_path.iterdir()}
    assert {"potential_P.pdf", "potential_P.csv", "layer_dos_P.svg", "layer_dos_P.csv", "lineup_P.pdf"} <= names


def test_show_never_overwrites(defectflow, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    done = defectflow("junction", "show", "-o", tmp_path)
    assert (done.returncode, "is not empty" in done.stderr) == (2, True)
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]


def test_a_junction_that_is_not_finished_says_how_to_go_on(defectflow, recipe, tmp_path):
    from defectflow.run import JunctionStudy

    JunctionStudy.create(tmp_path / "run", recipe(), "gpaw")
    done = defectflow("junction", "show", tmp_path / "run")
    assert (done.returncode, "bulk/dos is not done yet" in done.stderr, "resume" in done.stderr) == (2, True, True)


def test_the_line_up_of_another_oxide_is_refused(defectflow, run_folder, tmp_path):
    from dataclasses import replace

    from defectflow.pipeline.junction import shipped_line_up
    from defectflow.schema.jsonio import save_record

    save_record(replace(shipped_line_up()[0], oxide="NiO"), tmp_path / "other.json")
    done = defectflow("align", run_folder, "--reference", tmp_path / "other.json")
    assert (done.returncode, "a junction with NiO (space group 225" in done.stderr) == (2, True)


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ('prototype = "zincblende"\nspecies = ["Mg", "O"]\nlattice_constant = "4.6 A"', "MgO (space group 216"),
        ('material = "MgO"\nlattice_constant = "5.2 A"', "MgO (space group 225, 35.15 A^3 per formula)"),
    ],
)
def test_the_line_up_of_another_crystal_is_refused(host, here):
    """Zincblende MgO, and rocksalt at 5.2 A, had the level of the shipped rocksalt barrier, with its uncertainty."""
    import tomllib

    from defectflow.analyse.alignment import Reference
    from defectflow.pipeline.reference import above_host

    with pytest.raises(AnalysisError, match=re.escape(here)):
        above_host(Reference("host VBM", 4.76, 0.05, "x"), "junction", Host.model_validate(tomllib.loads(host)))


@pytest.mark.parametrize("zero", ["vbm", "fermi"])
@pytest.mark.parametrize(
    "words", [("align",), ("transport", "iv", "--pair", "4"), ("transport", "export", "--pair", "4")]
)
def test_no_other_zero_is_taken_for_the_level_of_a_junction(defectflow, run_folder, tmp_path, words, zero):
    """`transport iv --reference vbm` put the model's E_F at the host's VBM, and said "from E_F"."""
    verb = words[:1] if words[0] == "align" else words[:2]
    more = () if words[0] == "align" else (*words[2:], "-o", tmp_path / "out.json")
    done = defectflow(*verb, run_folder, *more, "--reference", zero)
    assert (done.returncode, "is no junction's Fermi level" in done.stderr) == (2, True)


def test_a_level_in_mev_is_refused(defectflow, run_folder, tmp_path):
    (tmp_path / "r.json").write_text('{"name": "a", "fermi_minus_vbm": 2730, "uncertainty": 0.08, "source": "s"}')
    done = defectflow("align", run_folder, "--reference", tmp_path / "r.json")
    assert (done.returncode, "in eV, at most 50" in done.stderr) == (2, True)


def test_a_reference_with_a_huge_uncertainty_is_no_traceback(defectflow, run_folder, tmp_path):
    (tmp_path / "r.json").write_text('{"name": "a", "fermi_minus_vbm": 1, "uncertainty": 1e200, "source": "s"}')
    assert "Traceback" not in defectflow("align", run_folder, "--reference", tmp_path / "r.json").stderr


def test_a_recipe_of_pairs_is_not_taken_for_one_of_a_junction(defectflow):
    done = defectflow("junction", "build", resource("workflows", "quick.toml"))
    assert (done.returncode, "is the recipe of a study of pairs" in done.stderr) == (2, True)


def test_align_places_the_level_in_every_cell(defectflow, run_folder):
    cells = json.loads(defectflow("align", run_folder, "--json").stdout)["cells"]
    adopted = json.loads(defectflow("junction", "show", "--json").stdout)["adopted"]
    assert [c["junction_fermi"] - c["vbm"] for c in cells] == pytest.approx([adopted] * 10)


def test_dos_on_the_junctions_level_gives_a_verdict_for_every_pair_and_order(defectflow, run_folder, tmp_path):
    done = defectflow("dos", run_folder, "--reference", "junction", "-o", tmp_path / "dos", "--json")
    states = json.loads(done.stdout)["states"]
    assert len(states) == 10
    assert {s["junction"]["as_published"] for s in states} <= {"yes", "no", "within the uncertainty of E_F"}


def test_a_saved_line_up_is_a_reference(defectflow, run_folder, tmp_path):
    defectflow("junction", "show", "-o", tmp_path / "shown")
    first, second = (
        defectflow("dos", run_folder, "--pair", "4", "--reference", r, "-o", tmp_path / "d", "--force", "--json")
        for r in ("junction", tmp_path / "shown" / "lineup_P.json")
    )
    assert json.loads(first.stdout)["states"] == json.loads(second.stdout)["states"]


def test_a_run_folder_of_pairs_is_no_junction(defectflow, run_folder):
    done = defectflow("junction", "show", run_folder)
    assert (done.returncode, "is the run folder of a study of pairs" in done.stderr) == (2, True)


def test_the_recipe_of_a_junction_is_not_taken_for_one_of_pairs(defectflow, recipe):
    done = defectflow("pairs", recipe())
    assert (done.returncode, "is the recipe of a junction" in done.stderr) == (2, True)


def test_vasp_inputs_of_a_junction_ask_for_what_the_line_up_needs(defectflow, recipe, tmp_path):
    from pymatgen.io.vasp import Incar, Poscar

    defectflow("inputs", recipe(), "--engine", "vasp", "-o", tmp_path / "vasp")
    place = tmp_path / "vasp" / "junction" / "P" / "static"
    incar, poscar = Incar.from_file(place / "INCAR"), Poscar.from_file(place / "POSCAR")
    assert (incar["LVHAR"], incar["LORBIT"], incar["ISPIN"]) == (True, 11, 2)
    cobalt = [m for m, site in zip(incar["MAGMOM"], poscar.structure, strict=True) if site.specie.symbol == "Co"]
    assert cobalt == [1.8, 1.8]


@pytest.mark.slow
def test_a_junction_runs_through_custodian_and_resumes(defectflow, stand_in, recipe, tmp_path):
    """With the stand-in for VASP, whose numbers mean nothing: what is tested is that every job is run and kept."""
    folder = tmp_path / "run"
    first = defectflow("junction", "run", recipe(), "--engine", "vasp", "-o", folder, **stand_in)
    states = json.loads(defectflow("status", folder, "--json").stdout)["jobs"]
    assert [s["path"] for s in states] == ["bulk/static", "bulk/dos", "junction/P/relax", "junction/P/static"]
    assert {s["state"] for s in states} == {"done"}
    again = defectflow("resume", folder, **stand_in)
    assert (first.returncode, "Traceback" in first.stderr + again.stderr) == (again.returncode, False)
