"""Families of configurations: which dopants and vacancies, how many, where, in which spin orders and charges."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from defectflow.schema.defects import INTERSTITIAL, VACANCY, VANADIUM, defect_words
from defectflow.schema.quantity import Length, Moment
from defectflow.schema.settings import Record, check_element

Count = Annotated[int, Field(ge=0, le=64, strict=True)]
Shells = tuple[Annotated[int, Field(ge=1, strict=True)], ...]
Fraction = Annotated[float, Field(ge=-1, le=1, allow_inf_nan=False)]
Place = tuple[Fraction, Fraction, Fraction]
Ordering = Literal["FM", "AF", "NM", "all"]
Case = Literal[
    "monomer", "pair", "vacancy", "double-vacancy", "dopant-at-vacancy", "capture", "interstitial", "frenkel", "split"
]
_MOST_MIXES = 10_000


class Near(Record):
    """Only sites close to an atom of some other elements, as at the interface of a junction."""

    elements: Annotated[tuple[str, ...], Field(min_length=1)]
    within: Length

    @field_validator("elements")
    @classmethod
    def _known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(check_element(v) for v in value)


class Family(Record):
    """All symmetry-distinct configurations of one mix of dopants and vacancies.

    ``dopants`` counts each, as a number or as [lowest, highest]; ``total`` then fixes their sum. ``nearest`` and
    ``diameter`` bound the distance of any two of them, ``shells`` lists the distances allowed (1 is the nearest that
    the cell has). ``moments`` replaces those of the recipe; one on a vacancy (``V_O``) is spread over its neighbours.
    ``spin`` says which orders of the moments are run: all up, none in sum, without moments, or all distinct ones.
    """

    dopants: dict[str, Count | tuple[Count, Count]]
    total: Annotated[int, Field(ge=1, le=64, strict=True)] | None = None
    nearest: Length | None = None
    diameter: Length | None = None
    shells: Shells | None = None
    near: Near | None = None
    interstitial: Place | None = None
    split: Literal["100", "110", "111"] | None = None
    spin: tuple[Ordering, ...] = ("FM",)
    moments: dict[str, Moment] | None = None
    charges: tuple[Annotated[int, Field(ge=-4, le=4, strict=True)], ...] = (0,)

    @field_validator("dopants")
    @classmethod
    def _defects(cls, value: dict[str, int | tuple[int, int]]) -> dict[str, int | tuple[int, int]]:
        for name, count in value.items():
            defect_words(name)
            if not isinstance(count, int) and count[0] > count[1]:
                raise ValueError(f"{name} = [{count[0]}, {count[1]}]: the lower count comes first")
        if not value:
            raise ValueError("names no dopant and no vacancy")
        return value

    @field_validator("moments")
    @classmethod
    def _of_known(cls, value: dict[str, float] | None) -> dict[str, float] | None:
        return checked_moments(value or {}) if value is not None else None

    @field_validator("spin", "charges")
    @classmethod
    def _different(cls, value: tuple[object, ...]) -> tuple[object, ...]:
        if not value or len(set(value)) != len(value):
            raise ValueError("must be a list of different entries")
        return value

    @model_validator(mode="after")
    def _countable(self) -> Family:
        if len(self.compositions) > _MOST_MIXES:
            raise ValueError(f"more than {_MOST_MIXES} mixes; fix the total, or narrow the counts")
        if not self.compositions:
            asked = f"has {self.total} in all" if self.total else "holds a defect"
            raise ValueError(f"no mix of these counts {asked}")
        own = {word for name in self.dopants for word in (name, defect_words(name)[0])}
        if stray := sorted(set(self.moments or {}) - own):
            raise ValueError(f'moments names "{stray[0]}", which is none of {", ".join(self.dopants)}')
        return self

    @model_validator(mode="after")
    def _limits_of_two(self) -> Family:
        if self.nearest and self.diameter and self.nearest > self.diameter:
            raise ValueError(f"nearest ({self.nearest:g} A) is beyond diameter ({self.diameter:g} A)")
        limited = self.shells or self.nearest or self.diameter
        if limited and all(sum(mix.values()) == 1 for mix in self.compositions):
            raise ValueError("shells, nearest and diameter limit the distance of two; here is only one")
        return self

    @model_validator(mode="after")
    def _placed(self) -> Family:
        if self.interstitial is not None and not any(defect_words(d)[1] == INTERSTITIAL for d in self.dopants):
            raise ValueError("interstitial goes with a defect such as O_i")
        if self.split and (len(self.dopants) != 1 or self.compositions != ({next(iter(self.dopants)): 1},)):
            raise ValueError("split takes one dopant on one site, as { C_O = 1 }")
        if self.split and defect_words(next(iter(self.dopants)))[0] == VACANCY:
            raise ValueError("a vacancy shares its site with nobody")
        return self

    @property
    def compositions(self) -> tuple[dict[str, int], ...]:
        """How many of each, one entry for every mix within the limits; those that are absent are left out."""
        ranges = [(n, n) if isinstance(n, int) else n for n in self.dopants.values()]
        counts = islice(_counts(ranges, self.total), _MOST_MIXES + 2)
        mixes = [{k: n for k, n in zip(self.dopants, mix, strict=True) if n} for mix in counts]
        return tuple(mix for mix in mixes if mix)


def _counts(ranges: Sequence[tuple[int, int]], total: int | None) -> Iterator[tuple[int, ...]]:
    """All counts within ranges (with a given sum), first ones slowest."""
    if not ranges:
        if not total:
            yield ()
        return
    (low, high), rest = ranges[0], ranges[1:]
    if total is not None:  # what the others can take bounds this one
        low, high = max(low, total - sum(h for _, h in rest)), min(high, total - sum(n for n, _ in rest))
    for n in range(low, high + 1):
        for others in _counts(rest, None if total is None else total - n):
            yield (n, *others)


def checked_moments(value: dict[str, float]) -> dict[str, float]:
    """Moments by element or defect, if every name is one; else ValueError."""
    for name in value:
        if name == VACANCY:
            raise ValueError('"V" may be the vacancy or the element: write V_O, or vanadium')
        if "_" in name:
            defect_words(name)
        elif name != VANADIUM:
            check_element(name)
    return value


class NamedCase(Record):
    """Families that users ask for by name; see ``defectflow.structures.cases``."""

    case: Case
    dopant: str | None = None
    sublattice: str
    shells: Shells | None = None
    interstitial: Place | None = None
    direction: Literal["100", "110", "111"] | None = None
    diameter: Length | None = None
    spin: tuple[Ordering, ...] = ("FM",)
    charges: tuple[Annotated[int, Field(ge=-4, le=4, strict=True)], ...] = (0,)

    @model_validator(mode="after")
    def _what_it_needs(self) -> NamedCase:
        check_element(self.sublattice)
        if self.dopant is not None and self.dopant != VANADIUM:
            check_element(self.dopant)
        without = self.case in ("vacancy", "double-vacancy", "frenkel")
        if without != (self.dopant is None):
            raise ValueError(f'case = "{self.case}" {"takes no dopant" if without else "needs dopant"}')
        allowed = {
            "shells": ("pair", "double-vacancy", "dopant-at-vacancy", "capture"),
            "interstitial": ("interstitial", "frenkel"),
            "direction": ("split",),
            "diameter": ("frenkel",),
        }
        for key, cases in allowed.items():
            if getattr(self, key) is not None and self.case not in cases:
                raise ValueError(f"{key} does not go with {self.case}, but with {', '.join(cases)}")
        return self
