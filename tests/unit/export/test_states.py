"""All states of the pairs as rows and a figure (synthetic comparisons)."""

from dataclasses import replace

import pytest

from defectflow.analyse.compare import compare_study
from defectflow.demo import tiny_pair, tiny_result
from defectflow.export.states import state_rows, states_figure
from defectflow.schema import StateEntry
from defectflow.schema.filling import Filling


def entry(order, e0, start="symmetric", asked=None):
    pair = replace(tiny_pair(asked or order), start=start)
    return StateEntry("path", pair, tiny_result(order, e0), "", None, (6,), (0,))


def test_every_state_has_a_row_above_the_lowest():
    found = compare_study((entry("FM", -10.0), entry("FM", -10.5, "rattle-1"), entry("AF", -10.2)))
    rows = [(r["order"], r["above_lowest_meV"]) for r in state_rows(found)]
    assert rows == [("FM", 0), ("AF", pytest.approx(300)), ("FM", pytest.approx(500))]


def test_a_pair_without_one_order_has_no_rows():
    assert state_rows(compare_study((entry("FM", -10.0), entry("NM", -12.0, asked="AF")))) == []


def test_metals_are_drawn_open_and_failed_states_as_crosses():
    found = compare_study((entry("FM", -10.0), entry("AF", -10.2), entry("FM", -10.1, "rattle-1", asked="AF")))
    metal = replace(found[0].af, filling=Filling((0.0, 1.0), 0.03))
    (axis,) = states_figure((replace(found[0], af=metal),)).axes
    faces = {line.get_label(): line.get_markerfacecolor() for line in axis.lines}
    markers = {line.get_label(): line.get_marker() for line in axis.lines}
    assert faces["AF, metal (gap below 0.1 eV)"] == "white"
    assert markers["FM, certificate failed"] == "x"
