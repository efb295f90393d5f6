"""The perfect crystal of a recipe and its supercell."""

from __future__ import annotations

from typing import Literal, cast

from pydantic import StrictInt, model_validator

from defectflow.schema.quantity import Length
from defectflow.schema.settings import Record

Vector = tuple[float, float, float]
IntRow = tuple[StrictInt, StrictInt, StrictInt]


class InlineStructure(Record):
    """A structure written out in the recipe: lattice (A), symbols, fractional coordinates."""

    lattice: tuple[Vector, Vector, Vector]
    species: tuple[str, ...]
    coords: tuple[Vector, ...]


class Host(Record):
    """The perfect crystal, given in exactly one of four ways.

    ``material`` names an entry of ``defectflow/materials/hosts.toml``; ``prototype`` with ``species`` and
    ``lattice_constant`` builds a cubic structure; ``file`` is a CIF or POSCAR; ``structure`` is inline.
    """

    material: str | None = None
    prototype: Literal["rocksalt", "zincblende", "cesiumchloride", "fluorite", "fcc", "bcc", "diamond"] | None = None
    species: tuple[str, ...] | None = None
    lattice_constant: Length | None = None
    file: str | None = None
    structure: InlineStructure | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Host:
        given = [k for k in ("material", "prototype", "file", "structure") if getattr(self, k) is not None]
        if len(given) != 1:
            got = " and ".join(given) or "none"
            raise ValueError(f"give exactly one of material, prototype, file, structure (got {got})")
        if (self.prototype is None) != (self.species is None):
            raise ValueError("species goes with prototype")
        if self.prototype and self.lattice_constant is None:
            raise ValueError('a prototype needs lattice_constant, e.g. "4.25 A"')
        if self.lattice_constant is not None and not (self.prototype or self.material):
            raise ValueError("lattice_constant goes with material or prototype; a file has its own")
        return self


class Supercell(Record):
    """Repetition of the host's conventional cell: three integers or a 3x3 integer matrix (rows are vectors)."""

    matrix: IntRow | tuple[IntRow, IntRow, IntRow]

    @model_validator(mode="after")
    def _positive_volume(self) -> Supercell:
        if max(abs(n) for row in self.rows for n in row) > 12:
            raise ValueError("the entries of the matrix lie between -12 and 12")
        size = abs(_determinant(self.rows))
        if not 1 <= size <= 250:
            raise ValueError(f"the supercell holds {size} cells of the host; expected 1 to 250")
        return self

    @property
    def rows(self) -> tuple[IntRow, IntRow, IntRow]:
        """The 3x3 matrix, whichever way it was written."""
        a, b, c = self.matrix
        if isinstance(a, int) and isinstance(b, int) and isinstance(c, int):
            return ((a, 0, 0), (0, b, 0), (0, 0, c))
        return cast("tuple[IntRow, IntRow, IntRow]", self.matrix)


def _determinant(m: tuple[IntRow, IntRow, IntRow]) -> int:
    (a, b, c), (d, e, f), (g, h, i) = m
    return a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)
