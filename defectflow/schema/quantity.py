"""Numbers with their unit, as recipes write them: ``"500 eV"``."""

from __future__ import annotations

import math
import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, ValidationInfo

# Factors to the unit the recipe asks for (CODATA 2018), used for the hint only: nothing is converted silently.
_FACTORS = {
    ("Ry", "eV"): 13.605693122994,
    ("Ha", "eV"): 27.211386245988,
    ("meV", "eV"): 1e-3,
    ("keV", "eV"): 1e3,
    ("K", "eV"): 8.617333262e-5,
    ("eV", "meV"): 1e3,
    ("ueV", "meV"): 1e-3,
    ("K", "meV"): 8.617333262e-2,
    ("Bohr", "A"): 0.529177210903,
    ("nm", "A"): 10.0,
    ("pm", "A"): 0.01,
    ("Ry/Bohr", "eV/A"): 25.711043,
    ("Ha/Bohr", "eV/A"): 51.422087,
    ("meV/A", "eV/A"): 1e-3,
    ("MB", "GB"): 1e-3,
    ("TB", "GB"): 1e3,
    ("GiB", "GB"): 1.073741824,
    ("MiB", "GB"): 1.048576e-3,
}
IN_RECIPE = "in_recipe"  # key of the validation context in which every number needs its unit
_PATTERN = re.compile(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*([A-Za-zÅµμ]\S*)\s*")


def parse_quantity(value: object, unit: str) -> float:
    """Read ``"500 eV"`` as 500.0 where the unit must be `unit`.

    Raises
    ------
    ValueError
        If the unit is missing or another one (the message gives the converted value), or the number is
        not finite.
    """
    if not isinstance(value, str):
        raise ValueError(  # noqa: TRY004  (pydantic reports ValueError with its key)
            f'a number with its unit is expected, as in "{value} {unit}"'
        )
    match = _PATTERN.fullmatch(value)
    if match is None:
        raise ValueError(f'"{value}" is no number with a unit; expected e.g. "1.0 {unit}"')
    number, found = float(match[1]), match[2].replace("Å", "A").replace("µB", "muB").replace("μB", "muB")
    if found != unit:
        raise ValueError(f"the unit must be {unit}, not {found}{_converted(number, found, unit)}")
    if not math.isfinite(number):
        raise ValueError(f"{value} is not finite")
    return number


def _converted(number: float, found: str, unit: str) -> str:
    factor = _FACTORS.get((found, unit))
    return "" if factor is None else f' ({number:g} {found} = "{number * factor:.6g} {unit}")'


def _reader(unit: str) -> BeforeValidator:
    def read(value: object, info: ValidationInfo) -> float:
        # Floats pass when a record that was already read is built again from Python or JSON, not in a recipe.
        again = isinstance(value, float) and not (info.context or {}).get(IN_RECIPE)
        return value if again and isinstance(value, float) else parse_quantity(value, unit)

    return BeforeValidator(read)


def _positive(value: float) -> float:
    if not (math.isfinite(value) and value > 0):
        raise ValueError(f"must be greater than zero, not {value:g}")
    return value


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError(f"must be finite, not {value}")
    return value


Energy = Annotated[float, _reader("eV"), AfterValidator(_positive)]
SignedEnergy = Annotated[float, _reader("eV"), AfterValidator(_finite)]
Length = Annotated[float, _reader("A"), AfterValidator(_positive)]
Force = Annotated[float, _reader("eV/A"), AfterValidator(_positive)]
Moment = Annotated[float, _reader("muB"), AfterValidator(_positive)]
Memory = Annotated[float, _reader("GB"), AfterValidator(_positive)]
Milli = Annotated[float, _reader("meV"), AfterValidator(_positive)]
SignedMilli = Annotated[float, _reader("meV"), AfterValidator(_finite)]
