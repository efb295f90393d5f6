"""A junction's result beside what it was built as and the bulk that it is referred to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from defectflow.errors import AnalysisError
from defectflow.schema import CalcResult
from defectflow.schema.layers import JunctionCell, Layer


@dataclass(frozen=True, eq=False)
class Aligned:
    """A junction's result, what it was built as, and the bulk that it is referred to."""

    result: CalcResult
    junction: JunctionCell
    bulk: CalcResult

    @property
    def central(self) -> tuple[Layer, ...]:
        """The middle third of the barrier, two layers at least."""
        return self._middle(max(2, len(self.junction.of_kind("oxide")) // 3))

    def _middle(self, n: int) -> tuple[Layer, ...]:
        layers = self.junction.of_kind("oxide")
        n += (len(layers) - n) % 2
        first = (len(layers) - n) // 2
        return layers[max(first, 0) : first + n]

    def sites(self, symbol: str, least: int = 2) -> list[int]:
        """Central sites of an element, over `least` layers or more."""
        layers = self.central if len(self.central) >= least else self._middle(least)
        return [s for layer in layers for s in layer.sites if self.result.cell.species[s] == symbol]

    @property
    def metal(self) -> list[int]:
        """Sites of the electrodes by height."""
        return [s for layer in self.junction.of_kind("metal") for s in layer.sites]

    def in_bulk(self, symbol: str) -> float:
        """Mean site potential of an element in the bulk (eV)."""
        species = np.array(self.bulk.cell.species)
        return float(self.bulk.site_potentials[species == symbol].mean())


def check_comparable(run: Aligned) -> None:
    """Refuse two runs whose levels may not be compared.

    Raises
    ------
    AnalysisError
        If engine, version, settings, kind of site potential or PAW sets differ.
    """
    a, b = run.result, run.bulk
    for key in ("engine", "version", "site_potential_kind"):
        if getattr(a, key) != getattr(b, key):
            raise AnalysisError(f"junction and bulk differ in {key}: {getattr(a, key)} and {getattr(b, key)}")
    if a.settings != b.settings:
        raise AnalysisError("junction and bulk were run with different settings", todo="run both from one recipe")
    for symbol in set(b.cell.species):
        if a.potentials[symbol] != b.potentials[symbol]:
            raise AnalysisError(f"junction and bulk used different PAW sets for {symbol}")


def check_moments(run: Aligned) -> None:
    """Refuse a state whose electrodes did not keep the signs that were asked for.

    Raises
    ------
    AnalysisError
        With the first atom that flipped or lost its moment.
    """
    wanted, found = run.junction.cell.moments, run.result.site_moments
    for site in run.metal:
        if wanted[site] and found[site] * wanted[site] <= 0:
            symbol = run.junction.cell.species[site]
            what = f"the moment of {symbol} {site} came out as {found[site]:+.2f} muB, asked for {wanted[site]:+.2f}"
            raise AnalysisError(what, todo=f"this is not the {run.junction.state} state; start it again")
