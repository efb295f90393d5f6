"""The document of a report: what stands against a study, and the numbers that its figures are drawn from."""

import json
from dataclasses import replace

import numpy as np
import pytest

from defectflow.engines.base import Progress
from defectflow.export.report import Curves, report_document
from defectflow.export.report.dos import dos_data
from defectflow.export.report.problems import problems
from defectflow.pipeline import entry_dos
from defectflow.pipeline.report import gather
from defectflow.run import Study
from tests.reports import FAILED, FLIPPED, LOST, MISSING, UNCONVERGED, broken, copied


@pytest.fixture(scope="module")
def whole(demo, tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole") / "run"
    return gather(copied(demo, folder))


@pytest.fixture(scope="module")
def damaged(demo, tmp_path_factory):
    folder = tmp_path_factory.mktemp("damaged") / "run"
    return gather(broken(demo, folder))


def test_nothing_stands_against_the_shipped_study(whole):
    assert problems(whole) == ()


@pytest.mark.parametrize(
    ("path", "state", "verb"),
    [
        (FAILED, "failed", "defectflow rerun"),
        (UNCONVERGED, "unconverged", "defectflow rerun"),
        (LOST, "lost", "defectflow retry"),
        (MISSING, "waiting", "defectflow retry"),
        (FLIPPED, "certificate failed", "rm -r"),
    ],
)
def test_each_job_that_is_not_done_is_named_once_with_its_state_and_command(damaged, path, state, verb):
    (found,) = [p for p in problems(damaged) if p.what == path]
    assert found.state == state
    assert found.command.startswith(verb)


def test_a_certificate_that_fails_for_a_job_named_above_is_not_said_twice(damaged):
    assert len(problems(damaged)) == 5


def test_a_folder_with_blanks_is_quoted_in_the_commands(damaged):
    (found,) = [p for p in problems(replace(damaged, run="my runs/x")) if p.what == FAILED]
    assert found.command == f"defectflow rerun 'my runs/x' {FAILED}"


def test_what_follows_a_failed_job_names_the_job_to_run_again(whole):
    first, second = whole.jobs[0], whole.jobs[1]
    jobs = (replace(first, state="failed", reason="died"), replace(second, state="blocked", reason="missing"))
    assert second.after == first.path
    assert problems(replace(whole, jobs=jobs, comparisons=()))[1].command.endswith(f" {first.path}")


def test_the_pair_table_holds_the_numbers_of_compare(whole):
    table = report_document(whole)["energies"]["pairs"]
    assert [row[4] for row in table.rows][:2] == ["+225 ± 13", "+41 ± 7"]
    assert table.rows[3][8:] == ("passed", "AF, \N{MINUS SIGN}125 meV", "OPPOSITE ORDER")


def test_no_verdict_is_given_without_a_certificate(damaged):
    table = report_document(damaged)["energies"]["pairs"]
    assert "no verdict, the certificate failed" in table.rows[0]


def test_the_numbers_are_json(whole):
    assert json.loads(json.dumps(report_document(whole)["data"], allow_nan=False))["dos"]["states"]


def _broadened(data, state, spin, group, energies, zero):
    channel = state["spins"][spin]
    e = np.array(channel["e"]) * data["energy_unit"] - zero
    w = np.ones(len(e)) if group is None else np.array(channel["w"][group]) * data["weight_unit"]
    height = w * np.array(state["k_weights"])[channel["k"]]
    sigma = data["broadening"]
    gauss = np.exp(-0.5 * ((energies[:, None] - e) / sigma) ** 2) / (sigma * np.sqrt(2 * np.pi))
    return gauss @ height


@pytest.mark.parametrize("choice", ["fermi", "vbm", "junction"])
def test_what_the_page_broadens_is_the_dos_of_the_figures(whole, demo, choice):
    data, entry = dos_data(whole), whole.states[7].entry
    state, d = data["states"][7], entry_dos(Study.open(demo), entry, choice)
    zero = state["zeros"][choice]["energy"]
    for spin in (0, 1):
        assert _broadened(data, state, spin, None, d.energies, zero) == pytest.approx(d.total[spin], abs=0.02)
        part = d.groups[state["groups"][0]][spin]
        assert _broadened(data, state, spin, 0, d.energies, zero) == pytest.approx(part, abs=0.02)


def test_a_cell_whose_moments_came_out_reversed_is_drawn_with_the_majority_upwards(whole):
    fm = whole.states[0]
    turned = replace(fm, dos=replace(fm.dos, total_moment=-fm.dos.total_moment, eigenvalues=fm.dos.eigenvalues[::-1]))
    before, after = (dos_data(replace(whole, states=(s,)))["states"][0] for s in (fm, turned))
    assert after["reversed"]
    assert [c["e"] for c in after["spins"]] == [c["e"] for c in before["spins"]]


def test_the_pair_lies_in_the_middle_of_its_picture(whole):
    for cell in report_document(whole)["data"]["structures"]:
        middle = np.mean([cell["positions"][d] for d in cell["dopants"]], axis=0)
        assert middle == pytest.approx(np.sum(cell["lattice"], axis=0) / 2, abs=1e-3)


def test_a_state_without_a_result_shows_what_was_intended(damaged):
    (cell,) = [c for c in report_document(damaged)["data"]["structures"] if c["name"] == "pair 5 AF"]
    assert cell["kind"] == "intended moments, no result"


def test_only_works_that_were_used_are_cited(whole):
    text = report_document(whole)["citations"]
    assert all(f"doi = {{{d}}}" in text for d in ("10.1038/s42005-019-0207-8", "10.1063/5.0182685"))
    assert "@article{vasp" not in text


def test_input_hash_and_code_of_every_job_are_on_record(whole):
    rows = report_document(whole)["record"]["provenance"].rows
    assert [row[2] for row in rows] == [job.result.input_hash for job in whole.jobs]


def test_results_of_a_replay_or_a_toy_model_are_called_so(whole):
    toy = replace(whole.comparisons[0], fm=replace(whole.comparisons[0].fm, code="VASP stand-in"))
    replayed = replace(whole.jobs[0], result=replace(whole.jobs[0].result, engine="replay"))
    notes = report_document(replace(whole, comparisons=(toy,), jobs=(replayed,)))["notes"]
    assert [("toy model" in n, "replayed" in n) for n in notes] == [(True, False), (False, True)]


def test_steps_of_a_trace_that_are_no_numbers_are_left_out(whole):
    steps = (Progress(1, 1, -5.0, float("inf"), 0.0), Progress(1, 2, -5.1, -0.1, 0.0))
    data = report_document(replace(whole, jobs=(replace(whole.jobs[0], trace=steps),)))["data"]
    assert [(t["change"], t["tolerance"]) for t in data["traces"]] == [([-0.1], 0.001)]


def test_jobs_without_a_trace_are_named(whole):
    assert report_document(whole)["convergence"]["untraced"] == [job.path for job in whole.jobs]


@pytest.mark.parametrize("text", ["", "bias_mV\n1\n", "bias_mV,P_total_nA\n1,nan\n", "\x00"])
def test_damaged_curves_are_a_problem_and_no_error(demo, tmp_path, text):
    study = copied(demo, tmp_path / "run")
    (study.folder / "transport").mkdir()
    (study.folder / "transport" / "iv.csv").write_text(text)
    (curves,) = gather(study).transport
    assert "cannot be read as curves" in curves.problem


def test_curves_that_cannot_be_read_are_said_and_not_drawn(whole):
    document = report_document(replace(whole, transport=(Curves("iv", "t", {}, "is damaged"),)))
    assert document["transport"][0]["problem"] == "is damaged"
    assert document["data"]["transport"] == []
