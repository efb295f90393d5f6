"""From a recipe to jobs and to the texts an engine reads."""

import dataclasses
import json

import numpy as np
import pytest
import yaml

from defectflow.engines import engine_names, get_engine
from defectflow.engines.document import inputs_in, read_job
from defectflow.engines.gpaw.parameters import gpaw_parameters, kpts, occupations
from defectflow.engines.presets import load_preset
from defectflow.errors import InputError, RecipeError, StructureError
from defectflow.inputs import plan_jobs, resolve
from defectflow.resources import resource
from defectflow.schema import KMesh, Smearing, load_recipe


@pytest.fixture(scope="module")
def jobs():
    return plan_jobs(load_recipe(resource("workflows", "quick.toml")))


@pytest.fixture(scope="module")
def paper_jobs():
    return plan_jobs(load_recipe(resource("workflows", "mgo_carbon_pairs.toml")))


def test_the_quick_study_has_ten_states_and_the_host(jobs):
    assert [j.path for j in jobs[:3]] == ["bulk/static", "bulk/dos", "pairs/C_O-C_O_s1_d3.01/FM/static"]
    assert len(jobs) == 12


def test_parents_come_before_their_children(paper_jobs):
    seen = set()
    for job in paper_jobs:
        assert job.parent is None or job.parent in seen
        seen.add(job.path)


STARTS = ('moment = "2.0 muB"', 'moment = "2.0 muB"\nstarts = [{ kind = "off-centre", amplitude = "0.08 A" }]')
RELAXED = ('stages = ["static"]', 'stages = ["relax", "static"]')
FINER = ("kpoints = { mesh = [2, 2, 2]", "kpoints = { mesh = [6, 6, 6]")
COARSE = ("[dos]", '[relax]\nkpoints = { mesh = [1, 1, 1], centring = "gamma" }\n\n[dos]')


FOR_SOME = 'moment = "2.0 muB"\nstarts = [{{ kind = "symmetric"{} }}, {{ kind = "off-centre", amplitude = "0.08 A", pairs = [{}] }}]'


def test_a_start_may_be_for_some_pairs_alone(recipe_file):
    jobs = plan_jobs(load_recipe(recipe_file((STARTS[0], FOR_SOME.format("", "3, 4")))))
    assert {j.path.split("_")[3] for j in jobs if "off-centre" in j.path} == {"s3", "s4"}


def test_a_start_for_a_pair_that_the_study_does_not_have_is_refused(recipe_file):
    with pytest.raises(StructureError, match="a start is for pair 6, but this cell has 5 distinct pairs"):
        plan_jobs(load_recipe(recipe_file((STARTS[0], FOR_SOME.format("", 6)))))


def test_a_start_for_a_pair_that_is_not_selected_is_left_out(recipe_file):
    chosen = ('sublattice = "O"', 'sublattice = "O"\nselect = [1]')
    jobs = plan_jobs(load_recipe(recipe_file((STARTS[0], FOR_SOME.format("", 3)), chosen)))
    assert not [j.path for j in jobs if "off-centre" in j.path]


def test_a_seed_for_one_pair_leaves_the_symmetry_of_the_others(recipe_file):
    jobs = plan_jobs(load_recipe(recipe_file((STARTS[0], FOR_SOME.format("", 3)))))
    assert {j.path.split("_")[3] for j in jobs if not j.settings.symmetry} == {"s3"}


def test_a_pair_without_any_start_is_refused(recipe_file):
    with pytest.raises(StructureError, match="pair 2 has no start"):
        plan_jobs(load_recipe(recipe_file((STARTS[0], FOR_SOME.format(", pairs = [1]", "3, 4, 5")))))


def test_a_seeded_static_study_runs_without_symmetry(recipe_file):
    jobs = plan_jobs(load_recipe(recipe_file(STARTS)))
    assert {j.settings.symmetry for j in jobs if j.path.startswith("pairs/")} == {False}


