"""Whole studies through custodian with the stand-in for VASP: good runs, faults in every stage, kills and resumes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from defectflow.formats.poscar import read_poscar
from defectflow.run import Study
from defectflow.run.collect import collect

pytestmark = pytest.mark.slow
PAIR = "pairs/C_O-C_O_s4_d6.01"


@pytest.fixture
def run(defectflow, stand_in, toy):
    """Run or go on with the toy study in a folder beside its recipe."""

    def call(fault: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        env = {**stand_in, "DEFECTFLOW_STANDIN_FAULT": fault, **environment}
        return defectflow("run", toy, "--engine", "vasp", "-o", toy.parent / "run", **env)

    return call


@pytest.fixture
def folder(toy):
    return toy.parent / "run"


def state(folder, job: str) -> dict:
    return json.loads((folder / PAIR / job / "job.json").read_text())["data"]


def energies(folder) -> dict[str, float]:
    return {e.name: e.result.e0 for e in collect(Study.open(folder)) if e.result}


WITH_DOS = Path(__file__).with_name("toy_with_dos.toml").read_text()


@pytest.fixture(scope="module")
def good(tmp_path_factory, stand_in):
    place = tmp_path_factory.mktemp("good")
    (place / "toy.toml").write_text(WITH_DOS)
    command = [sys.executable, "-m", "defectflow.cli.main", "run", "toy.toml", "--engine", "vasp", "-o", "run"]
    done = subprocess.run(
        command, cwd=place, env={**os.environ, **stand_in}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return place / "run"


def test_the_order_and_both_moments_come_back(good):
    fm, af = (e.result for e in collect(Study.open(good)))
    assert (fm.total_moment, af.total_moment) == (4.0, 0.0)
    assert fm.e0 < af.e0
    assert list(af.site_moments[-2:]) == [1.2, -1.2]


def test_every_result_says_that_it_is_of_the_stand_in(good):
    for entry in collect(Study.open(good)):
        assert "stand-in" in entry.result.code
        assert any("nothing was calculated" in w for w in entry.result.warnings)


def test_toy_numbers_are_not_compared_with_the_paper(good, defectflow):
    assert "Compared with" not in defectflow("compare", good).stdout


def test_the_static_run_has_the_relaxed_geometry(good):
    relaxed = read_poscar(good / PAIR / "AF" / "relax" / "CONTCAR")
    static = read_poscar(good / PAIR / "AF" / "static" / "POSCAR")
    assert static.coords == pytest.approx(relaxed.coords, abs=1e-8)


def test_the_outputs_of_vasp_stay(good):
    assert {"OUTCAR", "vasprun.xml", "CHGCAR", "LOCPOT"} <= {p.name for p in (good / PAIR / "AF" / "static").iterdir()}


def test_verify_and_parse_read_its_folders(good, defectflow):
    assert defectflow("verify", good).returncode == 0
    document = json.loads(defectflow("parse", good / PAIR / "AF" / "static", "--json").stdout)
    assert (document["total_moment"], document["converged_electronic"], document["converged_ionic"]) == (
        0.0,
        True,
        None,
    )


def test_all_five_d_orbitals_are_d(good, defectflow):
    assert all(e.result.projections.orbitals == ("s", "p", "d") for e in collect(Study.open(good)))
    done = defectflow("export", good, "--to", "dos", "-o", good.parent / "dos")
    assert done.returncode == 0, done.stderr


def test_a_potcar_never_stays(good):
    assert not list(good.rglob("POTCAR"))


def test_a_correction_that_changes_energies_is_taken_over_by_the_partner(run, folder, defectflow):
    done = run("zbrent@AF/relax")
    assert done.returncode == 0, done.stdout + done.stderr
    assert [c["tag"] for c in state(folder, "AF/relax")["corrections"] if c["changes_energy"]] == ["EDIFF"]
    incars = [p.read_text() for p in (folder / PAIR).rglob("INCAR")]
    assert len(incars) == 4
    assert all("EDIFF = 1e-07" in text for text in incars)
    assert "as a correction of a run of this pair asked for" in defectflow("compare", folder).stdout


def test_a_neutral_correction_is_recorded_and_nothing_else(run, folder):
    assert run("nelm@FM/static").returncode == 0
    assert {c["tag"]: c["changes_energy"] for c in state(folder, "FM/static")["corrections"]} == {"ALGO": False}
    assert "ALGO = Normal" in (folder / PAIR / "AF" / "static" / "INCAR").read_text()


@pytest.mark.parametrize("job", ["AF/relax", "FM/static"])
def test_a_killed_run_fails_alone_and_is_run_again(run, folder, good, job):
    """In the relaxation it leaves an empty CONTCAR, which must not be gone on from (custodian#37, atomate2#152)."""
    first = run(f"killed@{job}")
    assert first.returncode == 1
    assert "return code is 137" in first.stdout
    assert run().returncode == 0
    assert energies(folder) == energies(good)


@pytest.mark.parametrize("fault", ["cut@AF/relax", "silent@AF/dos"])
def test_outputs_that_end_early_are_never_believed(run, toy, folder, fault):
    toy.write_text(WITH_DOS)
    done = run(fault)
    assert done.returncode == 1
    assert "cut off" in done.stdout
    assert not (folder / PAIR / fault.split("@")[1] / "result.json").exists()


def test_a_flipped_moment_is_no_af_state(run):
    done = run("flip@AF/static")
    assert "no run came out AF" in done.stdout


def test_a_run_that_hangs_is_ended(run):
    done = run("hang@FM/relax", DEFECTFLOW_VASP_FROZEN="3")
    assert "FrozenJobErrorHandler" in done.stdout


def test_ions_that_are_not_converged_go_on_from_contcar(run, folder, good):
    assert run("ions@AF/relax").returncode == 0
    assert energies(folder) == pytest.approx(energies(good), abs=1e-4)


def test_a_run_stops_before_the_walltime_and_goes_on_from_there(run, folder, good):
    end = str(time.time() + 25)
    first = run(DEFECTFLOW_END_TIME=end, DEFECTFLOW_VASP_MARGIN="8", DEFECTFLOW_STANDIN_STEP="1.0")
    assert "stopped before the walltime ended" in first.stdout
    assert run().returncode == 0
    assert energies(folder) == pytest.approx(energies(good), abs=1e-4)


def test_nothing_is_started_when_the_walltime_is_about_to_end(run, folder):
    done = run(DEFECTFLOW_END_TIME=str(time.time() + 100))
    assert "not started: the walltime ends" in done.stdout
    assert not list(folder.rglob("OUTCAR"))


def test_the_density_is_there_for_every_attempt(run, folder):
    """Some of custodian's handlers delete CHGCAR; the run would start from atoms and find another minimum."""
    static = folder / PAIR / "AF" / "static"
    assert run("edddav@AF/static").returncode == 0
    assert "_file_delete" in (static / "custodian.json").read_text()
    assert "initial charge density: CHGCAR" in (static / "vasp.out").read_text()  # of the last attempt


def test_what_a_failed_run_tried_is_not_imposed_on_its_partner(run, folder):
    run("posmap!@AF/relax")
    assert "SYMPREC" not in (folder / PAIR / "FM" / "relax" / "INCAR").read_text()


def test_a_state_does_not_begin_in_the_geometry_of_a_failed_one(run, folder, defectflow):
    run("posmap!@FM/relax")
    jobs = json.loads(defectflow("status", folder, "--json").stdout)["jobs"]
    assert {j["path"].split("/", 2)[2]: j["state"] for j in jobs}["AF/relax"] == "blocked"


def test_a_killed_driver_leaves_no_vasp_behind_and_the_study_goes_on(toy, folder, stand_in, run, good):
    command = [sys.executable, "-m", "defectflow.cli.main", "run", str(toy), "--engine", "vasp", "-o", str(folder)]
    env = {**os.environ, **stand_in, "DEFECTFLOW_STANDIN_STEP": "5"}
    driver = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    outcars = lambda: list(folder.rglob("OUTCAR"))  # noqa: E731
    deadline = time.monotonic() + 60
    while not outcars() and time.monotonic() < deadline:
        time.sleep(0.1)
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    time.sleep(2)
    left = subprocess.run(["pgrep", "-f", str(folder)], capture_output=True, text=True, check=False).stdout
    assert not left
    assert run().returncode == 0
    assert energies(folder) == energies(good)


def test_no_binary_says_how_to_name_one(defectflow, toy, tmp_path):
    done = defectflow("run", toy, "--engine", "vasp", "-o", tmp_path / "run", DEFECTFLOW_VASP_CMD="no_such_vasp")
    assert done.returncode == 2
    assert "export DEFECTFLOW_VASP_CMD" in done.stderr
    assert not (tmp_path / "run").exists()
