"""Recipes: a study as a TOML file, checked key by key."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from defectflow.schema.host import Host, Supercell, Vector
from defectflow.schema.quantity import Energy, SignedEnergy
from defectflow.schema.recipe_file import check_sources, checked_recipe
from defectflow.schema.settings import Document, KMesh, Record, Settings, check_element
from defectflow.schema.spin import Spin

Stage = Literal["relax", "static", "dos"]


class Pairs(Record):
    """Which two dopants on which sublattice, and which of the cell's distinct pairs.

    At most one of ``select`` (labels of the cell's own pairs, nearest is 1), ``vectors_over_a`` and
    ``bulk_shells`` (shells of the infinite sublattice) is given; without any, all pairs are taken.
    """

    dopants: tuple[str, str]
    sublattice: str
    select: tuple[Annotated[int, Field(ge=1, strict=True)], ...] | None = None
    vectors_over_a: tuple[Vector, ...] | None = None
    bulk_shells: tuple[Annotated[int, Field(ge=1, strict=True)], ...] | None = None

    @field_validator("dopants")
    @classmethod
    def _elements(cls, value: tuple[str, str]) -> tuple[str, str]:
        for symbol in value:
            check_element(symbol)
        return value

    @model_validator(mode="after")
    def _one_selector(self) -> Pairs:
        given = [k for k in ("select", "vectors_over_a", "bulk_shells") if getattr(self, k) is not None]
        if len(given) > 1:
            raise ValueError(f"give one of {' and '.join(given)}")
        for key in given:
            if not getattr(self, key):
                raise ValueError(f"{key} is empty; leave it out to take all pairs")
            if len(set(getattr(self, key))) != len(getattr(self, key)):
                raise ValueError(f"{key} names a pair twice")
        return self


class DosSettings(Record):
    """Mesh of the DOS stage, and how the curve is drawn (broadening is the Gaussian's sigma)."""

    kpoints: KMesh | None = None
    broadening: Energy = 0.1
    window: tuple[SignedEnergy, SignedEnergy] = (-8.0, 8.0)
    count_window: Energy = 0.3

    @field_validator("window")
    @classmethod
    def _ordered(cls, value: tuple[float, float]) -> tuple[float, float]:
        if value[0] >= value[1]:
            raise ValueError(f"window must rise, not {value[0]:g} to {value[1]:g} eV")
        if max(map(abs, value)) > 200:
            raise ValueError("window reaches at most 200 eV from its zero")
        return value

    @field_validator("broadening")
    @classmethod
    def _drawable(cls, value: float) -> float:
        if not 0.005 <= value <= 2:
            raise ValueError(f"a broadening lies between 0.005 and 2 eV, not {value:g}")
        return value


class RelaxSettings(Record):
    """How the relaxations of a study go.

    Parameters
    ----------
    kpoints : KMesh, optional
        Where it is coarser than that of the energies; the static run judges the forces.
    begin : str
        Geometry in which the spin states after the first begin: that in which the "first state" with the same start
        came to rest (a third of the steps), or the "ideal sites" with the displacements of the start.
    """

    kpoints: KMesh | None = None
    begin: Literal["first state", "ideal sites"] = "first state"


class Bulk(Record):
    """The host's own run: band edges and the level that aligns them to a defect cell."""

    kpoints: KMesh
    band_kpoints: KMesh


class Recipe(Document):
    """A study. ``sources`` says where each number comes from: a DOI, a run, or "our choice" with the reason."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_\-]{1,64}$")]
    question: str
    host: Host
    supercell: Supercell
    pairs: Pairs
    spin: Spin
    settings: Settings
    stages: tuple[Stage, ...]
    bulk: Bulk | None = None
    relax: RelaxSettings = RelaxSettings()
    dos: DosSettings = DosSettings()
    caveats: tuple[str, ...] = ()
    sources: dict[str, str] = Field(default_factory=dict)

    @field_validator("stages")
    @classmethod
    def _stages_in_order(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        allowed: tuple[tuple[str, ...], ...] = (
            ("static",),
            ("static", "dos"),
            ("relax", "static"),
            ("relax", "static", "dos"),
        )
        if value not in allowed:
            raise ValueError('stages are ["static"], with "relax" before and "dos" after it if wanted')
        return value

    @model_validator(mode="after")
    def _sources_name_keys(self) -> Recipe:
        check_sources(self, self.sources)
        if "dos" in self.stages and self.dos.kpoints is None:
            raise ValueError("the dos stage needs dos.kpoints")
        if "relax" not in self.stages and self.relax.kpoints is not None:
            raise ValueError("relax.kpoints is given, but the stages hold no relax")
        return self


def load_recipe(path: Path | str) -> Recipe:
    """Read and check a recipe.

    Raises
    ------
    RecipeError
        With the file, the key, what was expected and the nearest valid key.
    """
    return checked_recipe(Recipe, Path(path))
