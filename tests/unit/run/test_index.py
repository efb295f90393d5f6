"""The index of states: whatever is wrong with it, the jobs themselves are asked then."""

import json

import pytest

from defectflow.run.index import INDEX, add_to_index, read_index, write_index

ROWS = [{"path": "a", "state": "waiting"}, {"path": "b", "state": "done", "seconds": 2.0}]


@pytest.fixture
def folder(tmp_path):
    write_index(tmp_path, ROWS)
    return tmp_path


def test_the_last_line_of_a_job_counts(folder):
    add_to_index(folder, {"path": "a", "state": "failed"})
    assert read_index(folder)["a"]["state"] == "failed"


def test_no_index_is_made_by_a_change(tmp_path):
    add_to_index(tmp_path, ROWS[0])
    assert not (tmp_path / INDEX).exists()


def test_a_half_written_line_is_passed_over(folder):
    with (folder / INDEX).open("a") as file:
        file.write('{"path": "a", "sta')
    assert read_index(folder) == {row["path"]: row for row in ROWS}


def test_an_index_that_lost_a_job_is_not_believed(folder):
    lines = (folder / INDEX).read_text().splitlines(keepends=True)
    (folder / INDEX).write_text("".join(lines[:2]))
    assert read_index(folder) == {}


@pytest.mark.parametrize(
    "line",
    [
        {"path": "a"},
        {"path": None, "state": None},
        {"path": 5, "state": 5},
        {"path": "a", "state": ["x"]},
        {"path": "a", "state": "done", "core_seconds": None},
        {"path": "a", "state": "done", "core_seconds": float("nan")},
        {"path": "a", "state": "done", "lost": 3},
        ["a"],
    ],
)
def test_a_damaged_line_is_passed_over(folder, line):
    add_to_index(folder, line)
    assert read_index(folder) == {row["path"]: row for row in ROWS}


def test_a_path_that_is_no_job_makes_the_index_unbelieved(folder):
    add_to_index(folder, {"path": "../../../etc/passwd", "state": "done"})
    assert read_index(folder) == {}


def test_ten_thousand_jobs_are_one_file(tmp_path):
    write_index(tmp_path, ({"path": f"pairs/{n}", "state": "done"} for n in range(10_000)))
    assert len(read_index(tmp_path)) == 10_000
    assert json.loads((tmp_path / INDEX).read_text().split("\n", 1)[0]) == {"jobs": 10_000}
