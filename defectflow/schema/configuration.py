"""Configurations of dopants and vacancies, in the orders and charges that are run."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from defectflow.schema.cell import Cell, Floats
from defectflow.schema.result import CalcResult


@dataclass(frozen=True, eq=False)
class Configuration:
    """One symmetry-distinct way of putting dopants and vacancies on the sites of a supercell.

    Attributes
    ----------
    label : str
        Canonical: the same in every run and for equivalent inputs; a folder name.
    composition : dict of str to int
        How many of each defect, e.g. ``{"C_O": 1, "V_O": 1}``.
    degeneracy : int
        How many configurations of the supercell it stands for.
    cell : Cell
        The supercell, without moments.
    dopants : tuple of int
        Indices of the atoms in `cell` that are none of the host's.
    defects : tuple of str
        What sits on each of the sites that were changed, e.g. ``("C_O", "V_O")``.
    centres : (m, 3) float
        Fractional coordinates of those sites, vacancies included.
    distance : float
        Shortest distance of any two of them (A); infinite for a single one.
    origin : (3,) float
        Point of the pristine supercell (fractional) that is the origin of `cell`.
    """

    label: str
    composition: dict[str, int]
    degeneracy: int
    cell: Cell
    dopants: tuple[int, ...]
    defects: tuple[str, ...]
    centres: Floats
    distance: float
    origin: Floats

    @property
    def middle(self) -> Floats:
        """Middle of its sites (fractional), by the images nearest to the first."""
        offsets = self.centres - self.centres[0]
        return np.asarray((self.centres[0] + (offsets - np.rint(offsets)).mean(axis=0)) % 1.0)


@dataclass(frozen=True, eq=False)
class ConfigurationState:
    """A configuration in one spin order and one charge.

    Attributes
    ----------
    configuration : Configuration
    order : str
        "FM", "AF", "NM" or a sign for each magnetic site: "++-".
    charge : int
        Of the cell (e); positive where electrons are missing.
    cell : Cell
        With the moments to start from.
    magnetic : tuple of int
        Atoms that carry these moments.
    """

    configuration: Configuration
    order: str
    charge: int
    cell: Cell
    magnetic: tuple[int, ...]

    @property
    def folder(self) -> str:
        """Part of a path: ``C_O.0.5/AF``, with the charge behind the label if it has one: ``V_O.0.q+1/FM``."""
        charge = f".q{self.charge:+d}" if self.charge else ""
        return f"{self.configuration.label}{charge}/{self.order}"

    @property
    def intended_moment(self) -> float:
        """Total moment that the run starts with and should keep (muB)."""
        return float(np.sum(self.cell.moments))


@dataclass(frozen=True, eq=False)
class ConfigurationEntry:
    """A state with its result in one round.

    Attributes
    ----------
    path : str
        Folder of the job that gives the energy.
    state : ConfigurationState
    result : CalcResult or None
        None where there is no result made by the inputs that the study asks for.
    missing : str
        Why there is none, empty otherwise.
    relaxed : CalcResult or None
        Last step of the relaxation that gave the geometry; None where the round relaxes nothing.
    """

    path: str
    state: ConfigurationState
    result: CalcResult | None
    missing: str
    relaxed: CalcResult | None

    @property
    def name(self) -> str:
        """Short name for messages."""
        return self.state.folder.replace("/", " ")


@dataclass(frozen=True)
class Promotion:
    """A configuration that goes on to the next round, and why.

    Attributes
    ----------
    label : str
    charge : int
    rule : str
        The rules that keep it, in words with their numbers.
    above_lowest : float
        Energy above the lowest of its composition and charge in the round before (eV per cell).
    """

    label: str
    charge: int
    rule: str
    above_lowest: float


@dataclass(frozen=True)
class Promotions:
    """What goes from one round to the next.

    Attributes
    ----------
    after, to : str
        Names of the rounds.
    inputs : str
        Digest of the results that decided; others decide again.
    kept : tuple of Promotion
    dropped : dict of str to str
        Label (with its charge) to the reason.
    """

    after: str
    to: str
    inputs: str
    kept: tuple[Promotion, ...]
    dropped: dict[str, str]
