"""The committed results (real GPAW runs): from today's recipes, and the page says what they say."""

import csv
import json
import subprocess
import sys
from itertools import chain

import pytest

from defectflow.inputs import plan_jobs
from defectflow.pipeline.convergence import budget_of, compared, curves_of, make_budget
from defectflow.run import ConvergenceStudy, Study, open_study
from defectflow.schema.kinds import load_any
from tests.conftest import ROOT
from tests.pages import blocks

HERE = "tests/unit/test_results.py"
RESULTS = ROOT / "results"
STUDIES = sorted(p.parent.name for p in RESULTS.glob("*/study.json"))


@pytest.mark.parametrize("name", STUDIES)
def test_every_result_was_made_from_the_recipe_of_its_name(name):
    """Same inputs as the recipe in workflows asks for today; what failed is there as failed."""
    from defectflow.run.collect import trusted_result

    study = open_study(RESULTS / name)
    assert study.by_path.keys() == {j.path for j in plan_jobs(load_any(ROOT / "workflows" / f"{name}.toml"))}
    done = [p for p in study.by_path if (s := study.state(p)) and s.state == "done"]
    assert done
    assert all(trusted_result(study, path).engine == "gpaw" for path in done)


@pytest.fixture(scope="module")
def converged():
    studies = (ConvergenceStudy.open(RESULTS / n) for n in ("mgo_carbon_convergence", "pair4_diagonal_convergence"))
    return {study.recipe.name: (study, curves_of(study)) for study in studies}


@pytest.mark.parametrize("name", sorted(p.parent.name for p in RESULTS.glob("*/errors.json")))
def test_the_errors_of_a_study_are_those_of_the_convergence_study(converged, name):
    study = Study.open(RESULTS / name)
    budget = budget_of(study)
    source = next(found for of, found in converged.items() if f" {of} " in budget.source)
    assert budget == make_budget(*source, study)


@pytest.mark.parametrize(("name", "remarked"), [("mgo_carbon_table", True), ("pair3_starts", False)])
def test_unlike_fillings_of_the_third_pair_are_remarked_and_like_ones_are_not(name, remarked):
    third = next(c for c in compared(Study.open(RESULTS / name)) if c.orbit.label == "3")
    assert third.certificate.passed
    assert any("partly filled" in r for r in third.certificate.remarks) is remarked


def test_a_fermi_level_in_a_gap_is_no_zero_to_compare_cells_by(defectflow, tmp_path):
    """Methfessel-Paxton puts it at an edge: at 340 and 500 eV at another one in FM of pair4_diagonal_convergence."""
    done = defectflow("dos", RESULTS / "pair4_body_diagonals", "-o", tmp_path / "dos")
    assert "in a gap from -0.05 to +0.47 eV; where in it, the smearing decides" in done.stdout


def test_the_pages_hold_the_tables_of_the_results():
    pages = [(ROOT / "docs" / name).read_text().splitlines() for name in ("results.md", "convergence.md")]
    script = ROOT / "workflows" / "results_tables.py"
    shown = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True).stdout
    rows = [line for line in shown.splitlines() if line.startswith("|")]
    assert rows
    assert set(rows) - set(chain(*pages)) == set()


@pytest.mark.parametrize(
    "line", [x for b in blocks("docs/results.md") if b.says("run by") == HERE for x in b.text.splitlines()]
)
def test_a_command_of_results_md_runs_and_certificates_failed_only_where_it_says_so(line):
    words, _, status = line.partition("# status ")
    command = [sys.executable, "-m", "defectflow.cli.main", *words.split()[1:]]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == int(status or 0)
    assert ("FAILED" in done.stdout) is bool(status)


def rows_of(defectflow, *names):
    done = defectflow("compare", *(RESULTS / name for name in names), "--json")
    return {row["label"]: row for row in json.loads(done.stdout)["pairs"]}


def test_of_several_studies_the_lowest_states_are_compared(defectflow):
    third = rows_of(defectflow, "mgo_carbon_table", "pair3_starts")["3"]
    assert {third[order]["name"] for order in ("fm", "af")} == {
        f"pair 3 {order} (orbital-not-x-0.08, pair3_starts)" for order in ("FM", "AF")
    }
    assert third["certificate"]["passed"]


def test_of_several_studies_a_pair_has_the_errors_of_the_one_that_holds_it(defectflow):
    fourth = rows_of(defectflow, "pair5_starts", "pair4_rattled_fine")["4"]
    assert fourth["uncertainty"] == rows_of(defectflow, "pair4_rattled_fine")["4"]["uncertainty"]


def test_the_states_of_several_studies_are_drawn_with_their_numbers(defectflow, tmp_path):
    defectflow("compare", RESULTS / "pair3_starts", "-o", tmp_path)
    assert {p.name for p in tmp_path.iterdir()} == {"states.csv", "states.pdf", "states.svg"}
    assert len((tmp_path / "states.csv").read_text().splitlines()) == 1 + 4


def test_the_numbers_beside_the_figure_of_the_page_are_those_of_its_command(defectflow, tmp_path):
    line = next(x for b in blocks("docs/results.md") for x in b.text.splitlines() if "pairs_rattled" in x)
    folders = [ROOT / word for word in line.split() if word.startswith("results/")]
    defectflow("compare", *folders, "-o", tmp_path)
    files = (tmp_path / "states.csv", ROOT / "docs" / "figures" / "states.csv")
    found, shown = (list(csv.reader(p.read_text().splitlines())) for p in files)
    assert [row[:3] for row in found] == [row[:3] for row in shown]
    assert [float(row[3]) for row in found[1:]] == pytest.approx([float(row[3]) for row in shown[1:]], abs=1e-6)


def test_a_job_that_two_studies_hold_counts_once(defectflow):
    (fifth,) = rows_of(defectflow, "pair5_starts", "pair5_starts").values()
    assert fifth["others"] == []


def test_a_study_at_other_settings_is_refused_with_the_first_of_them(defectflow):
    done = defectflow("compare", RESULTS / "mgo_carbon_table", RESULTS / "pair4_branches")
    assert done.returncode == 2
    assert "settings.profile is quick, in" in done.stderr
