"""Recipes of a metal(001)/oxide(001)/metal junction: the cell whose Fermi level a study is placed on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from defectflow.schema.quantity import Length, Moment
from defectflow.schema.recipe import Bulk, DosSettings
from defectflow.schema.recipe_file import check_sources, checked_recipe
from defectflow.schema.settings import Document, Record, Settings, check_element

# Between what atoms allow and what is a typing error; in A.
LatticeConstant = Annotated[Length, Field(ge=2, le=10)]
Spacing = Annotated[Length, Field(ge=0.8, le=4)]
Distance = Annotated[Length, Field(ge=1, le=6)]
Count = Annotated[int, Field(ge=1, le=60, strict=True)]
Times = Annotated[int, Field(ge=1, le=6, strict=True)]
Stacking = Literal["anion-top", "cation-top", "hollow"]


class Oxide(Record):
    """The barrier: a rocksalt oxide, ``layers`` monolayers thick.

    ``lattice_constant`` is that of the unstrained crystal; without it, the one of ``materials/hosts.toml``.
    ``spacing`` is the distance of two layers in the junction; without it, that of equal volume.
    """

    material: str
    lattice_constant: LatticeConstant | None = None
    layers: Annotated[int, Field(ge=2, le=60, strict=True)]
    spacing: Spacing | None = None


class Electrode(Record):
    """The metal: its unstrained crystal, its layers (of a slab: on each side; of a superlattice: in one period).

    ``spacing`` is the distance of two layers in the junction; without it, that of equal volume.
    """

    element: str
    prototype: Literal["bcc", "fcc"]
    lattice_constant: LatticeConstant
    layers: Count
    spacing: Spacing | None = None
    moment: Annotated[Moment, Field(ge=-10, le=10)]

    @field_validator("element")
    @classmethod
    def _known(cls, value: str) -> str:
        return check_element(value)


class Interface(Record):
    """How the two crystals meet.

    ``strained`` takes the other's in-plane lattice; more than ``max_strain`` of it is refused. ``distance`` is
    that of the two layers that face each other. ``max_area`` (A^2) bounds the search for a common in-plane cell,
    which ``repeat`` then multiplies, for single dopants.
    """

    stacking: Stacking
    distance: Distance
    strained: Literal["electrode", "oxide"]
    max_strain: Annotated[float, Field(gt=0, le=0.2)]
    max_area: Annotated[float, Field(gt=0, le=200)] = 60.0
    repeat: tuple[Times, Times] = (1, 1)


class Impurity(Record):
    """Atoms at an interface: a layer between metal and oxide (``depth = 0``), or anions of the oxide replaced.

    ``depth`` counts oxide layers from the interface on ``side``; ``both`` keeps the two interfaces equivalent.
    ``fill`` says whether one anion of the layer or all of them are replaced; ``distance`` is that of an inserted
    layer from the oxide.
    """

    element: str
    side: Literal["left", "right", "both"]
    depth: Annotated[int, Field(ge=0, le=30, strict=True)]
    fill: Literal["one", "all"]
    distance: Distance | None = None

    @field_validator("element")
    @classmethod
    def _known(cls, value: str) -> str:
        return check_element(value)

    @model_validator(mode="after")
    def _inserted_at_a_distance(self) -> Impurity:
        if (self.depth == 0) != (self.distance is not None):
            raise ValueError('distance (to the oxide) goes with depth = 0, e.g. "1.5 A"')
        if self.depth == 0 and self.fill != "all":
            raise ValueError('an inserted layer is whole: fill = "all"')
        return self


class Geometry(Record):
    """One period of a superlattice, or a slab between vacuum of the given thickness."""

    kind: Literal["superlattice", "slab"]
    vacuum: Annotated[Length, Field(ge=5, le=60)] | None = None

    @model_validator(mode="after")
    def _vacuum_of_a_slab(self) -> Geometry:
        if (self.kind == "slab") != (self.vacuum is not None):
            raise ValueError('vacuum goes with kind = "slab", e.g. "12 A"')
        return self


class Relaxation(Record):
    """Relax a junction of fewer oxide layers and take its displacements over: the barrier's middle is bulk anyway."""

    oxide_layers: Annotated[int, Field(ge=2, le=60, strict=True)]


class JunctionRecipe(Document):
    """A junction and the bulk of its oxide, run with one set of settings.

    ``states`` are P and AP, the moments of the two electrodes along or against each other; ``dos`` says how the
    layer-resolved DOS is drawn.
    """

    kind: Literal["junction"]
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_\-]{1,64}$")]
    question: str
    oxide: Oxide
    electrode: Electrode
    interface: Interface
    geometry: Geometry
    impurities: tuple[Impurity, ...] = ()
    states: tuple[Literal["P", "AP"], ...]
    settings: Settings
    stages: tuple[Literal["relax", "static"], ...]
    bulk: Bulk
    relaxation: Relaxation | None = None
    dos: DosSettings = DosSettings()
    caveats: tuple[str, ...] = ()
    sources: dict[str, str] = Field(default_factory=dict)

    @field_validator("stages")
    @classmethod
    def _stages_in_order(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if value not in (("static",), ("relax", "static")):
            raise ValueError('stages are ["static"], with "relax" before it if wanted')
        return value

    @field_validator("states")
    @classmethod
    def _different_states(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value or len(set(value)) != len(value):
            raise ValueError("states must be a list of different states")
        return value

    @model_validator(mode="after")
    def _consistent(self) -> JunctionRecipe:
        check_sources(self, self.sources)
        if self.relaxation is not None:
            self._check_relaxation(self.relaxation.oxide_layers)
        layers = [(side, i.depth) for i in self.impurities for side in _sides(i)]
        if len(set(layers)) != len(layers):
            raise ValueError("two impurities lie in one layer; join them, or choose another depth")
        if self.geometry.kind == "superlattice" and self.electrode.layers == 1:
            raise ValueError("electrode.layers: a superlattice needs two, one for each interface")
        if self.geometry.kind == "superlattice" and "AP" in self.states:
            raise ValueError(
                "AP needs two electrodes; the metal of a superlattice is one, and would hold a domain wall:"
                ' use geometry = { kind = "slab", vacuum = "12 A" }'
            )
        return self

    def _check_relaxation(self, layers: int) -> None:
        if "relax" not in self.stages:
            raise ValueError('relaxation goes with stages = ["relax", "static"]')
        if layers > self.oxide.layers or (layers - self.oxide.layers) % 2:
            raise ValueError(f"relaxation.oxide_layers is {self.oxide.layers} less an even number, not {layers}")
        if any(i.depth > layers // 2 for i in self.impurities):
            raise ValueError(f"relaxation.oxide_layers is {layers}: too thin for the depth of the impurities")


def _sides(impurity: Impurity) -> tuple[str, ...]:
    return ("left", "right") if impurity.side == "both" else (impurity.side,)


def load_junction(path: Path | str) -> JunctionRecipe:
    """Read and check the recipe of a junction; see `defectflow.schema.load_recipe`."""
    return checked_recipe(JunctionRecipe, Path(path))
