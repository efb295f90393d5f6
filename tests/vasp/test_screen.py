"""A screening through custodian with the stand-in for VASP: rounds, promotions, kills, edits, exports."""

from __future__ import annotations

import json
import sqlite3
import subprocess

import pytest
from ase.io import read

from defectflow.run import ScreenStudy
from defectflow.schema.jsonio import load_record

pytestmark = pytest.mark.slow
FEWER = ("dopants = { C_O = 2 }", "dopants = { C_O = 2 }\nshells = [1, 2, 3]")


@pytest.fixture(scope="module")
def good(tmp_path_factory, screen_text, stand_in):
    """A finished screening; tests must not change it."""
    import os
    import sys

    place = tmp_path_factory.mktemp("screen")
    (place / "screen.toml").write_text(screen_text.replace(*FEWER))
    command = [
        sys.executable,
        "-m",
        "defectflow.cli.main",
        "screen",
        "run",
        "screen.toml",
        "--engine",
        "vasp",
        "-o",
        "run",
    ]
    env = {**os.environ, **stand_in}
    done = subprocess.run(command, cwd=place, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return place / "run"


@pytest.fixture
def screen(defectflow, stand_in, screen_file, tmp_path):
    def call(*replacements, fault: str = "") -> subprocess.CompletedProcess[str]:
        recipe = screen_file(
            FEWER,
            ('[[rounds]]\nname = "refined"\nsettings = { cutoff = "500 eV" }\nkeep = { lowest = 2 }\n', ""),
            *replacements,
        )
        env = {**stand_in, "DEFECTFLOW_STANDIN_FAULT": fault}
        return defectflow("screen", "run", recipe, "--engine", "vasp", "-o", tmp_path / "run", **env)

    return call


def test_the_lowest_of_each_composition_go_on(good):
    (decision,) = ScreenStudy.open(good).promotions
    assert [(p.label, p.rule) for p in decision.kept] == [
        ("C_O.0.2", "number 1 of the lowest 2"),
        ("C_O.0.1", "number 2 of the lowest 2"),
        ("C_O.0-V_O.2", "number 1 of the lowest 2"),
    ]


def test_what_does_not_go_on_is_recorded_with_its_reason(good):
    (decision,) = ScreenStudy.open(good).promotions
    assert list(decision.dropped) == ["C_O.0.11"]
    assert "number 3: no rule keeps it" in decision.dropped["C_O.0.11"]


def test_only_what_goes_on_is_run_again(good):
    assert {p.name for p in (good / "refined").iterdir()} == {"pristine", "C_O.0.1", "C_O.0.2", "C_O.0-V_O.2"}


def test_a_finished_screening_runs_nothing_again(good, defectflow, stand_in):
    before = {p: p.stat().st_mtime_ns for p in good.rglob("result.json")}
    done = defectflow("resume", good, **stand_in)
    assert done.returncode == 0
    assert {p: p.stat().st_mtime_ns for p in good.rglob("result.json")} == before


def test_the_ranking_as_json(good, defectflow):
    done = defectflow("screen", "rank", good, "--round", "scan", "--json")
    rows = json.loads(done.stdout)["configurations"]
    assert [r["label"] for r in rows if r["composition"] == "C_O:2"] == ["C_O.0.2", "C_O.0.1", "C_O.0.11"]
    assert all(r["af_minus_fm"] > 0 for r in rows if r["composition"] == "C_O:2")


def test_rankings_come_in_the_formats_of_others(good, defectflow, tmp_path):
    defectflow("screen", "rank", good, "--round", "scan", "-o", tmp_path / "out")
    assert len(read(tmp_path / "out" / "rank_scan.extxyz", ":")) == 4
    with sqlite3.connect(tmp_path / "out" / "rank_scan.db") as database:
        assert database.execute("select count(*) from systems").fetchone() == (4,)
    assert {p.suffix for p in (tmp_path / "out").iterdir()} == {".csv", ".json", ".extxyz", ".db", ".pdf", ".svg"}


def test_a_frame_holds_energy_and_moment_of_its_row(good, defectflow, tmp_path):
    rows = json.loads(defectflow("screen", "rank", good, "--round", "scan", "--json", "-o", tmp_path / "o").stdout)
    frame, row = read(tmp_path / "o" / "rank_scan.extxyz", 0), rows["configurations"][0]
    assert frame.get_potential_energy() == pytest.approx(row["e0"])
    assert frame.info["label"] == row["label"]


def test_a_round_that_does_not_exist(good, defectflow):
    done = defectflow("screen", "rank", good, "--round", "third")
    assert (done.returncode, "known: scan, refined" in done.stderr) == (2, True)


def test_status_and_verbs_of_other_studies(good, defectflow):
    assert defectflow("status", good).returncode == 0
    refused = defectflow("compare", good)
    assert (refused.returncode, "is the run folder of a screening" in refused.stderr) == (2, True)


def test_energetics_without_reference_phases_has_no_formation_energies(good, defectflow):
    done = defectflow("energetics", good, "--json")
    found = json.loads(done.stdout)
    assert (found["formation"], found["limits"], found["binding"]) == ([], {}, [])


def test_a_failed_configuration_fails_the_screening_and_is_named(screen):
    done = screen(fault="silent!@scan/C_O.0.1/AF")
    assert done.returncode == 1
    assert "C_O.0.1 AF: no result" in done.stdout


def test_a_failed_relaxation_does_not_hold_up_the_others(defectflow, stand_in, screen_file, tmp_path):
    """Its static run is blocked, which is an end, too: the next round is decided on without it."""
    relaxed = ('name = "scan"', 'name = "scan"\nstages = ["relax", "static"]')
    two = (FEWER[0], "dopants = { C_O = 2 }\nshells = [1, 2]")
    env = {**stand_in, "DEFECTFLOW_STANDIN_FAULT": "silent!@scan/C_O.0.1/AF/relax"}
    defectflow("screen", "run", screen_file(two, relaxed), "--engine", "vasp", "-o", tmp_path / "run", **env)
    (decision,) = ScreenStudy.open(tmp_path / "run").promotions
    assert [p.label for p in decision.kept] == ["C_O.0.2", "C_O.0.1", "C_O.0-V_O.2"]


def test_results_of_a_changed_recipe_are_not_mixed(good, screen_file, defectflow, stand_in):
    recipe = screen_file(FEWER, ('cutoff = "450 eV"', 'cutoff = "460 eV"'))
    done = defectflow("screen", "run", recipe, "--engine", "vasp", "-o", good, **stand_in)
    assert (done.returncode, "was made with another recipe" in done.stderr) == (2, True)


def test_a_damaged_decision_is_an_error_by_name(good, defectflow, tmp_path):
    import shutil

    shutil.copytree(good, tmp_path / "run")
    (tmp_path / "run" / "promotions.refined.json").write_text("{}")
    done = defectflow("screen", "rank", tmp_path / "run")
    assert (done.returncode, "promotions.refined.json" in done.stderr) == (2, True)


@pytest.mark.parametrize("verb", [("energetics",), ("screen", "rank")])
def test_a_round_that_was_not_decided_on_is_said(good, defectflow, tmp_path, verb):
    import shutil

    shutil.copytree(good, tmp_path / "run")
    (tmp_path / "run" / "promotions.refined.json").unlink()
    done = defectflow(*verb, tmp_path / "run", "--round", "refined")
    assert (done.returncode, 'the round "refined" has not been decided on' in done.stderr) == (2, True)


def test_a_decision_is_made_anew_when_its_results_changed(good, stand_in, defectflow, tmp_path):
    """The record that another result would have led to is not believed."""
    import shutil

    from defectflow.pipeline.screen import decide
    from defectflow.schema.configuration import Promotions
    from defectflow.schema.jsonio import save_record

    run = tmp_path / "run"
    shutil.copytree(good, run)
    old = load_record(Promotions, run / "promotions.refined.json")
    save_record(Promotions(old.after, old.to, "0" * 64, (), {}), run / "promotions.refined.json")
    assert decide(ScreenStudy.open(run))
    assert load_record(Promotions, run / "promotions.refined.json") == old
