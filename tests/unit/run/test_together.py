"""States of several studies that are the shipped one with other results or recipes."""

import json
import shutil
from dataclasses import replace

import pytest

from defectflow.analyse.compare import compare_study
from defectflow.demo import demo_folder
from defectflow.errors import InputError
from defectflow.pipeline.convergence import BUDGET, compared
from defectflow.pipeline.together import collect_together
from defectflow.run import Study
from defectflow.schema import CalcResult
from defectflow.schema.convergence import ErrorBudget, ErrorTerm
from defectflow.schema.jsonio import load_record, save_record

AF = "pairs/C_O-C_O_s4_d6.01/AF/static/result.json"


@pytest.fixture
def copied(tmp_path):
    def copy(name: str, **changes) -> Study:
        shutil.copytree(demo_folder(), tmp_path / name)
        if changes:
            result = load_record(CalcResult, tmp_path / name / AF)
            save_record(replace(result, **changes), tmp_path / name / AF)
        return Study.open(tmp_path / name)

    return copy


def fourth(*studies):
    return next(c for c in compare_study(collect_together(studies)) if c.orbit.label == "4")


def test_of_two_results_of_the_same_inputs_the_lower_counts_in_any_order(copied):
    demo = copied("demo")
    low = copied("low", e0=fourth(demo).af.e0 - 0.05)
    for studies in ((demo, low), (low, demo)):
        found = fourth(*studies)
        assert found.certificate.passed
        assert found.exchange.delta == pytest.approx(fourth(demo).exchange.delta - 0.05)
        assert len(found.others) == 1


def test_a_run_that_had_not_converged_does_not_hide_the_one_that_has(copied):
    demo = copied("demo")
    result = load_record(CalcResult, demo.folder / AF)
    old = copied("old", e0=result.e0 + 0.1, convergence=replace(result.convergence, electronic=False))
    assert fourth(old, demo).certificate.passed
    assert fourth(old, demo).exchange == fourth(demo, old).exchange


@pytest.fixture
def edited(copied):
    def edit(changes: dict) -> Study:
        study = copied("edited")
        document = json.loads((study.folder / "study.json").read_text())
        for key, value in changes.items():
            section, name = key.split(".") if "." in key else (None, key)
            (document["recipe"][section] if section else document["recipe"])[name] = value
        (study.folder / "study.json").write_text(json.dumps(document))
        return Study.open(study.folder)

    return edit


MESH = {"mesh": [4, 4, 4], "centring": "shifted"}


@pytest.mark.parametrize(
    "changes", [{"settings.incar": {"NCORE": 4}}, {"stages": ["static", "dos"], "dos.kpoints": MESH}]
)
def test_what_changes_no_energy_keeps_no_study_out(copied, edited, changes):
    assert len(collect_together((copied("demo"), edited(changes)))) >= 10


@pytest.mark.parametrize("changes", [{"settings.incar": {"LASPH": False}}, {"stages": ["relax", "static"]}])
def test_what_changes_energies_does(copied, edited, changes):
    with pytest.raises(InputError, match="energies of unlike settings"):
        collect_together((copied("demo"), edited(changes)))


@pytest.fixture
def named(copied):
    """A study of another name, with an energy of AF of its own and an error of the cutoff."""

    def make(name: str, af: float, error: float) -> Study:
        folder = copied(name, e0=af).folder
        document = json.loads((folder / "study.json").read_text())
        document["recipe"]["name"] = name
        (folder / "study.json").write_text(json.dumps(document))
        term = ErrorTerm("cutoff", error, "4", ("340", "500"))
        save_record(ErrorBudget({"4": (term,)}, {}, "made up"), folder / BUDGET)
        return Study.open(folder)

    return make


def cutoff_error(*studies):
    (term,) = next(c for c in compared(*studies) if c.orbit.label == "4").errors
    return term.value


def test_the_errors_are_the_larger_of_the_two_studies_that_the_states_are_of(named):
    first, low = named("first", -247.0, 0.01), named("low", -247.1, 0.05)
    assert cutoff_error(first, [low]) == 0.05


def test_a_study_none_of_whose_states_counts_adds_no_error(named):
    high, low, best = named("high", -247.0, 0.5), named("low", -247.1, 0.01), named("best", -247.2, 0.02)
    assert cutoff_error(low, [high, best]) == 0.02


def test_without_an_error_of_one_of_the_two_the_largest_of_any_counts(named):
    first, low, high = named("first", -247.0, 0.01), named("low", -247.1, 0.05), named("high", -246.9, 0.5)
    (low.folder / BUDGET).unlink()
    assert cutoff_error(first, [low, high]) == 0.5


def test_of_two_runs_of_one_recipe_neither_hides_the_errors_of_the_other(named):
    first, again = named("first", -247.0, 0.05), named("again", -247.1, 0.01)
    summary = again.folder / "study.json"
    summary.write_text(summary.read_text().replace('"again"', '"first"'))
    assert cutoff_error(first, [Study.open(again.folder)]) == 0.05
