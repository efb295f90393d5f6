"""The real GPAW, on an eight-atom cell and coarse settings: small enough for every run of the tests."""

import json
import os
import random
import runpy
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest

from defectflow.analyse.alignment import band_edges, host_vbm
from defectflow.engines import get_engine
from defectflow.executors import LocalExecutor, Task, run_task
from defectflow.inputs import plan_jobs
from defectflow.resources import resource
from defectflow.run import RunOptions, Study, run_study
from defectflow.schema import Cell, load_recipe

pytestmark = [pytest.mark.gpaw, pytest.mark.slow]
ENGINE = get_engine("gpaw")
SMALL = (
    ("matrix = [2, 2, 2]", "matrix = [1, 1, 1]"),
    ("340 eV", "250 eV"),
    ("mesh = [4, 4, 4]", "mesh = [2, 2, 2]"),
    ('"1e-3 eV"', '"1e-4 eV"'),
)


@pytest.fixture(scope="module")
def recipes(tmp_path_factory):
    """Small recipes made from the quick one."""

    def write(*changes):
        text = resource("workflows", "quick.toml").read_text()
        for old, new in (*SMALL, *changes):
            assert old in text, old
            text = text.replace(old, new)
        path = tmp_path_factory.mktemp("recipe") / "small.toml"
        path.write_text(text)
        return path

    return write


def run(recipe, folder):
    study = Study.create(folder, recipe, "gpaw")
    with LocalExecutor(2) as executor:
        return study, run_study(study, ENGINE, executor, RunOptions(poll=0.2))


@pytest.fixture(scope="module")
def small(recipes, tmp_path_factory):
    return run(recipes(), tmp_path_factory.mktemp("small") / "run")


def prepared(job, folder):
    folder.mkdir(parents=True)
    inputs = ENGINE.make_inputs(job)
    for name, text in inputs.files:
        (folder / name).write_text(text)
    return inputs


def calculate(job, folder, ranks=1):
    inputs = prepared(job, folder)
    ended = run_task(Task(tuple(ENGINE.command(folder, ranks)), folder))
    assert ended.status == 0, (folder / "worker.log").read_text()
    return ENGINE.read(folder, inputs)


def test_a_small_study_runs_and_its_states_are_what_was_asked_for(small):
    study, states = small
    assert set(states.values()) == {"done"}
    fm, af = (study.result(f"pairs/C_O-C_O_s1_d3.01/{s}/static") for s in ("FM", "AF"))
    assert abs(af.total_moment) < 0.05
    assert np.sign(af.site_moments[-2:]).tolist() == [1, -1]
    assert (fm.site_moments[-2:] > 0).all()
    assert fm.eigenvalues.shape[2] == af.eigenvalues.shape[2]


def test_a_result_says_what_was_used(small):
    result = small[0].result("bulk/static")
    assert (result.code, result.settings.cutoff, result.kpoints.mesh) == ("GPAW", 250.0, (2, 2, 2))
    assert result.potentials["Mg"].startswith("Mg.2.PBE")
    assert result.n_electrons == 8
    assert result.k_weights.sum() == pytest.approx(1)


def test_the_dos_stage_keeps_density_fermi_level_and_energy_of_its_parent(small):
    static, dos = (small[0].result(f"bulk/{stage}") for stage in ("static", "dos"))
    assert (dos.e0, dos.fermi.tolist()) == (pytest.approx(static.e0, abs=1e-6), pytest.approx(static.fermi.tolist()))
    assert [0, 0, 0] in dos.k_coords.round(6).tolist()
    assert [0, 0, 0] not in static.k_coords.round(6).tolist()


def test_the_host_in_another_cell_has_the_same_vbm_by_site_potentials(recipes, small, tmp_path):
    """The conventional cell on the mesh that is the primitive cell's own, folded: alignment must give zero."""
    bulk = small[0].result("bulk/dos")
    jobs = {j.path: j for j in plan_jobs(load_recipe(recipes()))}
    cube = Cell.from_pymatgen(jobs["bulk/static"].cell.to_pymatgen().to_conventional())
    static = calculate(replace(jobs["bulk/static"], cell=cube, sites=(4,)), tmp_path / "bulk" / "static")
    aligned = host_vbm(static, tuple(i for i, s in enumerate(cube.species) if s == "O"), bulk)
    gamma = calculate(replace(jobs["bulk/dos"], cell=cube, sites=(4,)), tmp_path / "bulk" / "dos")
    assert aligned.energy == pytest.approx(band_edges(gamma).vbm, abs=0.05)


