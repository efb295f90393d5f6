"""``transport`` and ``iv``: JSON keys, exit status, messages. In this process, for speed; the page runs them in their own."""

import csv
import json
import shutil
import sys
from typing import NamedTuple

import numpy as np
import pytest

from defectflow.resources import resource

PAPER = resource("workflows", "paper_chain.toml").read_text()


class Done(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def call(monkeypatch, capsys):
    from defectflow.cli.main import main

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["defectflow", *map(str, words)])
        with pytest.raises(SystemExit) as end:
            main()
        return Done(end.value.code or 0, *capsys.readouterr())

    return run


@pytest.fixture(scope="module")
def run_folder(demo, tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo") / "run"
    shutil.copytree(demo, folder)
    return folder


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """The paper's curves as a table."""
    from defectflow.export.tables import to_csv
    from defectflow.export.transport import curve_rows
    from defectflow.schema.chain import paper_chain
    from defectflow.transport.model import solve_chain

    path = tmp_path_factory.mktemp("made") / "iv.csv"
    path.write_text(to_csv(curve_rows(solve_chain(paper_chain(), np.linspace(-10, 10, 41)))))
    return path


def test_iv_json_has_the_keys_that_others_build_on(call):
    done = call("transport", "iv", "--parameters", "paper", "--bias=-10:10:401", "--json")
    document = json.loads(done.out)
    for alignment in ("P", "AP"):
        lengths = {k: len(document[alignment][k]) for k in ("bias_mV", "up_nA", "down_nA", "total_nA")}
        assert set(lengths.values()) == {401}
    assert (len(document["tmr"]), done.code) == (401, 0)


def test_one_bias_gives_lists_of_one(call):
    document = json.loads(call("transport", "iv", "--bias", "0", "--json").out)
    assert document["P"]["total_nA"] == [pytest.approx(-1.04, abs=0.006)]
    assert document["tmr"] == [pytest.approx(document["P"]["total_nA"][0] / document["AP"]["total_nA"][0] - 1)]


def test_a_tmr_that_does_not_exist_is_null(call, tmp_path):
    path = tmp_path / "off.toml"
    path.write_text(PAPER.replace('sp = "8.4 meV"', 'sp = "0 meV"'))
    assert json.loads(call("transport", "iv", "--parameters", path, "--bias", "0", "--json").out)["tmr"] == [None]


def test_from_dft_to_a_figure_in_one_command(call, run_folder, tmp_path):
    done = call("transport", "iv", run_folder, "--pair", "4", "-o", tmp_path / "out")
    names = {p.name for p in (tmp_path / "out").iterdir()}
    assert names == {"handoff.json", "handoff.csv", "iv.csv", "iv_levels.csv", "iv.pdf", "iv.svg"}
    assert (done.code, "no level conducts" in done.out) == (0, True)


def test_a_hand_off_file_gives_the_currents_of_its_run(call, run_folder, tmp_path):
    path = tmp_path / "h.json"
    assert call("transport", "export", run_folder, "--pair", "4", "-o", path).code == 0
    first = json.loads(call("transport", "iv", "--parameters", path, "--bias", "1", "--json").out)
    second = json.loads(call("transport", "iv", run_folder, "--pair", "4", "--bias", "1", "--json").out)
    assert (first["P"], first["AP"]) == (second["P"], second["AP"])


def test_export_json_is_the_file(call, run_folder, tmp_path):
    done = call("transport", "export", run_folder, "--pair", "4", "-o", tmp_path / "h.json", "--json")
    assert json.loads(done.out)["handoff"] == json.loads((tmp_path / "h.json").read_text())


def test_the_numbers_beside_a_figure_are_those_of_the_json(call, tmp_path):
    done = call("transport", "iv", "--bias=-5:5:11", "-o", tmp_path / "o", "--json")
    rows = list(csv.DictReader((tmp_path / "o" / "iv.csv").read_text().splitlines()))
    assert [float(r["AP_total_nA"]) for r in rows] == json.loads(done.out)["AP"]["total_nA"]


def test_exchange_reports_its_spins(call, tmp_path):
    path = tmp_path / "v.toml"
    path.write_text(PAPER.replace('v = "0 meV"', 'v = "5 meV"'))
    done = call("transport", "iv", "--parameters", path, "--bias=-5:5:3", "--json")
    document = json.loads(done.out)
    assert {"S1z", "S2z", "heisenberg_meV", "ising_meV", "dm_meV"} <= set(document["P"])
    assert (document["spins"]["open"], done.code) == ([], 0)


def test_spins_that_did_not_converge_are_status_1(call, tmp_path, monkeypatch):
    monkeypatch.setattr("defectflow.transport.spins.STEPS", 1)
    (tmp_path / "v.toml").write_text(PAPER.replace('v = "0 meV"', 'v = "5 meV"'))
    done = call("transport", "iv", "--parameters", tmp_path / "v.toml", "--bias=-5:5:3")
    assert (done.code, "NOT converged at 6 biases" in done.out) == (1, True)


def test_a_fit_finds_what_made_the_curves(call, measured):
    done = call("transport", "fit", measured, "--vary", "sp=0:20", "--vary", "t2", "--json")
    found = {p["name"]: p["value"] for p in json.loads(done.out)["parameters"]}
    assert (found, done.code) == ({"sp": pytest.approx(8.4), "t2": pytest.approx(1.0)}, 0)


def test_a_scan_writes_its_rows(call, tmp_path):
    path = tmp_path / "scan.csv"
    done = call("transport", "scan", "--vary", "sp=0:10:3", "--bias=-2:2:5", "--jobs", 1, "-o", path, "--json")
    assert [float(r["sp"]) for r in csv.DictReader(path.read_text().splitlines())] == [0.0, 5.0, 10.0]
    assert len(json.loads(done.out)["rows"]) == 3


def test_scans_on_several_cores_give_the_rows_in_order(defectflow):
    words = ("transport", "scan", "--vary", "sp=0:10:40", "--bias=-2:2:3", "--json")
    one, two = (json.loads(defectflow(*words, "--jobs", n).stdout)["rows"] for n in (1, 2))
    assert one == two


def test_sensitivities_are_a_row_per_parameter(call):
    rows = json.loads(call("transport", "scan", "--bias=-2:2:3", "--json").out)["rows"]
    assert {"sp", "gamma", "parallel.e0", "t1"} <= {r["parameter"] for r in rows}


def test_analysis_of_computed_curves(call, measured):
    done = call("iv", "analyse", measured, "--pitch", 90, "--json")
    document = json.loads(done.out)
    assert document["opposite_mV"][0] == pytest.approx([-1.06, 1.09], abs=0.02)
    assert document["output"]["P"]["density_W_per_cm2"] == pytest.approx(
        document["output"]["P"]["power_pW"] / 81, rel=1e-9
    )


def test_analysis_in_words(call, measured):
    text = call("iv", "analyse", measured).out
    assert "opposite signs (TMR < -100 %)" in text
    assert "TMR diverges there" in text


def test_init_says_what_to_do_with_a_parameter_file(call, tmp_path):
    done = call("init", tmp_path / "mine.toml", "--from", "paper_chain")
    assert "transport iv --parameters" in done.out


def test_nothing_is_overwritten_without_force(call, tmp_path):
    (tmp_path / "iv.csv").write_text("mine")
    assert call("transport", "iv", "--bias=-1:1:3", "-o", tmp_path).code == 2
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("iv.csv", "mine")]
    assert call("transport", "iv", "--bias=-1:1:3", "-o", tmp_path, "--force").code == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("iv", "--bias=x"), "is no grid"),
        (("iv", "--bias=nan"), "is no grid"),
        (("iv", "--bias=1:0:5"), "FIRST is less than LAST"),
        (("iv", "--bias=0:1:1000000"), "from 2 to 20001"),
        (("iv", "--bias=0:1:2.5"), "whole number"),
        (("iv", "--bias=0:1e9:5"), "none beyond"),
        (("iv", "--bias=0:1"), "is no grid"),
        (("iv", "--parameters", "nowhere.toml"), "no such recipe"),
        (("iv", "--parameters", "nowhere.json"), "cannot be read"),
        (("iv", "--parameters", "/dev/null"), "missing"),
        (("iv", "nowhere", "--pair", "4"), "nowhere"),
        (("iv", "nowhere"), "go together"),
        (("iv", "--leads", "mine.toml"), "goes with a hand-off"),
        (("iv", "--state", "AF"), "go with RUN"),
        (("iv", "--reference", "vbm"), "go with RUN"),
        (("iv", "--pair", "4"), "go together"),
        (("export", "nowhere", "--pair", "4", "-o", "x.json"), "nowhere"),
        (("export", "nowhere", "--pair", "4", "-o", "x.csv"), "end it in .json"),
        (("fit", "nowhere.csv", "--vary", "sp"), "cannot be read"),
        (("fit", "/dev/null", "--vary", "sp=1"), "expected LOW:HIGH"),
        (("fit", "/dev/null", "--vary", "sp"), "has no column"),
        (("scan", "--vary", "spp=0:1:3"), 'no parameter "spp"'),
        (("scan", "--vary", "gamma=-1:1:3"), "gamma"),
        (("scan", "--vary", "sp=0:1:20000", "--vary", "SP=0:1:20000"), "too many"),
        (("scan", "--vary", "sp"), "is no grid"),
        (("scan", "--vary", "sp=0:20:2", "--vary", "sp=5:9:2"), "this name is given twice"),
        (("fit", "/dev/null", "--vary", "sp", "--vary", "sp=0:1"), "this name is given twice"),
        (("fit", "/dev/null", "--vary", "sp=20:0"), "LOW is less than HIGH"),
    ],
)
def test_wrong_use_is_status_2_and_says_why(call, tmp_path, monkeypatch, words, said):
    monkeypatch.chdir(tmp_path)
    done = call("transport", *words)
    assert (done.code, said in done.err) == (2, True), done.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "said"), [(("--pair", "9"), 'no pair "9"'), (("--pair", "4", "--state", "XX"), "no spin order")]
)
def test_export_says_what_is_wrong(call, run_folder, tmp_path, words, said):
    done = call("transport", "export", run_folder, *words, "-o", tmp_path / "h.json")
    assert (done.code, said in done.err, list(tmp_path.iterdir())) == (2, True, [])


@pytest.mark.parametrize(
    ("words", "said"),
    [(("--window", "4"), "odd number"), (("--pitch", "0"), "pitch"), (("--window", "99"), "odd number")],
)
def test_analysis_says_what_is_wrong(call, measured, words, said):
    done = call("iv", "analyse", measured, *words)
    assert (done.code, said in done.err) == (2, True)
