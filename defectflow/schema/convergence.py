"""Convergence studies: one recipe of pairs, and settings varied one at a time around it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from defectflow.schema.recipe import Recipe
from defectflow.schema.settings import Document, Record, Settings


class Axis(Record):
    """One setting and the values it takes, the most accurate last.

    Parameters
    ----------
    key : str
        Of the base recipe, dotted: ``settings.cutoff``.
    values : tuple
        As they would stand in the recipe.
    kind : str
        "numerical" has a limit that the last value is nearest to, and counts as numerical error of a result at
        another value; "choice" has none (a lattice constant, a PAW set), and says how much hangs on it.
    select : tuple of int, optional
        Pairs that are run; without it those of the base recipe.
    fixed : dict
        Keys that have another value than in the base recipe for all points of this axis.
    """

    name: str
    key: str
    values: tuple[Any, ...] = Field(min_length=2)
    kind: Literal["numerical", "choice"]
    select: tuple[Annotated[int, Field(ge=1, strict=True)], ...] | None = None
    fixed: dict[str, Any] = Field(default_factory=dict)


class ConvergenceRecipe(Document):
    """One recipe of pairs, and settings varied one at a time around it.

    Parameters
    ----------
    base : Recipe
        A recipe of pairs, or the name of its file beside this one; stages ``["static"]`` or ``["relax", "static"]``.
        With a relaxation every value relaxes anew, but for a mesh of the energies where ``relax.kpoints`` is given.
    axes : tuple of Axis
        At least one.
    """

    kind: Literal["convergence"]
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_\-]{1,64}$")]
    question: str
    base: Recipe
    axes: tuple[Axis, ...] = Field(min_length=1)
    caveats: tuple[str, ...] = ()
    sources: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _names_differ(self) -> ConvergenceRecipe:
        names = [axis.name for axis in self.axes]
        if len(set(names)) != len(names):
            raise ValueError(f"two axes have one name: {', '.join(names)}")
        if "static" not in self.base.stages or "dos" in self.base.stages:
            raise ValueError('the base recipe has stages = ["static"] or ["relax", "static"]: energies are compared')
        return self

    @property
    def settings(self) -> Settings:
        """Those of the base recipe."""
        return self.base.settings


@dataclass(frozen=True)
class ErrorTerm:
    """What one setting leaves open of the difference of one pair.

    Attributes
    ----------
    axis : str
    value : float
        Size (eV per cell), not negative.
    measured_on : str
        Label of the pair that it was measured on; another one's where the pair itself was not run.
    between : (str, str)
        The settings whose differences were compared.
    """

    axis: str
    value: float
    measured_on: str
    between: tuple[str, str]


@dataclass(frozen=True)
class ErrorBudget:
    """Numerical errors of a study's differences E_AF - E_FM, taken from a convergence study.

    Attributes
    ----------
    terms : dict of str to tuple of ErrorTerm
        By pair label.
    settings : dict of str to str
        Those that the terms belong to, by dotted key; a study with others cannot use them.
    source : str
        The convergence study, its code and version.
    """

    terms: dict[str, tuple[ErrorTerm, ...]]
    settings: dict[str, str]
    source: str