def test_mgo_at_a_converged_cutoff_has_the_gap_of_pbe(recipes, tmp_path):
    """PBE gap of MgO: 4.4 to 4.8 eV in the literature."""
    jobs = {j.path: j for j in plan_jobs(load_recipe(recipes()))}
    for path in ("bulk/static", "bulk/dos"):
        settings = jobs[path].settings.model_copy(update={"cutoff": 600.0})
        result = calculate(replace(jobs[path], settings=settings), tmp_path / path)
    assert 4.4 < band_edges(result).gap < 4.8


def test_projections_of_equivalent_atoms_are_equal(small):
    fm = small[0].result("pairs/C_O-C_O_s1_d3.01/FM/static")
    first, second = (fm.projections.weights[..., n, :] for n in (0, 1))
    assert np.allclose(first, second, atol=1e-4)


def _has_mpi():
    done = subprocess.run([sys.executable, "-m", "gpaw", "info"], capture_output=True, text=True, check=False)
    return shutil.which("mpiexec") is not None and any("MPI" in x and "yes" in x for x in done.stdout.splitlines())


@pytest.mark.skipif(not _has_mpi(), reason="GPAW was built without MPI here, or there is no mpiexec")
def test_two_mpi_ranks_give_the_same_numbers(small, tmp_path, monkeypatch):
    # CI runs as root in a container, where Open MPI wants to be told twice.
    monkeypatch.setenv("OMPI_ALLOW_RUN_AS_ROOT", "1")
    monkeypatch.setenv("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1")
    study = small[0]
    job = next(j for j in study.jobs if j.path == "bulk/static")
    one, two = study.result("bulk/static"), calculate(job, tmp_path / "two", ranks=2)
    assert two.e0 == pytest.approx(one.e0, abs=1e-5)
    assert two.eigenvalues == pytest.approx(one.eigenvalues, abs=1e-4)
    assert two.projections.weights == pytest.approx(one.projections.weights, abs=1e-3)


RELAX = (
    ('stages = ["static"]', 'stages = ["relax", "static"]'),
    ('["FM", "AF"]', '["FM"]'),
    ('"0.05 eV/A"', '"0.15 eV/A"'),
    ('moment = "2.0 muB"', 'moment = "2.0 muB"\nstarts = [{ kind = "off-centre", amplitude = "0.05 A" }]'),
)


