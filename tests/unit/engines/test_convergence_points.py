"""Points and jobs of a convergence study."""

import pytest

from defectflow.engines import get_engine
from defectflow.engines.gpaw.density import DENSITY, parent_density
from defectflow.errors import RecipeError
from defectflow.inputs import plan_jobs
from defectflow.inputs.convergence import axis_points
from defectflow.resources import resource
from defectflow.schema import load_recipe
from defectflow.schema.convergence import Axis
from defectflow.schema.kinds import load_any

CUTOFFS = {"name": "cutoff", "key": "settings.cutoff", "values": ("340 eV", "500 eV"), "kind": "numerical"}


@pytest.fixture(scope="module")
def recipe():
    return load_any(resource("workflows", "mgo_carbon_convergence.toml"))


def points(recipe, **changes):
    return axis_points(recipe, Axis(**(CUTOFFS | changes)))


def test_points_of_equal_settings_share_a_folder(recipe):
    meshes = ({"mesh": (2, 2, 2), "centring": "shifted"},)
    folders = [points(recipe)[0].folder, points(recipe, key="settings.kpoints", values=meshes * 2)[0].folder]
    assert folders == ["base", "base"]


def test_no_calculation_is_planned_twice(recipe):
    engine = get_engine("gpaw")
    hashes = [engine.make_inputs(job).hash for job in plan_jobs(recipe)]
    assert len(set(hashes)) == len(hashes)


def test_the_base_point_has_the_inputs_of_the_base_recipe(recipe):
    engine = get_engine("gpaw")
    base = {engine.make_inputs(j).hash for j in plan_jobs(load_recipe(resource("workflows", "quick.toml")))}
    assert {engine.make_inputs(j).hash for j in plan_jobs(recipe) if j.path.startswith("base/")} <= base


def test_only_the_key_of_the_axis_changes(recipe):
    coarse, fine = (p.recipe.settings for p in points(recipe))
    assert fine == coarse.model_copy(update={"cutoff": 500.0})


def test_what_is_fixed_holds_for_all_points(recipe):
    fixed = {"host.lattice_constant": "4.21 A"}
    assert {p.recipe.host.lattice_constant for p in points(recipe, fixed=fixed)} == {4.21}


@pytest.mark.parametrize(
    "changes",
    [{"key": "settings.cutof"}, {"key": "nothing"}, {"values": ("340 Ry", "500 eV")}, {"values": ("a", "b")}],
)
def test_a_wrong_axis_is_named(recipe, changes):
    with pytest.raises(RecipeError, match="axes"):
        points(recipe, **changes)


def test_values_that_differ_late_have_folders_of_their_own(recipe):
    """Six digits were one folder: two points of a curve were one calculation."""
    close = ("4.2512341 A", "4.2512339 A")
    found = points(recipe, key="host.lattice_constant", values=close)
    assert len({p.folder for p in found}) == 2


@pytest.fixture(scope="module")
def relaxed():
    return load_any(resource("workflows", "pair4_diagonal_convergence.toml"))


def test_a_finer_mesh_of_the_energies_does_not_relax_again(relaxed):
    points = axis_points(relaxed, relaxed.axes[0])
    assert len({p.folder for p in points}) == 3
    assert {p.relax_folder for p in points} == {"base"}


def test_another_cutoff_relaxes_again(relaxed):
    assert [p.relax_folder for p in axis_points(relaxed, relaxed.axes[1])] == ["base", "cutoff=500"]


def test_every_energy_follows_a_relaxation_of_the_study(relaxed):
    jobs = {job.path: job for job in plan_jobs(relaxed)}
    after = {jobs[job.parent].stage for job in jobs.values() if job.stage == "static"}
    assert after == {"relax"}


def test_a_finer_mesh_begins_in_the_density_of_the_shared_relaxation(relaxed, tmp_path):
    """It was looked for beside the energies, where another point's relaxation does not lie."""
    job = next(j for j in plan_jobs(relaxed) if j.path.startswith("kpoints=6x6x6") and j.stage == "static")
    density = tmp_path / job.parent / DENSITY
    density.parent.mkdir(parents=True)
    density.touch()
    assert parent_density(job, tmp_path / job.path) == density
