"""``reproduce`` where nothing is run; real runs are in tests/engines."""

import dataclasses

from defectflow.pipeline.reproduce import Reproduced, chain


def test_a_job_comes_with_those_it_follows(demo_study):
    assert [job.path for job in chain(demo_study, "bulk/dos")] == ["bulk/static", "bulk/dos"]


def test_an_unknown_job_is_named(defectflow, demo, tmp_path):
    done = defectflow("reproduce", demo, "bulk/nothing", "-o", tmp_path / "out")
    assert done.returncode == 2
    assert 'has no job "bulk/nothing"' in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_folder_that_holds_something_is_left_alone(defectflow, demo, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    done = defectflow("reproduce", demo, "bulk/static", "-o", tmp_path)
    assert done.returncode == 2
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]


SAME = Reproduced("job", -10.0, -10.001, 0.002, (4.0, -4.0))


def test_a_moment_may_come_out_reversed():
    assert SAME.agrees


def test_another_energy_or_moment_differs():
    assert not dataclasses.replace(SAME, again=-10.1).agrees
    assert not dataclasses.replace(SAME, moments=(4.0, 0.0)).agrees
