"""Settings of a calculation that change its numbers, whatever the engine."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    field_validator,
    model_validator,
)

from defectflow.schema.keywords import is_neutral
from defectflow.schema.quantity import Energy, Force

Centring = Literal["gamma", "shifted"]
SmearingKind = Literal["methfessel-paxton", "fermi-dirac", "gaussian"]
Divisions = Annotated[int, Field(ge=1, le=64, strict=True)]


def check_element(symbol: str) -> str:
    """Return `symbol` if it is a chemical element, else raise ValueError."""
    from ase.data import chemical_symbols

    if symbol not in chemical_symbols[1:]:
        raise ValueError(f'"{symbol}" is no chemical element')
    return symbol


def within(low: float, high: float, what: str, unit: str) -> AfterValidator:
    """Refuse a number outside a range, in which everything that is meant lies."""

    def check(value: float) -> float:
        if not low <= value <= high:
            raise ValueError(f"{what} lies between {low:g} and {high:g} {unit}, not {value:g}")
        return value

    return AfterValidator(check)


class Record(BaseModel):
    """A frozen record that refuses unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class Document(Record):
    """A file of its own; ``schema`` is the version of its layout."""

    schema_version: Literal[1] = Field(alias="schema")

    @field_validator("schema_version", mode="before")
    @classmethod
    def _no_boolean(cls, value: object) -> object:
        if isinstance(value, bool):  # true equals 1
            raise ValueError("is 1, the version of the layout, and neither true nor false")  # noqa: TRY004  (pydantic reports ValueError with its key)
        return value


class KMesh(Record):
    """Regular mesh of k-points.

    ``centring = "gamma"`` holds the Gamma point; ``"shifted"`` is the mesh of Monkhorst and Pack,
    PRB 13, 5188 (1976): an even number of divisions then avoids Gamma.
    """

    mesh: tuple[Divisions, Divisions, Divisions]
    centring: Centring

    @model_validator(mode="after")
    def _odd_is_gamma(self) -> KMesh:
        if self.centring == "shifted" and all(n % 2 for n in self.mesh):
            raise ValueError('an odd mesh always holds Gamma: write centring = "gamma"')
        return self

    def __str__(self) -> str:
        return "x".join(map(str, self.mesh)) + f" {self.centring}"


class Smearing(Record):
    """Occupation function and its width (eV); `order` is that of Methfessel and Paxton, PRB 40, 3616 (1989)."""

    kind: SmearingKind
    width: Annotated[Energy, within(1e-4, 1, "a smearing width", "eV")]
    order: Annotated[int, Field(ge=1, le=4, strict=True)] | None = None

    @model_validator(mode="after")
    def _order_belongs_to_mp(self) -> Smearing:
        if (self.kind == "methfessel-paxton") != (self.order is not None):
            raise ValueError('order goes with kind = "methfessel-paxton", and must be given there (1 or 2)')
        return self

    def __str__(self) -> str:
        order = "" if self.order is None else f"({self.order})"
        return f"{self.kind}{order} {self.width:g} eV"


class Settings(Record):
    """Everything that two runs must share before their energies may be subtracted.

    Parameters
    ----------
    cutoff : float
        Plane-wave cutoff, ENCUT (eV).
    energy_tolerance : float
        Change of the total energy at which the SCF stops, EDIFF (eV per cell).
    force_tolerance : float
        Largest force at which a relaxation stops, -EDIFFG (eV/A).
    symmetry : bool
        Keep the symmetry of the start in density and geometry.
    empty_bands : int
        Bands above those that the electrons of one spin channel fill at half occupation.
    potentials : dict
        Flavour of the PAW set per engine and element, e.g. ``{"gpaw": {"Mg": "2"}}``.
    incar : dict
        Further INCAR tags for VASP, e.g. ``{"NCORE": 4}``; those that follow from other keys are refused.
    """

    profile: Literal["quick", "standard", "paper", "tight"]
    functional: Literal["PBE"] = "PBE"
    cutoff: Annotated[Energy, within(100, 3000, "a plane-wave cutoff", "eV")]
    kpoints: KMesh
    smearing: Smearing
    energy_tolerance: Energy
    force_tolerance: Annotated[Force, within(1e-5, 1, "a force limit", "eV/A")]
    max_scf_steps: Annotated[int, Field(ge=5, le=1000, strict=True)] = 120
    max_ionic_steps: Annotated[int, Field(ge=1, le=1000, strict=True)] = 200
    symmetry: StrictBool = True
    empty_bands: Annotated[int, Field(ge=4, le=1000, strict=True)] = 14
    potentials: dict[str, dict[str, str]] = Field(default_factory=dict)
    incar: dict[str, StrictBool | StrictInt | StrictFloat | str] = Field(default_factory=dict)

    def deciding(self) -> Settings:
        """These settings without further tags for VASP that change no converged energy (NCORE, KPAR)."""
        incar = {tag: value for tag, value in self.incar.items() if not is_neutral(tag.upper())}
        return self.model_copy(update={"incar": incar})

    @field_validator("potentials")
    @classmethod
    def _elements(cls, value: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
        for flavours in value.values():
            for symbol in flavours:
                check_element(symbol)
        return value

    @field_validator("energy_tolerance")
    @classmethod
    def _tolerance_in_range(cls, value: float) -> float:
        if value > 1e-2:
            raise ValueError(f"{value:g} eV per cell is too loose for an energy difference; at most 0.01 eV")
        return value
