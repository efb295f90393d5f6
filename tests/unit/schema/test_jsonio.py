import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from defectflow.errors import ParseError
from defectflow.schema import CalcResult, Cell, Correction, JobState
from defectflow.schema.jsonio import load_record, save_record, write_atomic

finite = st.floats(allow_nan=False, allow_infinity=False)


@given(coords=arrays(float, (3, 3), elements=finite), moments=arrays(float, 3, elements=finite))
def test_arrays_come_back_to_the_last_bit(tmp_path_factory, coords, moments):
    path = tmp_path_factory.mktemp("record") / "cell.json"
    cell = Cell(np.diag([4.25, 1 / 3, 1e5]), ("Mg", "O", "C"), coords, moments)
    save_record(cell, path)
    back = load_record(Cell, path)
    assert back.coords.tobytes() == coords.tobytes()
    assert back.moments.tobytes() == moments.tobytes()


CORRECTIONS = st.builds(Correction, st.text(), st.text(), st.text(), st.booleans())


@given(seconds=finite, error=st.text(), corrections=st.lists(CORRECTIONS).map(tuple))
def test_scalars_and_texts_come_back(tmp_path_factory, seconds, error, corrections):
    path = tmp_path_factory.mktemp("record") / "job.json"
    state = JobState("done", "hash", "gpaw", 1, seconds, corrections, error)
    save_record(state, path)
    assert load_record(JobState, path) == state


@pytest.fixture
def stored(tmp_path, entries):
    path = tmp_path / "result.json"
    save_record(entries[0].result, path)
    return path


def test_a_result_comes_back_whole(stored, entries):
    back, before = load_record(CalcResult, stored), entries[0].result
    assert back.settings == before.settings
    assert back.convergence == before.convergence
    assert np.array_equal(back.projections.weights, before.projections.weights)
    assert back.projections.weights.dtype == np.float32


@pytest.mark.parametrize("suffix", [".json", ".npz"])
@pytest.mark.parametrize("part", [0.0, 0.3, 0.99])
def test_a_cut_off_file_is_never_believed(stored, suffix, part):
    path = stored.with_suffix(suffix)
    data = path.read_bytes()
    path.write_bytes(data[: int(part * len(data))])
    with pytest.raises(ParseError, match=path.name):
        load_record(CalcResult, stored)


def test_arrays_of_another_run_are_refused(stored, tmp_path, entries):
    other = tmp_path / "other.json"
    save_record(entries[1].result, other)
    stored.with_suffix(".npz").write_bytes(other.with_suffix(".npz").read_bytes())
    with pytest.raises(ParseError, match="does not belong"):
        load_record(CalcResult, stored)


def test_another_record_or_schema_version_is_refused(stored):
    with pytest.raises(ParseError, match="expected"):
        load_record(JobState, stored)
    stored.write_text(stored.read_text().replace('"schema": 1', '"schema": 99', 1))
    with pytest.raises(ParseError, match="99"):
        load_record(CalcResult, stored)


def test_a_full_disk_is_named_and_leaves_nothing(tmp_path, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match=r"No space left on device: .*figure\.pdf"):
        write_atomic(tmp_path / "figure.pdf", b"half")
    assert not list(tmp_path.iterdir())


def test_what_is_no_file_is_not_replaced(tmp_path):
    """A rename over /dev/full, as root, took the device away."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="no regular file"):
        write_atomic(tmp_path / "pipe", b"x")
    assert (tmp_path / "pipe").is_fifo()
