"""``converge`` as a user runs it, on the shipped results of the quick study (real GPAW runs) where there are any."""

import json
import shutil
from dataclasses import replace

import pytest

RECIPE = """schema = 1
kind = "convergence"
name = "few"
question = "?"
base = "quick.toml"

[[axes]]
name = "cutoff"
key = "settings.cutoff"
kind = "numerical"
select = [4]
values = ["340 eV", "500 eV"]
"""


@pytest.fixture
def recipe(tmp_path, quick_text):
    (tmp_path / "quick.toml").write_text(quick_text)
    path = tmp_path / "few.toml"
    path.write_text(RECIPE)
    return path


@pytest.fixture
def half_run(recipe, demo, tmp_path):
    """A convergence study of which the base point is there: results of the shipped study."""
    from defectflow.run import ConvergenceStudy

    study = ConvergenceStudy.create(tmp_path / "few", recipe, "gpaw")
    pair = "C_O-C_O_s4_d6.01"
    shutil.copytree(demo / "pairs" / pair, study.folder / "base" / pair)
    return study.folder


def test_show_gives_what_is_known_and_says_what_is_not(defectflow, half_run):
    done = defectflow("converge", "show", half_run, "--json")
    base, fine = json.loads(done.stdout)["points"]
    assert (done.returncode, base["passed"], fine["delta_af_fm"]) == (1, True, None)
    assert base["delta_af_fm"] == pytest.approx(0.2238, abs=1e-3)


def test_show_writes_figure_and_numbers(defectflow, half_run, tmp_path):
    defectflow("converge", "show", half_run, "-o", tmp_path / "out")
    assert {p.name for p in (tmp_path / "out").iterdir()} == {"convergence.csv", "convergence.pdf", "convergence.svg"}


def test_the_name_of_an_axis_is_not_cut(half_run):
    from defectflow.export.convergence import curves_figure
    from defectflow.pipeline.convergence import curves_of
    from defectflow.run import ConvergenceStudy

    (curve,) = curves_of(ConvergenceStudy.open(half_run))
    figure = curves_figure((replace(curve, axis="a name as long as a sentence would be, and then some of it"),))
    figure.draw_without_rendering()
    title = figure.axes[0].title.get_window_extent()
    assert title.x0 >= 0
    assert title.x1 <= figure.bbox.x1


def test_errors_of_an_unfinished_study_are_refused(defectflow, half_run, demo, tmp_path):
    shutil.copytree(demo, tmp_path / "study")
    done = defectflow("converge", "errors", half_run, tmp_path / "study")
    assert done.returncode == 2
    assert "two are needed" in done.stderr
    assert not (tmp_path / "study" / "errors.json").exists()


def test_errors_of_another_cell_are_refused(defectflow, half_run, quick_text, tmp_path):
    """A mesh of the 64-atom cube says nothing of the same numbers in another cell."""
    from defectflow.run import Study

    other = tmp_path / "other.toml"
    other.write_text(quick_text.replace("matrix = [2, 2, 2]", "matrix = [3, 3, 3]"))
    study = Study.create(tmp_path / "study", other, "gpaw")
    done = defectflow("converge", "errors", half_run, study.folder)
    assert done.returncode == 2
    assert "another host, supercell or dopants" in done.stderr


def test_errors_of_another_code_are_refused(defectflow, half_run, demo, tmp_path):
    """An error measured with one code's potentials, or by a toy model, is no error of another's energies."""
    from defectflow.schema import CalcResult
    from defectflow.schema.jsonio import load_record, save_record

    shutil.copytree(demo, tmp_path / "study")
    for path in half_run.rglob("result.json"):
        save_record(replace(load_record(CalcResult, path), code="VASP stand-in"), path)
    done = defectflow("converge", "errors", half_run, tmp_path / "study")
    assert done.returncode == 2
    assert "the convergence study is of VASP stand-in" in done.stderr


def test_errors_of_other_settings_are_not_believed(defectflow, demo, tmp_path):
    from defectflow.pipeline.convergence import save_budget
    from defectflow.run import Study
    from defectflow.schema.convergence import ErrorBudget

    shutil.copytree(demo, tmp_path / "study")
    save_budget(ErrorBudget({}, {"settings.cutoff": "500.0"}, "test"), Study.open(tmp_path / "study"))
    done = defectflow("compare", tmp_path / "study")
    assert done.returncode == 2
    assert "belongs to settings.cutoff = 500.0; the study has 340.0" in done.stderr


@pytest.fixture
def with_budget(demo, tmp_path):
    """The shipped study whose fourth pair is known to 0.1 eV."""
    from defectflow.pipeline.convergence import save_budget
    from defectflow.run import Study
    from defectflow.schema.convergence import ErrorBudget, ErrorTerm

    study = Study.open(shutil.copytree(demo, tmp_path / "study"))
    terms = {"4": (ErrorTerm("k mesh", 0.1, "4", ("2x2x2", "4x4x4")),)}
    save_budget(ErrorBudget(terms, {"settings.cutoff": "340.0"}, "test"), study)
    return study


@pytest.mark.parametrize("verb", ["compare", "verify"])
def test_a_budget_is_in_the_uncertainty_wherever_it_is_said(defectflow, with_budget, verb):
    """`verify` said +- 4 meV and FM where `compare` said +- 8 and undecided."""
    pairs = json.loads(defectflow(verb, with_budget.folder, "--json").stdout)["pairs"]
    (row,) = (r for r in pairs if r["label"] == "4")
    assert row["uncertainty"] == pytest.approx(0.1, abs=2e-3)


def test_a_budget_is_in_the_uncertainty_that_is_handed_on(with_budget):
    from defectflow.pipeline.transport import Wanted, make_handoff

    assert make_handoff(with_budget, Wanted("4"), None).exchange.uncertainty == pytest.approx(100, abs=2)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('key = "settings.cutoff"', 'key = "settings.cutof"'),
        ('values = ["340 eV", "500 eV"]', 'values = ["340 eV"]'),
        ('kind = "numerical"', 'kind = "other"'),
        ('base = "quick.toml"', 'base = "none.toml"'),
        ('"500 eV"', '"500 Ry"'),
        ("select = [4]", "select = [9]"),
    ],
)
def test_a_wrong_recipe_ends_with_a_message_and_leaves_no_folder(defectflow, recipe, tmp_path, old, new):
    recipe.write_text(RECIPE.replace(old, new))
    done = defectflow("converge", "run", recipe, "-o", tmp_path / "run")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "run").exists()


def test_pairs_say_where_a_convergence_study_belongs(defectflow, recipe):
    assert "a convergence study" in defectflow("pairs", recipe).stderr