def test_a_relaxation_keeps_the_symmetry_of_its_distorted_start(recipe_file):
    jobs = plan_jobs(load_recipe(recipe_file(STARTS, RELAXED)))
    assert {j.settings.symmetry for j in jobs} == {True}


def test_a_relaxation_may_have_a_coarser_mesh_than_its_energies(recipe_file):
    jobs = plan_jobs(load_recipe(recipe_file(RELAXED, COARSE)))
    assert {(j.stage, j.kpoints.mesh) for j in jobs if j.path.startswith("pairs/")} == {
        ("relax", (1, 1, 1)),
        ("static", (2, 2, 2)),
    }


def test_energies_on_a_finer_mesh_leave_a_relaxation_on_its_own_mesh_as_it_is(recipe_file):
    coarse = _first_pair_jobs(recipe_file(RELAXED, COARSE))
    fine = _first_pair_jobs(recipe_file(RELAXED, COARSE, FINER))
    assert [_hash(a) == _hash(b) for a, b in zip(coarse, fine, strict=True)] == [True, False]


def _first_pair_jobs(recipe):
    return [j for j in plan_jobs(load_recipe(recipe)) if "s1_" in j.path and "/FM/" in j.path]


def _hash(job):
    return get_engine("gpaw").make_inputs(job).hash


def test_a_mesh_for_a_relaxation_that_is_not_run_is_refused(recipe_file):
    with pytest.raises(RecipeError, match=r"relax.kpoints is given"):
        load_recipe(recipe_file(COARSE))


def test_a_broken_start_seeds_a_static_study_and_starts_a_relaxation(recipe_file, paper_jobs):
    rattle = '\nstarts = [{ kind = "rattle", amplitude = "0.05 A", seed = 1 }]'
    static = plan_jobs(load_recipe(recipe_file(('moment = "2.0 muB"', 'moment = "2.0 muB"' + rattle))))[2]
    relax = next(j for j in paper_jobs if j.path.endswith("FM.rattle-1-0.05/relax"))
    symmetric = next(j for j in paper_jobs if j.path.endswith("FM/relax"))
    assert static.seed_coords is not None
    assert relax.seed_coords is None
    assert not np.allclose(relax.cell.coords, symmetric.cell.coords)


def test_the_same_recipe_gives_the_same_bytes(jobs):
    engine = get_engine("gpaw")
    again = plan_jobs(load_recipe(resource("workflows", "quick.toml")))
    assert [engine.make_inputs(j) for j in jobs] == [engine.make_inputs(j) for j in again]


def test_different_jobs_have_different_hashes(jobs):
    hashes = {get_engine("gpaw").make_inputs(j).hash for j in jobs}
    assert len(hashes) == len(jobs)


@pytest.mark.parametrize(
    "change", [{"cutoff": 341.0}, {"energy_tolerance": 1e-4}, {"symmetry": False}, {"empty_bands": 20}]
)
def test_any_setting_changes_the_hash(jobs, change):
    other = dataclasses.replace(jobs[2], settings=jobs[2].settings.model_copy(update=change))
    engine = get_engine("gpaw")
    assert engine.make_inputs(other).hash != engine.make_inputs(jobs[2]).hash


def test_a_job_is_read_back_as_it_was_written(tmp_path, jobs):
    inputs = get_engine("gpaw").make_inputs(jobs[3])
    for name, text in inputs.files:
        (tmp_path / name).write_text(text)
    job, _ = read_job(tmp_path)
    assert inputs_in(tmp_path, "gpaw") == inputs
    assert np.allclose(job.cell.coords, jobs[3].cell.coords, atol=1e-9)
    assert (job.settings, job.kpoints, job.sites) == (jobs[3].settings, jobs[3].kpoints, jobs[3].sites)


