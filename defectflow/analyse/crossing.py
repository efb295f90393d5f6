"""Dopant states that a reference level cuts, and what was published of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from defectflow.analyse.alignment import Reference
from defectflow.analyse.dos import Level, levels_around
from defectflow.schema import CalcResult

DOPANT_STATE = 0.2  # least mean projection on both dopants together; states of the host have less than 0.1
PUBLISHED = 4  # "four spin-degenerate states that intersect E_F"
PUBLISHED_BY = "Katcko et al., Commun. Phys. 2, 116 (2019), doi:10.1038/s42005-019-0207-8"


@dataclass(frozen=True)
class Crossing:
    """Dopant states at a level, over the uncertainty of its place.

    Attributes
    ----------
    levels : tuple of Level
        Dopant states that come within the window asked for.
    up, down : tuple of int
        How many of each spin the level cuts, smearing width included, at its lower end, its place and its upper end.
    degenerate : tuple of int
        How many of them have the same energies in both spins; each is counted once for its two spins.
    """

    levels: tuple[Level, ...]
    up: tuple[int, int, int]
    down: tuple[int, int, int]
    degenerate: tuple[int, int, int]

    @property
    def as_published(self) -> str:
        """Whether four spin-degenerate states are cut: "yes", "no", or "within the uncertainty of E_F"."""
        hits = [n == PUBLISHED for n in self.degenerate]
        if all(hits):
            return "yes"
        return "within the uncertainty of E_F" if any(hits) else "no"

    @property
    def as_published_by_spin(self) -> bool:
        """Whether two spin-degenerate states are cut anywhere there: four states if both spins are counted."""
        return 2 * max(self.degenerate) == PUBLISHED


def crossing(result: CalcResult, reference: Reference, dopants: tuple[int, int], window: float) -> Crossing:
    """Dopant states around a level.

    Parameters
    ----------
    window : float
        How far around the level the states are listed (eV).
    """
    sharp = replace(reference, uncertainty=0.0)
    places = [replace(sharp, energy=reference.energy + s * reference.uncertainty) for s in (-1, 0, 1)]
    cut = [[v for v in _states(result, p, dopants, window) if v.crosses] for p in places]
    up, down = ([sum(v.spin == spin for v in found) for found in cut] for spin in ("up", "down"))
    both = [sum(v.spin == "up" and v.spin_degenerate for v in found) for found in cut]
    return Crossing(_states(result, reference, dopants, window), _three(up), _three(down), _three(both))


def _states(result: CalcResult, at: Reference, dopants: tuple[int, int], window: float) -> tuple[Level, ...]:
    reach = max(window, result.settings.smearing.width)
    return tuple(v for v in levels_around(result, at, dopants, reach) if v.dopant_weight >= DOPANT_STATE)


def _three(counts: list[int]) -> tuple[int, int, int]:
    low, at, high = counts
    return low, at, high
