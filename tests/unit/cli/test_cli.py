"""The command line in its own process, on the shipped study: JSON keys, exit status, messages."""

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from defectflow import __version__
from defectflow.resources import resource

VERBS = ("doctor", "init", "pairs", "build", "run", "resume", "status", "verify", "compare", "dos")
QUICK = resource("workflows", "quick.toml")


@pytest.fixture(scope="module")
def run_folder(demo, tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo") / "run"
    shutil.copytree(demo, folder)
    return folder


def test_help_names_every_verb(defectflow):
    text = defectflow("--help").stdout
    assert all(v in text for v in VERBS)


def test_the_version_is_printed(defectflow):
    assert defectflow("--version").stdout == f"defectflow {__version__}\n"


def test_compare_json_has_the_keys_that_others_build_on(defectflow, run_folder):
    done = defectflow("compare", run_folder, "--json")
    rows = json.loads(done.stdout)["pairs"]
    keys = {"label", "e_fm", "e_af", "delta_af_fm", "uncertainty", "j_per_bond", "j_dimer", "images", "certificate"}
    assert [r["label"] for r in rows] == list("12345")
    assert all(keys <= set(r) and {"passed", "reasons"} <= set(r["certificate"]) for r in rows)
    assert done.returncode == 0


def test_the_numbers_of_a_row_belong_together(defectflow, run_folder):
    for r in json.loads(defectflow("compare", run_folder, "--json").stdout)["pairs"]:
        assert r["delta_af_fm"] == pytest.approx(r["e_af"] - r["e_fm"])
        assert r["j_per_bond"] * 2 * r["images"] == pytest.approx(1000 * r["delta_af_fm"])
        assert r["j_dimer"] * 2 == pytest.approx(1000 * r["delta_af_fm"])


def test_every_separated_fm_pair_has_four_bohr_magnetons(defectflow, run_folder):
    rows = json.loads(defectflow("compare", run_folder, "--json").stdout)["pairs"]
    assert [r["fm"]["total_moment"] for r in rows] == pytest.approx([4] * 5, abs=0.02)
    assert [r["af"]["total_moment"] for r in rows] == pytest.approx([0] * 5, abs=0.02)


def test_the_table_says_what_the_quick_settings_cannot(defectflow, run_folder):
    text = defectflow("compare", run_folder).stdout
    assert "Ions are not relaxed" in text
    assert "2x2x2 shifted" in text


def test_verify_json(defectflow, run_folder):
    done = defectflow("verify", run_folder, "--json")
    document = json.loads(done.stdout)
    assert (len(document["runs"]), len(document["pairs"]), done.returncode) == (10, 5, 0)
    assert all({"path", "passed", "reasons"} <= set(r) for r in document["runs"])


def test_status_json(defectflow, run_folder):
    done = defectflow("status", run_folder, "--json")
    jobs = json.loads(done.stdout)["jobs"]
    assert (len(jobs), {j["state"] for j in jobs}, done.returncode) == (12, {"done"}, 0)


# pyprocar#208: the numbers that are exported are the numbers that are drawn.
def test_the_exported_curves_are_the_drawn_ones(defectflow, run_folder, tmp_path, demo_study, entries):
    from defectflow.pipeline import entry_dos

    assert defectflow("dos", run_folder, "--pair", "4", "-o", tmp_path / "four").returncode == 0
    rows = [r for r in csv.DictReader((tmp_path / "four.csv").read_text().splitlines()) if r["state"] == "AF"]
    drawn = entry_dos(demo_study, entries[7], "fermi")
    assert [float(r["energy_eV"]) for r in rows] == drawn.energies.tolist()
    assert [float(r["total up"]) for r in rows] == drawn.total[0].tolist()
    assert [float(r["C (2) down"]) for r in rows] == drawn.groups["C (2)"][1].tolist()


@pytest.mark.parametrize("reference", ["fermi", "vbm"])
def test_dos_json_counts_states_around_the_zero(defectflow, run_folder, tmp_path, reference):
    done = defectflow("dos", run_folder, "--pair", "4", "--reference", reference, "-o", tmp_path / "d", "--json")
    states = json.loads(done.stdout)["states"]
    assert [s["state"] for s in states] == ["FM", "AF"]
    assert {"spin", "energy", "dopant_weight", "crosses", "spin_degenerate"} <= set(states[1]["levels"][0])


def test_an_external_reference_is_a_record_above_the_hosts_vbm(defectflow, run_folder, tmp_path):
    record = {"name": "junction E_F", "fermi_minus_vbm": 2.5, "uncertainty": 0.3, "source": "made up for this test"}
    (tmp_path / "reference.json").write_text(json.dumps(record))
    zeros = {}
    for name in ("vbm", tmp_path / "reference.json"):
        done = defectflow(
            "dos", run_folder, "--pair", "4", "--reference", name, "-o", tmp_path / "d", "--force", "--json"
        )
        zeros[str(name)[-4:]] = json.loads(done.stdout)["states"][0]["reference"]
    assert zeros["json"]["energy"] - zeros["vbm"]["energy"] == pytest.approx(2.5)
    assert zeros["json"]["uncertainty"] >= 0.3


def test_figures_are_vector_files(defectflow, run_folder, tmp_path):
    done = defectflow("dos", run_folder, "-o", tmp_path / "all", "--json")
    files = json.loads(done.stdout)["files"]
    assert [f.rsplit(".", 1)[1] for f in files] == ["csv", "pdf", "svg"]
    assert "<svg" in (tmp_path / "all.svg").read_text()[:1000]


@pytest.mark.parametrize("file_format", ["extxyz", "vasp", "mcif"])
def test_build_writes_ten_cells_and_refuses_to_overwrite(defectflow, tmp_path, file_format):
    first = defectflow("build", QUICK, "-o", tmp_path, "--format", file_format)
    paths = first.stdout.split()
    before = {p: Path(p).read_text() for p in paths}
    second = defectflow("build", QUICK, "-o", tmp_path, "--format", file_format)
    assert (first.returncode, second.returncode) == (0, 2)
    assert len(paths) == (20 if file_format == "vasp" else 10)
    assert before == {p: Path(p).read_text() for p in paths}


def test_a_poscar_and_its_magmom_line_agree(defectflow, tmp_path):
    from pymatgen.core import Structure

    defectflow("build", QUICK, "-o", tmp_path, "--format", "vasp")
    place = tmp_path / "pairs" / "C_O-C_O_s4_d6.01" / "AF"
    structure = Structure.from_file(place / "POSCAR")
    moments = [float(m) for m in (place / "MAGMOM").read_text().split("=")[1].split()]
    assert [(s.specie.symbol, m) for s, m in zip(structure, moments, strict=True) if m] == [("C", 2.0), ("C", -2.0)]


def test_init_writes_a_recipe_that_works_and_never_overwrites(defectflow, tmp_path):
    target = tmp_path / "mine.toml"
    assert defectflow("init", target).returncode == 0
    assert defectflow("pairs", target).returncode == 0
    target.write_text("mine")
    assert defectflow("init", target).returncode == 2
    assert target.read_text() == "mine"


def test_init_of_a_convergence_study_names_its_verb_and_its_base(defectflow, tmp_path):
    said = defectflow("init", tmp_path / "conv.toml", "--from", "mgo_carbon_convergence").stdout
    assert f"converge run {tmp_path / 'conv.toml'}" in said
    assert f"init {tmp_path / 'quick.toml'} --from quick" in said


def test_a_demo_that_does_not_fit_on_the_disk_leaves_nothing(tmp_path, monkeypatch):
    import shutil

    from typer.testing import CliRunner

    from defectflow.cli.main import app

    def full(_, target):
        target.mkdir()
        raise shutil.Error([("a", "b", "[Errno 28] No space left on device")])

    monkeypatch.setattr(shutil, "copytree", full)
    done = CliRunner().invoke(app, ["init", str(tmp_path / "run"), "--demo"])
    assert "No space left on device" in str(done.exception)
    assert not list(tmp_path.iterdir())


def test_doctor_finds_the_engine(defectflow):
    checks = {c["name"]: c["ok"] for c in json.loads(defectflow("doctor", "--json").stdout)["checks"]}
    assert {"python", "cores", "mpiexec"} <= set(checks)
    assert checks["engine gpaw"]


def test_doctor_does_not_pass_over_an_engine(defectflow):
    done = defectflow("doctor", "--engine", "nope")
    assert (done.returncode, "--engine: goes with --site" in done.stderr) == (2, True)


def test_compare_overwrites_nothing_without_force(defectflow, run_folder, tmp_path):
    (tmp_path / "states.csv").write_text("precious")
    refused = defectflow("compare", run_folder, "-o", tmp_path)
    assert (refused.returncode, (tmp_path / "states.csv").read_text()) == (2, "precious")
    assert defectflow("compare", run_folder, "-o", tmp_path, "--force").returncode == 0


def test_figures_are_drawn_where_jupyter_names_its_backend(defectflow, run_folder, tmp_path):
    """Every verb that draws ended with a traceback, `run` before it had printed its table."""
    backend = {"MPLBACKEND": "module://matplotlib_inline.backend_inline"}
    done = defectflow("dos", run_folder, "--pair", "4", "-o", tmp_path / "dos", **backend)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("odd", [("COLUMNS", "²"), ("COLUMNS", "9" * 5000), ("LINES", "²")])
def test_an_odd_size_of_the_terminal_is_passed_over(defectflow, run_folder, odd):
    """Rich ended with a traceback."""
    done = defectflow("watch", run_folder, "--once", **dict([odd]))
    assert (done.returncode, done.stderr) == (0, "")


def test_an_odd_width_of_the_help_is_passed_over(defectflow):
    """Typer, which reads it once in a process, ended with a traceback."""
    done = defectflow("--help", TERMINAL_WIDTH="x", PYTHONUTF8="1")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("odd", ["x", "9" * 12])
def test_an_odd_source_date_epoch_is_passed_over(defectflow, run_folder, tmp_path, odd):
    """Matplotlib asks for it although no date goes into the figures."""
    done = defectflow("dos", run_folder, "--pair", "4", "-o", tmp_path / "dos", SOURCE_DATE_EPOCH=odd)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_database_that_cannot_be_written_is_named(tmp_path, monkeypatch):
    import sqlite3

    from defectflow.export.frames import write_rows

    def full(*_, **__):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr("ase.db.connect", full)
    with pytest.raises(OSError, match=r"disk is full\): '.*X.db'"):
        write_rows([], tmp_path / "X.db")


@pytest.mark.parametrize(
    "words",
    [
        ("compare", "nowhere"),
        ("dos", "nowhere"),
        ("status", QUICK),
        ("verify", "."),
        ("resume", "nowhere"),
        ("run", "nowhere.toml"),
        ("run", QUICK, "--engine", "vsap", "-o", "/dev/null/x"),
        ("run", QUICK, "--engine", "replay", "-o", "/dev/null/x"),
        ("build", QUICK, "-o", "/dev/null/x"),
        ("init", "/dev/null/x"),
        ("init", "x.toml", "--from", "../../etc/passwd"),
        ("pairs", "."),
        ("pairs", "/dev/null"),
        ("nonsense",),
        ("dos",),
    ],
)
def test_wrong_use_ends_with_status_2_and_no_traceback(defectflow, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = defectflow(*words)
    assert (done.returncode, "Traceback" in done.stderr) == (2, False), done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--pair", "9"), 'no pair "9"'),
        (("--reference", "nowhere.json"), "cannot be read"),
        (("--reference", "/dev/null"), "is not valid JSON"),
    ],
)
def test_dos_says_what_is_wrong(defectflow, run_folder, words, message):
    done = defectflow("dos", run_folder, *words)
    assert done.returncode == 2
    assert message in done.stderr


