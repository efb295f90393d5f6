"""I(V) tables as CSV."""

import numpy as np
import pytest

from defectflow.errors import ParseError
from defectflow.formats.iv_table import read_iv


def write(tmp_path, text):
    path = tmp_path / "iv.csv"
    path.write_text(text)
    return path


def test_sweeps_in_any_order_and_unit_are_one_grid(tmp_path):
    text = "sweep,bias_V,AP_pA,P_uA\n1,0.001,1000,1\n1,-0.001,2000,2\n2,-0.001,4000,3\n2,0.001,3000,4\n"
    bias, currents = read_iv(write(tmp_path, text))
    assert bias.tolist() == [-1.0, 1.0]
    assert {k: v.tolist() for k, v in currents.items()} == {"P": [[2000, 1000], [3000, 4000]], "AP": [[2, 1], [4, 3]]}


def test_one_alignment_is_enough(tmp_path):
    assert list(read_iv(write(tmp_path, "bias_mV,P_nA\n0,1\n1,2\n"))[1]) == ["P"]


def test_the_curves_that_we_write_are_read(tmp_path, paper_curves):
    path, total = paper_curves
    _, currents = read_iv(path)
    assert np.array([currents["P"][0], currents["AP"][0]]) == pytest.approx(total)


@pytest.mark.parametrize("header", ["bias_mV,t,t,P_nA", "bias_mV,,,P_nA"])
def test_columns_of_one_name_or_none_move_no_other(tmp_path, header):
    text = f"{header}\n0,300,300,1\n\n1,300,300,2\n"
    assert read_iv(write(tmp_path, text))[1]["P"].tolist() == [[1, 2]]


@pytest.fixture
def paper_curves(tmp_path):
    from defectflow.export.tables import to_csv
    from defectflow.export.transport import curve_rows
    from defectflow.schema.chain import paper_chain
    from defectflow.transport.model import solve_chain

    solution = solve_chain(paper_chain(), np.linspace(-2, 2, 5))
    return write(tmp_path, to_csv(curve_rows(solution))), solution.curves.total[0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", 'no column "bias_mV"'),
        ("bias_mV,P_nA\n", "no rows"),
        ("bias_mV\n1\n", "no column of currents"),
        ("bias_K,P_nA\n1,1\n", 'no column "bias_mV"'),
        ("bias_mV,P_eV\n1,1\n", 'no column "P_mA"'),
        ("bias_mV,P_nA,P_uA\n1,1,1\n", "2 columns of P"),
        ("bias_mV,P_nA\n1,x\n", "line 2"),
        ("bias_mV,P_nA\n1\n", "line 2"),
        ("bias_mV,P_nA\n1,nan\n", "not finite"),
        ("bias_mV,P_nA\n1,inf\n", "not finite"),
        ("bias_mV,P_nA\n1,1e300\n", "beyond"),
        ("bias_mV,P_nA\n1,1\n1,2\n", "number repeated sweeps"),
        ("sweep,bias_mV,P_nA\n1,1,1\n1,2,1\n2,1,1\n2,3,1\n", "sweep number 2 has other biases"),
        ("bias_mV,P_nA\n1,\x00\n", "line"),
    ],
)
def test_what_is_no_table_says_why(tmp_path, text, said):
    with pytest.raises(ParseError, match=said):
        read_iv(write(tmp_path, text))


def test_bytes_that_are_no_text_are_refused(tmp_path):
    path = tmp_path / "iv.csv"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ParseError):
        read_iv(path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("bias_mV,P_nA,AP_nA\n-1,5,-2,5,-3,0\n", "line 2: has 6 cells for 3 columns"),
        ("bias_mV,P_nA,sweep,sweep\n0,1,1,2\n", "has two columns of sweep"),
        ("bias_mV,P_nA\n1_0,1\n", "line 2: a number is missing or is none"),
    ],
)
def test_what_would_be_read_as_other_numbers_is_refused(tmp_path, text, said):
    """Decimal commas shifted every column: -1,5 was the bias -1 and the current 5."""
    with pytest.raises(ParseError, match=said):
        read_iv(write(tmp_path, text))


def test_blank_cells_behind_a_row_are_no_columns(tmp_path):
    assert read_iv(write(tmp_path, "bias_mV,P_nA\n0,1,\n1,2,,\n"))[1]["P"].tolist() == [[1, 2]]
