"""Recipes of a screening: which dopants and vacancies, how many, where, in which order, and what is refined."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StrictFloat, StrictInt, field_validator, model_validator

from defectflow.schema.defects import INTERSTITIAL, VACANCY, VANADIUM, defect_words
from defectflow.schema.quantity import Energy, Force, Length, Moment
from defectflow.schema.recipe import Bulk, DosSettings, Host, Supercell, Vector, check_sources, checked_recipe
from defectflow.schema.settings import KMesh, Record, Settings, Smearing, check_element

Count = Annotated[int, Field(ge=0, le=64, strict=True)]
Shells = tuple[Annotated[int, Field(ge=1, strict=True)], ...]
Fraction = Annotated[float, Field(ge=-1, le=1, allow_inf_nan=False)]
Dielectric = Annotated[StrictFloat | StrictInt, Field(ge=1, le=1e4)] | tuple[Vector, Vector, Vector]
Place = tuple[Fraction, Fraction, Fraction]
Ordering = Literal["FM", "AF", "NM", "all"]
Case = Literal[
    "monomer", "pair", "vacancy", "double-vacancy", "dopant-at-vacancy", "capture", "interstitial", "frenkel", "split"
]
_MOST_MIXES = 10_000
_NAME = re.compile(r"[a-z][a-z0-9_\-]{0,30}")


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
        return _checked_moments(value or {}) if value is not None else None

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


def _checked_moments(value: dict[str, float]) -> dict[str, float]:
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


class SettingsChange(Record):
    """Settings that a round exchanges; the others are those of the recipe."""

    profile: Literal["quick", "standard", "paper", "tight"] | None = None
    cutoff: Energy | None = None
    kpoints: KMesh | None = None
    smearing: Smearing | None = None
    energy_tolerance: Energy | None = None
    force_tolerance: Force | None = None
    symmetry: bool | None = None
    empty_bands: Annotated[int, Field(ge=4, le=1000, strict=True)] | None = None


class Keep(Record):
    """Which configurations of the round before go on; those that any of the rules keeps.

    ``lowest`` keeps so many of each composition and charge, ``window`` those within an energy of the lowest, and
    ``order_error`` those whose lowest spin order may be another one within this error bar and the numerical one.
    """

    lowest: Annotated[int, Field(ge=1, le=100_000, strict=True)] | None = None
    window: Energy | None = None
    order_error: Energy | None = None

    @model_validator(mode="after")
    def _one_rule(self) -> Keep:
        if self.lowest is None and self.window is None and self.order_error is None:
            raise ValueError("give at least one of lowest, window, order_error")
        return self

    @property
    def words(self) -> str:
        """The rules, to be read."""
        rules = [
            f"the lowest {self.lowest}" if self.lowest else "",
            f"those within {self.window:g} eV" if self.window else "",
            f"those whose order is open within {self.order_error:g} eV" if self.order_error else "",
        ]
        return " and ".join(r for r in rules if r)


class Round(Record):
    """One pass over configurations with one set of settings; every round but the first says what it keeps."""

    name: str
    stages: tuple[Literal["relax", "static"], ...] = ("static",)
    settings: SettingsChange = SettingsChange()
    keep: Keep | None = None
    references: bool = True

    @field_validator("name")
    @classmethod
    def _folder(cls, value: str) -> str:
        if not _NAME.fullmatch(value) or value in ("bulk", "pairs", "junction", "figures"):
            raise ValueError(f'"{value}" cannot name a folder of a round: small letters, digits, - and _')
        return value

    @field_validator("stages")
    @classmethod
    def _in_order(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if value not in (("static",), ("relax", "static")):
            raise ValueError('stages are ["static"], with "relax" before it if wanted')
        return value


class ReferencePhase(Record):
    """A phase that fixes chemical potentials, by its name in ``defectflow/materials/phases.toml``.

    A crystal needs ``kpoints``; a molecule or atom the size of its ``box``. A phase that is not in that file is given
    as a structure ``file``, under a name of its own.
    """

    phase: Annotated[str, Field(pattern=r"^[A-Za-z0-9_\-]{1,40}$")]
    file: str | None = None
    kpoints: KMesh | None = None
    box: Annotated[Length, Field(ge=5, le=30)] | None = None

    @model_validator(mode="after")
    def _one_of(self) -> ReferencePhase:
        if self.file is not None and self.box is not None:
            raise ValueError("box is for phases of this package; the cell of a file holds its own vacuum: give kpoints")
        if (self.kpoints is None) == (self.box is None):
            raise ValueError('a crystal needs kpoints, a molecule or an atom box = "9 A"')
        return self


class Charged(Record):
    """What the finite-size correction of charged cells needs: dielectric constants of the host.

    ``electronic`` is that of fixed ions, for rounds without a relaxation, ``static`` that of all for the others.
    """

    electronic: Dielectric
    static: Dielectric

    @field_validator("electronic", "static")
    @classmethod
    def _physical(cls, value: float | tuple[Vector, Vector, Vector]) -> float | tuple[Vector, Vector, Vector]:
        import numpy as np

        if isinstance(value, float | int):
            return value
        tensor = np.array(value)
        if not (np.isfinite(tensor).all() and np.allclose(tensor, tensor.T) and np.linalg.eigvalsh(tensor).min() >= 1):
            raise ValueError("a dielectric tensor is symmetric, with no principal value below 1")
        return value

    def tensor(self, relaxed: bool) -> tuple[Vector, Vector, Vector]:
        """Dielectric tensor for cells that were relaxed or not."""
        e = self.static if relaxed else self.electronic
        return ((e, 0.0, 0.0), (0.0, e, 0.0), (0.0, 0.0, e)) if isinstance(e, float | int) else e


class ScreenRecipe(Record):
    """A search space, the rounds that narrow it down, and the phases that give its energies a zero."""

    schema_version: Literal[1] = Field(alias="schema")
    kind: Literal["screen"]
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_\-]{1,64}$")]
    question: str
    host: Host
    supercell: Supercell
    search: tuple[Family, ...] = ()
    cases: tuple[NamedCase, ...] = ()
    moments: dict[str, Moment] = Field(default_factory=dict)
    references: tuple[ReferencePhase, ...] = ()
    settings: Settings
    rounds: tuple[Round, ...]
    bulk: Bulk | None = None
    charged: Charged | None = None
    most: Annotated[int, Field(ge=1, le=1_000_000, strict=True)] = 2000
    dos: DosSettings = DosSettings()
    caveats: tuple[str, ...] = ()
    sources: dict[str, str] = Field(default_factory=dict)

    @field_validator("moments")
    @classmethod
    def _of_elements(cls, value: dict[str, float]) -> dict[str, float]:
        return _checked_moments(value)

    @field_validator("rounds")
    @classmethod
    def _narrowing(cls, value: tuple[Round, ...]) -> tuple[Round, ...]:
        names = [r.name for r in value]
        if not value or len(set(names)) != len(names):
            raise ValueError("rounds must be a list of rounds with different names")
        if value[0].keep is not None:
            raise ValueError(f'the first round ("{names[0]}") takes all configurations: it has no keep')
        if missing := [r.name for r in value[1:] if r.keep is None]:
            raise ValueError(f'the round "{missing[0]}" does not say what it keeps: keep = {{ lowest = 3 }}')
        return value

    @model_validator(mode="after")
    def _consistent(self) -> ScreenRecipe:
        check_sources(self, self.sources)
        if not self.search and not self.cases:
            raise ValueError("give [[search]] or [[cases]]: nothing is to be screened")
        charges = {q for f in self.search for q in f.charges} | {q for c in self.cases for q in c.charges}
        if any(charges) and (not self.charged or not self.bulk):
            raise ValueError("charged states need [charged] (dielectric constants) and [bulk] (for the VBM)")
        phases = [r.phase for r in self.references]
        if len(set(phases)) != len(phases):
            raise ValueError("references names a phase twice")
        return self

    def settings_of(self, step: Round) -> Settings:
        """Settings of a round."""
        changed = {k: v for k, v in step.settings if v is not None}
        return self.settings.model_copy(update=changed)


def load_screen(path: Path | str) -> ScreenRecipe:
    """Read and check the recipe of a screening; see `defectflow.schema.load_recipe`."""
    return checked_recipe(ScreenRecipe, Path(path))