@pytest.mark.parametrize("name", ["study.json", "pairs/C_O-C_O_s4_d6.01/AF/static/result.json"])
@pytest.mark.parametrize("content", ["", "{", "[]", '{"schema": 1}', "\x00" * 100])
def test_a_damaged_run_folder_ends_with_a_message(defectflow, demo, tmp_path, name, content):
    folder = tmp_path / "run"
    shutil.copytree(demo, folder)
    (folder / name).write_text(content)
    done = defectflow("compare", folder)
    assert done.returncode in (1, 2)
    assert "Traceback" not in done.stderr
    assert ("pair 4 AF: no result" in done.stdout) or ("study.json" in done.stderr)


@pytest.mark.parametrize("text", ["see [/1] and [bold]Chen", "100 % [red"])
def test_brackets_in_a_recipes_text_are_printed_as_they_are(defectflow, demo, recipe_file, tmp_path, text):
    folder = tmp_path / "run"
    shutil.copytree(demo, folder)
    path = recipe_file(("These are signs", f"{text} These are signs"))
    done = defectflow("run", path, "-o", folder)
    assert text in done.stdout, done.stderr


def test_a_terminal_without_plus_minus_shows_a_question_mark(defectflow, run_folder):
    done = defectflow("compare", run_folder, PYTHONIOENCODING="ascii")
    assert (done.returncode, "+224 ? 3" in done.stdout) == (0, True)


