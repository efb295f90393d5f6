"""Spin states of a recipe and the starts that each is run from."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from defectflow.schema.host import Vector
from defectflow.schema.quantity import Length, Moment
from defectflow.schema.settings import Record

_STATE = re.compile(r"FM|AF|NM|[+\-0]{2}")
_AXIS = r"(?:x(?:[+-]y)?(?:[+-]z)?|y(?:[+-]z)?|z)"
_AXES = re.compile(rf"(?:not-)?{_AXIS}|{_AXIS},{_AXIS}|(?!xx|yy|zz)[xyz]{{2}}")


def _direction(name: str) -> Vector:
    x, y, z = (-1.0 if f"-{letter}" in name else float(letter in name) for letter in "xyz")
    return x, y, z


class Start(Record):
    """How a run starts; broken starts look for SCF minima that a symmetric start cannot reach.

    ``rattle`` moves every atom by a seeded random vector of length up to ``amplitude``; ``off-centre``
    moves the dopants along their bond by ``amplitude``, ``dumbbell`` moves each towards the other by it;
    ``orbital`` moves the neighbours of each dopant towards an orbital along ``axis`` by ``amplitude``: those on the
    axis inwards, others at right angles to their bonds. Cations then lower its p level along that axis, and the
    electron that the minority shell holds has one level to go to. Axes are x, y, z, face diagonals such as ``x-y`` and
    body diagonals such as ``x+y-z``. With two axes, ``axis = "x,y"`` (or ``"xy"``), the first dopant has the first and
    the second the second (staggered orbitals). With ``axis = "not-x"`` the neighbours move the other way: the level
    along x is the one left empty.
    In a study without a relaxation the moved geometry only seeds the density and wave functions.
    With ``pairs``, a list of labels, only those pairs are run from this start; every pair needs one.
    """

    kind: Literal["symmetric", "rattle", "off-centre", "dumbbell", "orbital"]
    amplitude: Length | None = None
    seed: Annotated[int, Field(ge=0, strict=True)] | None = None
    axis: str | None = None
    pairs: Annotated[tuple[Annotated[int, Field(ge=1, strict=True)], ...], Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _what_it_needs(self) -> Start:
        along = {"off-centre": {"amplitude"}, "dumbbell": {"amplitude"}}
        needed = {"symmetric": set(), "rattle": {"amplitude", "seed"}, **along}
        needs: set[str] = needed.get(self.kind, {"amplitude", "axis"})
        given = {k for k in ("amplitude", "seed", "axis") if getattr(self, k) is not None}
        if given != needs:
            raise ValueError(f'kind = "{self.kind}" takes {", ".join(sorted(needs)) or "nothing else"}')
        if self.pairs and len(set(self.pairs)) < len(self.pairs):
            raise ValueError("pairs names one pair twice")
        return self

    @field_validator("axis")
    @classmethod
    def _known_axis(cls, value: str | None) -> str | None:
        if value is not None and not _AXES.fullmatch(value):
            known = 'x, y, z, diagonals ("x-y", "x+y-z"), two of these ("x,y"), or one to leave empty ("not-x")'
            raise ValueError(f'"{value}" is no axis; known: {known}')
        return value

    @property
    def directions(self) -> tuple[Vector, Vector]:
        """Axis of the orbital of each dopant, of no particular length."""
        named = (self.axis or "z").removeprefix("not-")
        names = named.split(",") if not named.isalpha() else list(named)
        first, last = _direction(names[0]), _direction(names[-1])
        return first, last

    def is_for(self, label: str) -> bool:
        """Whether the pair of this label is run from it."""
        return self.pairs is None or label in map(str, self.pairs)

    @property
    def name(self) -> str:
        """Part of a folder name: ``symmetric``, ``rattle-7-0.05``, ``orbital-z-0.08``."""
        parts = [self.kind, self.seed, self.axis, self.amplitude]
        return "-".join(f"{p:g}" if isinstance(p, float) else str(p) for p in parts if p is not None)


class Spin(Record):
    """Spin states of the pair, the moment of each dopant (muB), and the starts to try.

    A run starts from these moments and is judged by their sum, so they must be those of the state asked for:
    ``moment`` for both dopants, or ``moments`` one by one.
    """

    states: tuple[str, ...]
    moment: Moment | None = None
    moments: tuple[Moment, Moment] | None = None
    starts: tuple[Start, ...] = (Start(kind="symmetric"),)

    @field_validator("states")
    @classmethod
    def _known_states(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for state in value:
            if not _STATE.fullmatch(state):
                raise ValueError(f'"{state}" is none of FM, AF, NM or a pattern of two signs such as "+-"')
        if len(set(value)) != len(value) or not value:
            raise ValueError("states must be a list of different states")
        return value

    @model_validator(mode="after")
    def _unambiguous(self) -> Spin:
        if (self.moment is None) == (self.moments is None):
            raise ValueError('give moment = "2.0 muB" for both dopants, or moments = ["1.0 muB", "2.0 muB"]')
        names = [start.name for start in self.starts]
        if not names:
            raise ValueError('starts must hold at least one start, such as { kind = "symmetric" }')
        if twice := [name for name in names if names.count(name) > 1]:
            raise ValueError(f"starts must be a list of different starts; make one of those named {twice[0]}")
        return self

    @property
    def pair_moments(self) -> tuple[float, float]:
        """Moments of the first and the second dopant (muB), without sign."""
        return self.moments or (self.moment or 0.0, self.moment or 0.0)
