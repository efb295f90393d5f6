"""Recipes: a study as a TOML file, checked key by key."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, cast, get_args

from pydantic import Field, ValidationError, field_validator, model_validator

from defectflow.errors import RecipeError
from defectflow.schema.quantity import IN_RECIPE, Energy, Length, Moment, SignedEnergy
from defectflow.schema.recipe_errors import explain
from defectflow.schema.settings import KMesh, Record, Settings, check_element
from defectflow.schema.toml import read_toml

Vector = tuple[float, float, float]
IntRow = tuple[int, int, int]
Stage = Literal["relax", "static", "dos"]
R = TypeVar("R", bound=Record)
_STATE = re.compile(r"FM|AF|NM|[+\-0]{2}")


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


class Start(Record):
    """How a run starts; broken starts look for SCF minima that a symmetric start cannot reach.

    ``rattle`` moves every atom by a seeded random vector of length up to ``amplitude``; ``off-centre``
    moves the dopants along their bond by ``amplitude``, ``dumbbell`` moves each towards the other by it;
    ``orbital`` moves the two neighbours of each dopant along ``axis`` inwards by ``amplitude``: cations then
    lower its p level along that axis, and the electron that the minority shell holds has one level to go to.
    With two axes, ``axis = "xy"``, the first dopant has the first and the second the second (staggered orbitals).
    In a study without a relaxation the moved geometry only seeds the density and wave functions.
    """

    kind: Literal["symmetric", "rattle", "off-centre", "dumbbell", "orbital"]
    amplitude: Length | None = None
    seed: Annotated[int, Field(ge=0, strict=True)] | None = None
    axis: Literal["x", "y", "z", "xy", "xz", "yx", "yz", "zx", "zy"] | None = None

    @model_validator(mode="after")
    def _what_it_needs(self) -> Start:
        along = {"off-centre": {"amplitude"}, "dumbbell": {"amplitude"}}
        needed = {"symmetric": set(), "rattle": {"amplitude", "seed"}, **along}
        needs: set[str] = needed.get(self.kind, {"amplitude", "axis"})
        given = {k for k in ("amplitude", "seed", "axis") if getattr(self, k) is not None}
        if given != needs:
            raise ValueError(f'kind = "{self.kind}" takes {", ".join(sorted(needs)) or "nothing else"}')
        return self

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
        if len(set(names)) != len(names) or not names:
            raise ValueError(f"starts must be a list of different starts; their names are {', '.join(names)}")
        return self

    @property
    def pair_moments(self) -> tuple[float, float]:
        """Moments of the first and the second dopant (muB), without sign."""
        return self.moments or (self.moment or 0.0, self.moment or 0.0)


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


class Recipe(Record):
    """A study. ``sources`` says where each number comes from: a DOI, a run, or "our choice" with the reason."""

    schema_version: Literal[1] = Field(alias="schema")
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


def check_sources(recipe: Record, sources: dict[str, str]) -> None:
    """Raise ValueError if a source is given for a key that the recipe does not set."""
    document = recipe.model_dump(by_alias=True)
    for key in sources:
        node: Any = document
        for part in key.split("."):
            node = node.get(part) if isinstance(node, dict) else None
        if node is None:
            raise ValueError(f'sources names "{key}", which this recipe does not set')


def load_recipe(path: Path | str) -> Recipe:
    """Read and check a recipe.

    Raises
    ------
    RecipeError
        With the file, the key, what was expected and the nearest valid key.
    """
    return checked_recipe(Recipe, Path(path))


# What a recipe is of, by its key `kind` (without it: of pairs), and where to read on.
KINDS = {
    "pairs": ("a study of pairs", "defectflow run --help"),
    "junction": ("a junction", "defectflow junction --help"),
    "screen": ("a screening", "defectflow screen --help"),
    "chain": ("a transport chain", "defectflow transport --help"),
    "convergence": ("a convergence study", "defectflow converge --help"),
}


def kind_of(document: Mapping[str, Any]) -> str | None:
    """Key into `KINDS` of a recipe as it was read; None if it says nothing of the sort."""
    kind = document.get("kind") or ("pairs" if "pairs" in document else None)
    return kind if isinstance(kind, str) and kind in KINDS else None


def kind_of_model(model: type[Record]) -> str:
    """The same of a recipe's class."""
    field = model.model_fields.get("kind")
    return str(get_args(field.annotation)[0]) if field else "pairs"


def checked_recipe(model: type[R], path: Path) -> R:
    """Read a recipe of one kind; see `load_recipe`."""
    document = read_toml(path, "recipe", "make one: defectflow init NAME")
    found, wanted = kind_of(document), kind_of_model(model)
    if found is not None and found != wanted:
        what = f"is the recipe of {KINDS[found][0]}, not of {KINDS[wanted][0]}"
        raise RecipeError(what, where=str(path), todo=f"see: {KINDS[found][1]}")
    try:
        return model.model_validate(_absolute_file(document, path.parent), context={IN_RECIPE: True})
    except ValidationError as error:
        raise explain(error, model, path) from None


def _absolute_file(document: dict[str, Any], folder: Path) -> dict[str, Any]:
    # A file is named relative to the recipe that names it, so a study can be moved as one folder.
    host = document.get("host")
    if isinstance(host, dict) and isinstance(host.get("file"), str):
        return {**document, "host": {**host, "file": str(Path.cwd() / folder / host["file"])}}
    if isinstance(document.get("base"), str):
        path = Path.cwd() / folder / document["base"]
        return {**document, "base": _absolute_file(read_toml(path, "recipe", "base names a recipe"), path.parent)}
    return document