def test_a_relaxation_that_is_killed_goes_on_from_its_last_geometry(recipes, tmp_path):
    folder = tmp_path / "run"
    study = Study.create(folder, recipes(*RELAX), "gpaw")
    place = folder / "pairs/C_O-C_O_s1_d3.01/FM.off-centre-0.05/relax"
    driver = subprocess.Popen(
        [sys.executable, "-m", "defectflow.cli.main", "resume", str(folder)], stdout=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 240
    while not (place / "relax.json").is_file() and time.monotonic() < deadline:
        time.sleep(0.05)
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    reached = json.loads((place / "relax.json").read_text())
    study, states = run(folder / "study.toml", folder)
    assert set(states.values()) == {"done"}
    relaxed = study.result("pairs/C_O-C_O_s1_d3.01/FM.off-centre-0.05/relax")
    first = (place / "gpaw.txt").read_text().split("Unit cell")[0]
    assert relaxed.convergence.ionic
    assert f"{reached['coords'][-1][0] * 4.25 % 4.25:.4f}"[:5] in first
    assert study.state("pairs/C_O-C_O_s1_d3.01/FM.off-centre-0.05/relax").attempts == 2
    static = study.result("pairs/C_O-C_O_s1_d3.01/FM.off-centre-0.05/static")
    assert np.allclose(static.cell.coords, relaxed.cell.coords, atol=1e-9)
    assert static.e0 == pytest.approx(relaxed.e0, abs=1e-3)


def test_killed_at_random_moments_the_real_engine_ends_with_the_same_numbers(recipes, small, tmp_path):
    folder, chance, done_before = tmp_path / "run", random.Random(8), {}
    Study.create(folder, recipes(), "gpaw")
    for _ in range(8):
        driver = subprocess.Popen(
            [sys.executable, "-m", "defectflow.cli.main", "resume", str(folder)], stdout=subprocess.DEVNULL
        )
        time.sleep(chance.uniform(2, 7))
        driver.kill()
        driver.wait()
        for path in folder.rglob("result.json"):
            made = path.stat().st_mtime_ns
            assert done_before.setdefault(path, made) == made, f"{path} was made again"
    study, states = run(folder / "study.toml", folder)
    assert set(states.values()) == {"done"}
    for job in study.jobs:
        assert study.result(job.path).e0 == pytest.approx(small[0].result(job.path).e0, abs=1e-6)


def test_one_carbon_carries_two_bohr_magnetons(recipes, tmp_path):
    """In a 2x1x1 cell of 16 atoms: small, but the C are 4 A apart at least."""
    script = runpy.run_path(str(resource("workflows", "single_dopant.py")))
    recipe = load_recipe(recipes(("matrix = [1, 1, 1]", "matrix = [2, 1, 1]")))
    result = script["calculate"](script["single_dopant"](recipe), tmp_path / "single")
    assert result.converged
    assert result.total_moment == pytest.approx(2.0, abs=0.1)


def test_a_broken_start_seeds_a_static_run_and_leaves_the_geometry(recipes, small, tmp_path):
    rattle = ('moment = "2.0 muB"', 'moment = "2.0 muB"\nstarts = [{ kind = "rattle", amplitude = "0.1 A", seed = 3 }]')
    job = next(j for j in plan_jobs(load_recipe(recipes(rattle))) if j.path.endswith("FM.rattle-3-0.1/static"))
    seeded = calculate(job, tmp_path / "seeded")
    symmetric = small[0].result("pairs/C_O-C_O_s1_d3.01/FM/static")
    assert np.allclose(seeded.cell.coords, symmetric.cell.coords, atol=1e-9)
    assert seeded.e0 < symmetric.e0 + 1e-3


def test_an_scf_that_does_not_converge_fails_with_its_last_change(recipes, tmp_path):
    job = plan_jobs(load_recipe(recipes()))[0]
    job = replace(job, settings=job.settings.model_copy(update={"max_scf_steps": 5, "energy_tolerance": 1e-9}))
    prepared(job, tmp_path / "job")
    ended = run_task(Task(tuple(ENGINE.command(tmp_path / "job", 1)), tmp_path / "job"))
    error = json.loads((tmp_path / "job" / "error.json").read_text())
    assert ended.status == 1
    assert (error["kind"], "5 SCF steps" in error["what"]) == ("NotConvergedError", True)


def test_the_workers_environment_has_one_thread(monkeypatch, tmp_path):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    script = "import os; print(os.environ['OMP_NUM_THREADS'])"
    run_task(Task((sys.executable, "-c", script), tmp_path))
    assert (tmp_path / "worker.log").read_text().strip() == "1"
    assert "OMP_NUM_THREADS" not in os.environ


@pytest.mark.parametrize("ranks", [1, pytest.param(2, marks=pytest.mark.skipif(not _has_mpi(), reason="no MPI"))])
def test_an_scf_that_was_stopped_before_its_walltime_goes_on_from_its_density(
    recipes, small, tmp_path, monkeypatch, ranks
):
    monkeypatch.setenv("OMPI_ALLOW_RUN_AS_ROOT", "1")
    monkeypatch.setenv("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1")
    job = next(j for j in plan_jobs(load_recipe(recipes())) if j.path.endswith("AF/static"))
    folder = tmp_path / "job"
    inputs = prepared(job, folder)
    task = Task(tuple(ENGINE.command(folder, ranks)), folder)
    monkeypatch.setenv("DEFECTFLOW_MARGIN", "1000")
    monkeypatch.setenv("DEFECTFLOW_END_TIME", str(time.time() + 1))  # over after the first SCF step
    assert run_task(task).status == 1
    assert json.loads((folder / "error.json").read_text())["kind"] == "WalltimeError"
    monkeypatch.delenv("DEFECTFLOW_END_TIME")
    assert run_task(task).status == 0, (folder / "worker.log").read_text()
    result, whole = ENGINE.read(folder, inputs), small[0].result(job.path)
    assert result.e0 == pytest.approx(whole.e0, abs=2e-4)
    assert np.sign(result.site_moments[-2:]).tolist() == np.sign(whole.site_moments[-2:]).tolist()
    assert "went on from the density" in result.warnings[-1]
