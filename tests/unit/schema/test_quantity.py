import pytest
from hypothesis import given
from hypothesis import strategies as st

from defectflow.schema.quantity import parse_quantity


@given(st.floats(-1e6, 1e6))
def test_a_number_with_the_right_unit_is_read_exactly(number):
    assert parse_quantity(f"{number!r} eV", "eV") == number


def test_another_unit_is_refused_with_the_converted_value():
    with pytest.raises(ValueError, match=r'must be eV, not Ry \(36.75 Ry = "500.009 eV"\)'):
        parse_quantity("36.75 Ry", "eV")


@pytest.mark.parametrize("value", [500, 500.0, True, "500", "eV", "500 eV eV", "nan eV", "inf eV", "", "5_0 eV"])
def test_what_is_no_number_with_a_unit_is_refused(value):
    with pytest.raises(ValueError, match=r"expected|number"):
        parse_quantity(value, "eV")


@pytest.mark.parametrize("text", ["4.25 Å", "4.25 A", " 4.25   A "])
def test_the_angstrom_sign_is_an_a(text):
    assert parse_quantity(text, "A") == 4.25


def test_a_bare_float_in_a_recipe_is_asked_for_its_unit(recipe_file):
    from defectflow.errors import RecipeError
    from defectflow.schema import load_recipe

    with pytest.raises(RecipeError, match=r'a number with its unit is expected, as in "4\.25 A"'):
        load_recipe(recipe_file(('lattice_constant = "4.25 A"', "lattice_constant = 4.25")))