def test_a_child_takes_geometry_and_signs_of_its_parent_but_not_its_small_moments(jobs, entries):
    parent, job = entries[1].result, jobs[3]
    flipped = dataclasses.replace(parent, site_moments=-parent.site_moments)
    child = resolve(job, flipped)
    assert np.array_equal(child.cell.coords, parent.cell.coords)
    assert np.array_equal(child.cell.moments, -job.cell.moments)


def test_bands_follow_from_the_electrons_and_not_from_the_moments(jobs):
    preset = load_preset("gpaw", "quick")
    fm, af = (gpaw_parameters(j, preset, 252)["nbands"] for j in jobs[2:4])
    assert fm == af == 126 + 14


def test_ediff_is_per_cell_and_gpaws_criterion_per_electron(jobs):
    convergence = gpaw_parameters(jobs[2], load_preset("gpaw", "quick"), 252)["convergence"]
    assert convergence["energy"] * 252 == pytest.approx(1e-3)


@pytest.mark.parametrize(
    ("mesh", "expected"),
    [
        (KMesh(mesh=(2, 2, 2), centring="shifted"), {"size": (2, 2, 2)}),
        (KMesh(mesh=(6, 6, 6), centring="gamma"), {"size": (6, 6, 6), "gamma": True}),
    ],
)
def test_meshes_in_gpaws_words(mesh, expected):
    assert kpts(mesh) == expected


def test_smearing_in_gpaws_words():
    assert occupations(Smearing(kind="gaussian", width=0.1)) == {"name": "methfessel-paxton", "width": 0.1, "order": 0}
    assert occupations(Smearing(kind="fermi-dirac", width=0.1)) == {"name": "fermi-dirac", "width": 0.1}


@pytest.mark.parametrize("profile", ["quick", "standard", "paper", "tight"])
def test_every_profile_has_all_that_the_engine_needs(profile):
    preset = load_preset("gpaw", profile)
    assert {"parameters", "convergence", "minimiser", "seed_steps"} <= set(preset)
    assert json.loads(json.dumps(preset)) == preset


def test_a_preset_refines_its_parent_key_by_key():
    quick, base = load_preset("gpaw", "quick"), yaml.safe_load(resource("templates", "gpaw/base.yaml").read_text())
    assert quick["parameters"] == base["parameters"]
    assert quick["convergence"]["density"] > base["convergence"]["density"]


def test_parents_in_a_circle_are_refused(monkeypatch, tmp_path):
    (tmp_path / "quick.yaml").write_text("parent: quick.yaml\n")
    monkeypatch.setattr("defectflow.engines.presets.resource", lambda kind, name: tmp_path / "quick.yaml")
    with pytest.raises(InputError, match="circle"):
        load_preset("gpaw", "quick")


def test_an_unknown_engine_is_refused_with_the_known_ones():
    with pytest.raises(InputError, match="known: gpaw, replay"):
        get_engine("vsap")
    assert {"gpaw", "replay"} <= set(engine_names())


def test_later_states_begin_in_the_geometry_of_the_first(recipe_file, entries):
    jobs = {j.path: j for j in plan_jobs(load_recipe(recipe_file(RELAXED)))}
    af = jobs["pairs/C_O-C_O_s1_d3.01/AF/relax"]
    assert af.after == "pairs/C_O-C_O_s1_d3.01/FM/relax"
    began = resolve(
        af, dataclasses.replace(entries[0].result, cell=entries[0].result.cell.with_coords(af.cell.coords + 0.01))
    )
    assert np.allclose(began.cell.coords, af.cell.coords + 0.01)
    assert np.array_equal(began.cell.moments, af.cell.moments)


def test_states_may_begin_on_their_ideal_sites(recipe_file):
    ideal = ("[dos]", '[relax]\nbegin = "ideal sites"\n\n[dos]')
    jobs = plan_jobs(load_recipe(recipe_file(RELAXED, ideal)))
    assert {j.after for j in jobs if j.stage == "relax"} == {None}