def test_output_that_nobody_reads_to_the_end_is_no_error(run_folder):
    command = f"{sys.executable} -m defectflow.cli.main compare {run_folder} | head -1"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr


def test_build_writes_broken_starts_broken(defectflow, recipe_file, tmp_path):
    starts = 'starts = [{ kind = "symmetric" }, { kind = "rattle", amplitude = "0.3 A", seed = 1 }]'
    path = recipe_file(('moment = "2.0 muB"', f'moment = "2.0 muB"\n{starts}'))
    defectflow("build", path, "-o", tmp_path / "cells")
    first, second = (
        (tmp_path / "cells/pairs/C_O-C_O_s4_d6.01" / f / "structure.extxyz").read_text().splitlines()[2:]
        for f in ("FM", "FM.rattle-1-0.3")
    )
    assert first != second


@pytest.mark.parametrize("bad", [{"fermi_minus_vbm": float("nan")}, {"uncertainty": -1}, {"uncertainty": "x"}, {}])
def test_a_reference_that_is_none_is_refused(defectflow, run_folder, tmp_path, bad):
    good = {"name": "E_F", "fermi_minus_vbm": 2.5, "uncertainty": 0.3, "source": "made up"}
    (tmp_path / "r.json").write_text(json.dumps({**good, **bad} if bad else {}))
    done = defectflow("dos", run_folder, "--reference", tmp_path / "r.json", "-o", tmp_path / "d")
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert not (tmp_path / "d.csv").exists()


def test_dos_never_overwrites_a_file_that_it_was_not_told_to(defectflow, run_folder, tmp_path):
    (tmp_path / "fig.v2.csv").write_text("precious")
    done = defectflow("dos", run_folder, "--pair", "4", "-o", tmp_path / "fig.v2")
    assert (done.returncode, (tmp_path / "fig.v2.csv").read_text()) == (2, "precious")
    assert defectflow("dos", run_folder, "--pair", "4", "-o", tmp_path / "fig.v2", "--force").returncode == 0


@pytest.mark.parametrize("verb", [("pairs",), ("build", "-o", "out"), ("inputs", "-o", "out"), ("run", "-o", "out")])
def test_a_pair_that_the_cell_lacks_is_an_error_of_the_recipes_file(tmp_path, defectflow, recipe_file, verb):
    recipe = recipe_file(("[spin]", "bulk_shells = [5]\n\n[spin]"))
    done = defectflow(verb[0], recipe, *(tmp_path / w if w == "out" else w for w in verb[1:]))
    assert done.stderr.startswith(f"error: {recipe}: pairs.bulk_shells: shell 5")
