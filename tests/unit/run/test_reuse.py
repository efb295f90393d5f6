"""Results of other run folders, taken over where the inputs are the same: real stored ones, nothing calculated."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from defectflow.engines import get_engine
from defectflow.errors import InputError
from defectflow.resources import resource
from defectflow.run import Study, open_study
from defectflow.run.reuse import PART, open_others, take_over
from defectflow.schema.jsonio import save_record

ROOT = Path(__file__).resolve().parents[3]
QUICK = resource("workflows", "quick.toml")
KEPT = ["job.json", "result.json", "result.npz"]
RATTLED = ROOT / "results" / "pair4_rattled"
FINER = ('centring = "shifted" }\nsmearing', 'centring = "gamma" }\nsmearing')
RELAX = ('begin = "ideal sites"', 'begin = "ideal sites"\nkpoints = { mesh = [2, 2, 2], centring = "shifted" }')


def taken(folder, recipe, *others):
    opened = open_others(others, "gpaw", folder)
    return take_over(Study.create(folder, recipe, "gpaw"), get_engine("gpaw"), opened)


def test_a_study_of_more_pairs_takes_over_those_of_another(tmp_path, demo, recipe_file):
    one = tmp_path / "one"
    taken(one, recipe_file(("[spin]", "select = [3]\n\n[spin]")), demo)
    found = taken(tmp_path / "all", QUICK, one)
    assert {path.split("/")[1] for path in found} == {"static", "dos", "C_O-C_O_s3_d5.21"}


def test_what_was_taken_over_is_done(tmp_path, demo):
    taken(tmp_path / "run", QUICK, demo)
    study = open_study(tmp_path / "run")
    assert {study.state(job.path).state for job in study.jobs} == {"done"}


def test_results_of_other_settings_are_not_taken(tmp_path, demo, recipe_file):
    assert not taken(tmp_path / "run", recipe_file(('cutoff = "340 eV"', 'cutoff = "350 eV"')), demo)


def test_a_damaged_result_is_not_taken(tmp_path, demo):
    shutil.copytree(demo, tmp_path / "other")
    (tmp_path / "other/bulk/static/result.json").write_text("{}")
    found = taken(tmp_path / "run", QUICK, tmp_path / "other")
    assert len(found) == 10  # ten states of pairs; the bands of the host follow from its damaged run


def test_what_lies_in_the_study_already_stays_as_it_is_and_is_said(tmp_path, demo):
    (tmp_path / "run/bulk/static").mkdir(parents=True)
    study = Study(tmp_path / "run", Study.load(QUICK))
    said = []
    take_over(study, get_engine("gpaw"), [open_study(demo)], said.append)
    assert not list((tmp_path / "run/bulk/static").iterdir())
    assert any("bulk/static: an attempt that did not end" in line for line in said)


def test_bands_in_a_density_of_other_inputs_are_not_taken(tmp_path, demo, recipe_file):
    """Their own inputs are the same to the byte; the density that they lie in is not."""
    coarse = recipe_file(("[bulk]\nkpoints = { mesh = [4, 4, 4]", "[bulk]\nkpoints = { mesh = [2, 2, 2]"))
    study = Study.create(tmp_path / "run", coarse, "gpaw")
    stored = open_study(demo).result("bulk/static")
    inputs = get_engine("gpaw").make_inputs(study.by_path["bulk/static"])
    save_record(replace(stored, input_hash=inputs.hash), _made(study.job_folder("bulk/static")) / "result.json")
    assert "bulk/dos" not in take_over(study, get_engine("gpaw"), [open_study(demo)])


def _made(folder):
    folder.mkdir(parents=True)
    return folder


def test_a_damaged_result_is_said_not_to_be_taken(tmp_path, demo):
    shutil.copytree(demo, tmp_path / "other")
    (tmp_path / "other/bulk/static/result.json").write_text("{}")
    said = []
    study = Study.create(tmp_path / "run", QUICK, "gpaw")
    take_over(study, get_engine("gpaw"), [open_study(tmp_path / "other")], said.append)
    assert f"not taken    {tmp_path}/other/bulk/static: its result" in said[0]


def test_what_is_no_file_of_a_job_is_left_behind(tmp_path, demo):
    shutil.copytree(demo, tmp_path / "other")
    (tmp_path / "other/bulk/static/loop").symlink_to(".")
    (tmp_path / "other/bulk/static/gone").symlink_to("nowhere")
    taken(tmp_path / "run", QUICK, tmp_path / "other")
    assert sorted(p.name for p in (tmp_path / "run/bulk/static").iterdir()) == KEPT


def test_the_copy_of_a_read_only_run_can_be_written(tmp_path, demo):
    shutil.copytree(demo, tmp_path / "other")
    for path in (tmp_path / "other").rglob("*"):
        path.chmod(0o555 if path.is_dir() else 0o444)
    taken(tmp_path / "run", QUICK, tmp_path / "other")
    assert all(p.stat().st_mode & 0o200 for p in (tmp_path / "run/bulk/static").rglob("*"))


def test_what_a_killed_copy_left_is_gone_after_the_next(tmp_path, demo):
    (tmp_path / "run" / PART).mkdir(parents=True)
    study = Study(tmp_path / "run", Study.load(QUICK))
    take_over(study, get_engine("gpaw"), [open_study(demo)])
    assert not (tmp_path / "run" / PART).exists()


def test_a_run_folder_inside_the_one_to_take_from_is_refused(tmp_path, demo):
    with pytest.raises(InputError, match="would lie inside"):
        open_others([demo], "gpaw", demo / "bulk" / "new")


def test_a_relaxation_without_its_density_is_not_taken_where_energies_are_still_to_run(tmp_path):
    assert not taken(tmp_path / "run", _finer(tmp_path), RATTLED)


def test_a_relaxation_with_its_density_is_taken_for_energies_on_a_finer_mesh(tmp_path):
    shutil.copytree(RATTLED, tmp_path / "other")
    for folder in (tmp_path / "other").rglob("relax"):
        (folder / "density.gpw").touch()  # stands for one; nothing is run here
    found = taken(tmp_path / "run", _finer(tmp_path), tmp_path / "other")
    assert [path.rsplit("/", 1)[1] for path in found] == ["relax", "relax"]


def test_a_relaxation_without_its_density_is_taken_with_its_energies(tmp_path):
    assert len(taken(tmp_path / "run", ROOT / "workflows/pair4_rattled.toml", RATTLED)) == 4


def test_results_of_another_engine_are_refused(tmp_path, demo):
    with pytest.raises(InputError, match="holds results of gpaw, not of vasp"):
        open_others([demo], "vasp", tmp_path)


def test_a_folder_that_is_no_run_is_refused_before_one_is_made(tmp_path, defectflow):
    done = defectflow("run", QUICK, "-o", tmp_path / "run", "--reuse", tmp_path)
    assert "is no run folder" in done.stderr
    assert not (tmp_path / "run").exists()


def _finer(folder):
    text = (ROOT / "workflows/pair4_rattled.toml").read_text()
    for old, new in (FINER, RELAX):
        assert old in text
        text = text.replace(old, new)
    path = folder / "finer.toml"
    path.write_text(text)
    return path
