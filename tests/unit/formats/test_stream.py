from __future__ import annotations

import bz2
import gzip
import io
import lzma

import pytest
from hypothesis import given
from hypothesis import strategies as st

from defectflow.errors import ParseError
from defectflow.formats.stream import Scanner, find_file, open_stream, read_bytes

PACKERS = {"plain": bytes, "gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}


@pytest.mark.parametrize("packer", PACKERS)
def test_reads_packed_files_whatever_their_name(tmp_path, packer):
    path = tmp_path / "OUTCAR"
    path.write_bytes(PACKERS[packer](b"text"))
    assert read_bytes(path) == b"text"


@pytest.mark.parametrize("packer", ["gz", "bz2", "xz"])
def test_a_packed_file_that_is_cut_off_is_an_error(tmp_path, packer):
    path = tmp_path / "OUTCAR"
    path.write_bytes(PACKERS[packer](bytes(range(256)) * 99)[:-20])
    with pytest.raises(ParseError, match="OUTCAR"):
        read_bytes(path)


def test_a_bomb_is_not_unpacked(tmp_path):
    path = tmp_path / "OUTCAR.gz"
    path.write_bytes(gzip.compress(b"0" * 2_000_000))
    with pytest.raises(ParseError, match="more than 1 MB"):
        read_bytes(path, limit=1 << 20)


def test_a_missing_file_and_a_folder_are_errors(tmp_path):
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(ParseError), open_stream(path):
            pass


def test_the_plain_file_is_preferred(tmp_path):
    for name in ("OUTCAR", "OUTCAR.gz"):
        (tmp_path / name).touch()
    assert find_file(tmp_path, "OUTCAR") == tmp_path / "OUTCAR"


class Dripping(io.BytesIO):
    """A stream that gives a few bytes at a time, so that tokens lie across reads."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(3)


@given(st.lists(st.binary(max_size=9).filter(lambda b: b"<" not in b), min_size=1, max_size=9))
def test_the_scanner_splits_like_bytes_split(parts):
    scan = Scanner(Dripping(b"<end>".join(parts) + b"<end>"), "text")
    assert [scan.until(b"<end>") for _ in parts] == parts


def test_the_scanner_says_what_it_missed():
    with pytest.raises(ParseError, match='ends before "</set>"'):
        Scanner(io.BytesIO(b"<set> 1 2"), "vasprun.xml").until(b"</set>")


def test_the_scanner_does_not_hold_more_than_its_limit():
    with pytest.raises(ParseError, match="within"):
        Scanner(io.BytesIO(b"x" * 10_000_000), "text").until(b"<end>", limit=1 << 20)
