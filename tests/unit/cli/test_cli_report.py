"""``defectflow report`` in its own process."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from tests.reports import broken, copied

pytest.importorskip("plotly")


@pytest.fixture(scope="module")
def run_folder(demo, tmp_path_factory):
    return copied(demo, tmp_path_factory.mktemp("report") / "run").folder


@pytest.fixture(scope="module")
def written(run_folder):
    command = [sys.executable, "-m", "defectflow.cli.main", "report", str(run_folder), "--json"]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


def test_a_good_study_ends_with_status_0(written):
    assert (written.returncode, written.stderr) == (0, "")
    assert json.loads(written.stdout)["passed"] is True


def test_figures_and_numbers_lie_beside_the_page(run_folder, written):
    names = {p.name for p in (run_folder / "report").iterdir()}
    figures = {f"{stem}.{kind}" for stem in ("energies", "geometry", "dos", "dos_vbm") for kind in ("pdf", "svg")}
    assert figures | {"report.html", "pairs.csv", "dos.csv", "levels.csv", "sites.csv", "jobs.csv"} <= names


def test_nothing_but_the_report_is_left_in_the_run_folder(demo, run_folder, written):
    assert {p.name for p in run_folder.iterdir()} == {p.name for p in demo.iterdir()} | {"report"}


def test_every_file_beside_the_page_is_linked(run_folder, written):
    text = (run_folder / "report" / "report.html").read_text()
    beside = {p.name for p in (run_folder / "report").iterdir()} - {"report.html"}
    assert [name for name in beside if f'href="{name}"' not in text] == []


def test_the_page_stays_below_eight_megabytes(run_folder, written):
    assert (run_folder / "report" / "report.html").stat().st_size < 8_000_000


def test_a_study_with_faults_ends_with_status_1_and_says_so(defectflow, demo, tmp_path):
    folder = broken(demo, tmp_path / "run").folder
    done = defectflow("report", folder, "-o", tmp_path / "out")
    assert done.returncode == 1
    assert "certificate failed" in done.stdout
    assert (tmp_path / "out" / "report.html").is_file()


def test_a_study_without_any_result_has_a_page(defectflow, demo, tmp_path):
    folder = copied(demo, tmp_path / "run").folder
    shutil.rmtree(folder / "pairs")
    shutil.rmtree(folder / "bulk")
    done = defectflow("report", folder, "--json")
    assert done.returncode == 1
    assert len(json.loads(done.stdout)["problems"]) == 12


def test_another_file_of_that_name_is_not_overwritten(defectflow, run_folder, tmp_path):
    (tmp_path / "report.html").write_text("mine")
    done = defectflow("report", run_folder, "-o", tmp_path)
    assert done.returncode == 2
    assert (tmp_path / "report.html").read_text() == "mine"


def test_a_folder_that_is_no_run_is_refused(defectflow, tmp_path):
    done = defectflow("report", tmp_path)
    assert (done.returncode, done.stderr[:6]) == (2, "error:")


def test_currents_in_the_run_folder_get_a_section(defectflow, demo, tmp_path):
    folder = copied(demo, tmp_path / "run").folder
    defectflow("transport", "iv", folder, "--pair", "4", "--bias=-10:10:21", "-o", folder / "figures" / "iv")
    assert defectflow("report", folder).returncode == 0
    assert 'data-transport="figures/iv"' in (folder / "report" / "report.html").read_text()
    assert (folder / "report" / "figures_iv_iv.csv").is_file()


@pytest.mark.slow
def test_what_an_earlier_report_showed_does_not_outlive_its_results(defectflow, demo, tmp_path):
    shutil.copytree(demo, tmp_path / "run")
    defectflow(
        "transport", "iv", tmp_path / "run", "--pair", "4", "--bias=0", "-o", tmp_path / "run" / "figures" / "iv"
    )
    defectflow("report", tmp_path / "run")
    (tmp_path / "run" / "pairs/C_O-C_O_s4_d6.01/AF/static/result.json").unlink()
    for other in (tmp_path / "run" / "pairs").glob("*s[1235]_*"):
        shutil.rmtree(other / "AF")
    defectflow("report", tmp_path / "run")
    assert not list((tmp_path / "run" / "report").glob("energies.*"))
    assert "OUTDATED, pair 4" in (tmp_path / "run" / "report" / "report.html").read_text()


def test_the_commands_of_the_page_mend_the_study(defectflow, recipe_file, tmp_path):
    """A pair replayed with faults: what the page says to run brings every certificate back."""
    recipe = recipe_file(('sublattice = "O"', 'sublattice = "O"\nselect = [1]'))
    folder = tmp_path / "run"
    defectflow("run", recipe, "--engine", "replay", "-o", folder, DEFECTFLOW_REPLAY_FAULT="crash@FM/static")
    for fault in ("flipped@FM/static", "none@nowhere"):
        (problem,) = json.loads(defectflow("report", folder, "--json").stdout)["problems"]
        command = problem["command"].replace("defectflow", f"{sys.executable} -m defectflow.cli.main")
        subprocess.run(command, shell=True, env={**os.environ, "DEFECTFLOW_REPLAY_FAULT": fault}, check=False)
    assert defectflow("report", folder).returncode == 0
