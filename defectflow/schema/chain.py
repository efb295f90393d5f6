"""Parameters of the four-level chain between two ferromagnetic leads, as a TOML file.

Names are those of Katcko et al., Commun. Phys. 2, 116 (2019), doi:10.1038/s42005-019-0207-8, where it has one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, StrictBool, ValidationError, model_validator

from defectflow.resources import resource
from defectflow.schema.quantity import Milli, SignedMilli
from defectflow.schema.recipe_errors import explain
from defectflow.schema.recipe_file import check_sources, checked_recipe
from defectflow.schema.settings import Document, Record

# Between what a junction allows and what is a typing error; meV.
Level = Annotated[SignedMilli, Field(ge=-1e5, le=1e5)]
Width = Annotated[Milli, Field(ge=1e-3, le=1e5)]
Thermal = Annotated[Milli, Field(ge=1e-2, le=1e3)]
Hopping = Annotated[SignedMilli, Field(ge=-1e4, le=1e4)]
Polarisation = Annotated[float, Field(gt=-1, lt=1, strict=True)]
Splitting = Literal["full", "plus-minus"]


class PairLevels(Record):
    """Levels of the two paramagnetic centres in one alignment of the leads: mean `e0` and difference `asym`."""

    e0: Level
    asym: Level


class ChainOptions(Record):
    """What the paper leaves open; the defaults give the currents at zero bias of our reference calculation.

    Attributes
    ----------
    profile : str
        Bias drop over six symmetric zones: "thirds" puts the levels at V (1/3, 1/6, -1/6, -1/3), "tenths" at
        V (0.3, 0.1, -0.1, -0.3).
    sp, SP : str
        Whether the splittings are full ones (each spin moves by half) or +- (each spin moves by all of it).
    band : str
        Spectral function of an uncoupled spinterface level: "lorentzian" of full width at half maximum, or "box" of
        full width, Gamma (1 + sigma p) / 2.
    sp2_flips : bool
        Whether the levels of the right spinterface change places with its lead in AP.
    asym : str
        "symmetric": e0 + asym/2 and e0 - asym/2; "one-sided": e0 + asym and e0.
    """

    profile: Literal["thirds", "tenths"] = "thirds"
    sp: Splitting = "full"
    SP: Splitting = "full"
    band: Literal["lorentzian", "box"] = "lorentzian"
    sp2_flips: StrictBool = False
    asym: Literal["symmetric", "one-sided"] = "symmetric"


class LocalSpins(Record):
    """The spins of the two centres, H = -v sum_m S_m.sigma_m; the paper gives none of these numbers.

    Attributes
    ----------
    v : float
        Coupling to the electron on the centre (meV); 0 switches all of it off.
    S : float
        Length of the spins: C on an O site has 1.
    kT_S : float or None
        Temperature of the spins (meV); None for that of the electrons.
    order : str
        "self-consistent": thermal spins in the fields and couplings that the electrons make; "FM", "AF": fixed
        at S and S, or S and -S.
    """

    v: Hopping = 0.0
    S: Annotated[float, Field(ge=0.5, le=3, multiple_of=0.5, strict=True)] = 1.0
    kT_S: Thermal | None = None  # noqa: N815  (the symbol)
    order: Literal["self-consistent", "FM", "AF"] = "self-consistent"


class Spinterface(Record):
    """Leads and the levels of their interfaces.

    Attributes
    ----------
    sp : float
        Spin splitting of the leads' electrochemical potentials (meV); that of the right lead is sp AP.
    SP : float
        Spin splitting of the spinterface levels (meV).
    p_left, p_right : float
        Spin polarisation of the two leads; the right one changes sign in AP.
    AP : float
        Ratio of the two splittings; it changes sign in AP.
    E0 : float
        Middle of the spinterface levels from E_F (meV).
    gamma : float
        Width of the spinterface levels, both spins together (meV).
    """

    sp: Level
    SP: Level
    p_left: Polarisation
    p_right: Polarisation
    AP: Annotated[float, Field(ge=-10, le=10, strict=True)]
    E0: Level
    gamma: Width


class Chain(Document):
    """FM / SP1 / PM1 / PM2 / SP2 / FM. ``sources`` says where each number comes from.

    Attributes
    ----------
    hoppings : (float, float, float)
        SP1-PM1, PM1-PM2, PM2-SP2 (meV).
    kT : float
        Of the electrons in both leads (meV).
    scale : float
        Factor on all currents.
    """

    kind: Literal["chain"]
    name: str
    spinterface: Spinterface
    parallel: PairLevels
    antiparallel: PairLevels
    hoppings: tuple[Hopping, Hopping, Hopping]
    kT: Thermal  # noqa: N815  (the symbol)
    scale: Annotated[float, Field(gt=0, le=1e12, strict=True)] = 1.0
    spins: LocalSpins = LocalSpins()
    options: ChainOptions = ChainOptions()
    sources: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _can_be_solved(self) -> Chain:
        check_sources(self, self.sources)
        if self.spins.v and self.spins.order == "self-consistent" and self.options.band == "box":
            what = "self-consistent spins need"
            raise ValueError(f'{what} options.band = "lorentzian": a box has bound states that no lead fills')
        return self


def checked_chain(document: dict[str, Any], name: str) -> Chain:
    """Parameters that were put together from others.

    Raises
    ------
    RecipeError
        If a number is not possible; `name` is where it stands.
    """
    try:
        return Chain.model_validate(document)
    except ValidationError as error:
        raise explain(error, Chain, Path(name)) from None


def load_chain(path: Path) -> Chain:
    """Read and check a parameter file.

    Raises
    ------
    RecipeError
        With the file, the key, what was expected and the nearest valid key.
    """
    return checked_recipe(Chain, path)


def paper_chain() -> Chain:
    """Parameters of the paper, shipped as ``workflows/paper_chain.toml``.

    >>> paper_chain().spinterface.sp
    8.4
    """
    return load_chain(resource("workflows", "paper_chain.toml"))
