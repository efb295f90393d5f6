"""What DFT hands to a transport model: one JSON file, whose schema is published in ``docs/handoff.schema.json``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StrictBool, ValidationError

from defectflow.schema.chain import Spinterface
from defectflow.schema.jsonio import read_json
from defectflow.schema.recipe_errors import explain
from defectflow.schema.settings import Document, Record

Number = Annotated[float, Field(allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]
Uncertain = Annotated[Number, Field(ge=0)]


class HandoffLevel(Record):
    """States of the dopants that are degenerate within 10 meV, from eigenvalues and projections."""

    spin: Literal["up", "down", "both"] = Field(description='"both": the same energies in both spins')
    bands: tuple[Count, ...] = Field(description="numbers of the bands in the run, the lowest is 1")
    degeneracy: Count = Field(description="how many bands, each counted once for its spin, or for both")
    energy: Number = Field(description="mean over the k mesh and the bands, meV relative to E_F")
    width: Uncertain = Field(description="highest minus lowest energy over the k mesh (meV); 0 with one k-point")
    occupation: Number = Field(description="of one band and spin; Methfessel-Paxton may pass 0 and 1")
    weights: tuple[Number, Number] = Field(description="mean projection on the first and the second centre, spin up's")
    orbitals: dict[str, Number] = Field(description="mean projection on both centres by orbital")


class HandoffExchange(Record):
    """Exchange of the pair from its total energies."""

    convention: str
    delta_af_fm: Number = Field(description="E_AF - E_FM (meV per cell)")
    uncertainty: Uncertain = Field(description="numerical error of it (meV per cell)")
    images: Count = Field(description="equal bonds z in one cell")
    j_per_bond: Number = Field(description="delta_af_fm / 2z (meV)")
    j_dimer: Number = Field(description="delta_af_fm / 2 (meV), the cell read as one isolated pair")


class ChainFit(Record):
    """The two inner levels of the four-level chain that come nearest to the levels, by least squares."""

    e0: Number = Field(description="mean of both centres' levels, meV relative to E_F")
    asym: Number = Field(description="level of the first centre minus that of the second (meV)")
    hopping: Uncertain = Field(description="between them (meV); currents and levels do not depend on its sign")
    exchange: Number = Field(description="v (meV) in -v sigma <S_mz>")
    spin_length: Annotated[float, Field(gt=0, le=5)] = Field(description="S of each centre: half its moment in muB")
    order: Literal["FM", "AF"] = Field(description="<S_1z> = S, <S_2z> = S or -S")
    levels: Count = Field(description="how many bands of either spin were fitted")
    rms: Uncertain = Field(description="root mean square of band minus model level (meV)")
    worst: Uncertain = Field(description="largest of these differences (meV)")
    rms_sites: Uncertain = Field(
        description="of the centres' projection-weighted mean energies minus the model's (meV)"
    )


class HandoffCertificate(Record):
    """Whether the energies of the pair may be subtracted, and what stands against it."""

    passed: StrictBool
    reasons: tuple[str, ...]
    remarks: tuple[str, ...]


class HandoffReference(Record):
    """Where E_F is, the zero of every energy in the file."""

    name: str
    uncertainty: Uncertain = Field(description="of its place (meV)")
    source: str


class Handoff(Document):
    """A dopant pair for a transport model. Energies in meV; levels relative to E_F of `reference`."""

    kind: Literal["handoff"]
    statement: str = Field(description="what a reader must know first, e.g. that the certificate failed")
    pair: str = Field(description="label of the pair in its study")
    distance: Annotated[Number, Field(gt=0)] = Field(description="of the two centres (A)")
    centres: tuple[str, str] = Field(description="elements of the first and the second centre")
    host: str = Field(description="formula of the host")
    state: str = Field(description="spin state whose levels these are")
    certificate: HandoffCertificate
    reference: HandoffReference
    levels: Annotated[tuple[HandoffLevel, ...], Field(min_length=1)]
    exchange: HandoffExchange | None = Field(description="null where FM or AF is missing")
    fit: ChainFit | None = Field(description="null where a spin has fewer than two levels")
    spinterface: Spinterface | None = Field(description="as given by the user (meV); null: not known to DFT")
    source: dict[str, str] = Field(description="code, version, hash of the inputs, settings")


def load_handoff(path: Path) -> Handoff:
    """Read and check a hand-off file.

    Raises
    ------
    ParseError, RecipeError
        If it is no JSON, or not one of this schema, with the keys that are wrong.
    """
    try:
        return Handoff.model_validate(read_json(path))
    except ValidationError as error:
        raise explain(error, Handoff, path) from None
