"""Recipes of a screening: which dopants and vacancies, how many, where, in which order, and what is refined."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StrictBool, StrictFloat, StrictInt, field_validator, model_validator

from defectflow.schema.family import Family, NamedCase, checked_moments
from defectflow.schema.host import Host, InlineStructure, Supercell, Vector
from defectflow.schema.quantity import Energy, Force, Length, Moment
from defectflow.schema.recipe import Bulk, DosSettings
from defectflow.schema.recipe_file import check_sources, checked_recipe
from defectflow.schema.settings import Document, KMesh, Record, Settings, Smearing

Dielectric = Annotated[StrictFloat | StrictInt, Field(ge=1, le=1e4)] | tuple[Vector, Vector, Vector]
_NAME = re.compile(r"[a-z][a-z0-9_\-]{0,30}")


class SettingsChange(Record):
    """Settings that a round exchanges; the others are those of the recipe."""

    profile: Literal["quick", "standard", "paper", "tight"] | None = None
    cutoff: Energy | None = None
    kpoints: KMesh | None = None
    smearing: Smearing | None = None
    energy_tolerance: Energy | None = None
    force_tolerance: Force | None = None
    symmetry: StrictBool | None = None
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
    references: StrictBool = True

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
    as a structure ``file``, under a name of its own; run folders hold it as ``structure``.
    """

    phase: Annotated[str, Field(pattern=r"^[A-Za-z0-9_\-]{1,40}$")]
    file: str | None = None
    structure: InlineStructure | None = None
    kpoints: KMesh | None = None
    box: Annotated[Length, Field(ge=5, le=30)] | None = None

    @model_validator(mode="after")
    def _one_of(self) -> ReferencePhase:
        if self.file is not None and self.structure is not None:
            raise ValueError("file and structure say the same twice: give one")
        if (self.file or self.structure) and self.box is not None:
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


class ScreenRecipe(Document):
    """A search space, the rounds that narrow it down, and the phases that give its energies a zero."""

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
        return checked_moments(value)

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
