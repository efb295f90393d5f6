"""The fast decoder agrees with the obvious one to the last bit, or says no."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from defectflow.errors import ParseError
from defectflow.formats.rows import decode_rows, plain_rows

NUMBERS = st.integers(-9_999_999, 99_999_999)  # in units of 1e-4: what F10.4 and wider hold


def block(values: list[list[int]], width: int) -> bytes:
    rows = ("".join(f"{v / 1e4:{width}.4f}" for v in row) for row in values)
    return "".join(f"       <r>  {row} </r>\n" for row in rows).encode()


@st.composite
def tables(draw):
    columns = draw(st.integers(1, 12))
    row = st.lists(NUMBERS, min_size=columns, max_size=columns)
    return draw(st.lists(row, min_size=1, max_size=8)), draw(st.integers(8, 14))


def bits(values: np.ndarray) -> list:
    return values.view(np.uint64).tolist()


@given(tables())
def test_equals_float_of_the_text_to_the_last_bit(case):
    text = block(*case)
    try:
        expected = plain_rows(text)
    except ParseError:
        with pytest.raises(ParseError):  # columns too narrow for their numbers
            decode_rows(text)
        return
    assert bits(decode_rows(text)) == bits(expected)


@given(tables(), st.data())
def test_a_changed_byte_gives_what_the_obvious_reader_gives(case, data):
    text = bytearray(block(*case))
    text[data.draw(st.integers(0, len(text) - 1))] = data.draw(st.integers(0, 255))
    try:
        expected = plain_rows(bytes(text))
    except ParseError:
        with pytest.raises(ParseError):
            decode_rows(bytes(text))
        return
    assert bits(decode_rows(bytes(text))) == bits(expected)


def test_skips_columns():
    text = block([[10000, 20000, 30000]] * 3, 11)
    assert decode_rows(text, skip=1).tolist() == [[2.0, 3.0]] * 3


def test_negative_zero_keeps_its_sign():
    assert np.signbit(decode_rows(b" <r>   -0.0000    1.0000 </r>\n")[0, 0])


@pytest.mark.parametrize("word", ["NaN", "*******", "Infinity", "1_0.0000", "1.0.000", "--1.0000"])
def test_refuses_what_is_no_number(word):
    with pytest.raises(ParseError):
        decode_rows(f" <r>   1.0000 {word:>10} </r>\n <r>   1.0000     2.0000 </r>\n".encode())


def test_refuses_rows_of_different_lengths():
    with pytest.raises(ParseError, match="different lengths"):
        decode_rows(b" <r> 1.0 2.0 </r>\n <r> 1.0 </r>\n")
