"""Corrections that energies of one pair share."""

from dataclasses import replace

import pytest

from defectflow.demo import demo_folder
from defectflow.resources import resource
from defectflow.run import ConvergenceStudy, Study
from defectflow.run.corrections import group, with_overrides


def test_what_a_job_came_with_stays():
    study = Study.open(demo_folder())
    job = replace(study.jobs[0], overrides=(("SYMPREC", "1e-08"),))
    assert with_overrides(study, job).overrides == (("SYMPREC", "1e-08"),)


@pytest.fixture(scope="module")
def relaxed(tmp_path_factory):
    recipe = resource("workflows", "pair4_diagonal_convergence.toml")
    return ConvergenceStudy.create(tmp_path_factory.mktemp("study") / "run", recipe, "vasp")


def test_energies_that_begin_in_one_relaxation_share_corrections(relaxed):
    relaxation = next(job.path for job in relaxed.jobs if job.stage == "relax")
    meshes = {path.split("/")[0] for path in group(relaxed, relaxation)}
    assert meshes == {"base", "kpoints=2x2x2-shifted", "kpoints=6x6x6-shifted"}


def test_energies_of_relaxations_of_their_own_do_not(relaxed):
    finer = next(job.path for job in relaxed.jobs if job.path.startswith("cutoff=500"))
    assert {path.split("/")[0] for path in group(relaxed, finer)} == {"cutoff=500"}
