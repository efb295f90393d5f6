"""What makes two cells the same crystal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from defectflow.structures.sites import SYMPREC

if TYPE_CHECKING:
    from pymatgen.core import Structure

SAME_LENGTH = 0.02  # of a lattice constant: more than functionals differ, less than another phase


@dataclass(frozen=True)
class Crystal:
    """A crystal, whatever cell it is written in.

    Attributes
    ----------
    formula : str
        Reduced.
    space_group : int
        Number.
    formula_volume : float
        A^3 per formula unit.
    """

    formula: str
    space_group: int
    formula_volume: float

    def is_like(self, other: Crystal) -> bool:
        """Whether formula and space group are the same, and lengths within `SAME_LENGTH`."""
        lengths = (self.formula_volume / other.formula_volume) ** (1 / 3)
        same = (self.formula, self.space_group) == (other.formula, other.space_group)
        return same and abs(lengths - 1) <= SAME_LENGTH

    def __str__(self) -> str:
        return f"{self.formula} (space group {self.space_group}, {self.formula_volume:.2f} A^3 per formula)"


def crystal_of(structure: Structure) -> Crystal:
    """The crystal of a cell."""
    formula, units = structure.composition.get_reduced_formula_and_factor()
    return Crystal(formula, structure.get_space_group_info(SYMPREC)[1], structure.volume / units)
