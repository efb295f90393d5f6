"""FM and AF of every pair side by side: the lowest state of each order, their difference, its certificate."""

from __future__ import annotations

from dataclasses import dataclass

from defectflow.analyse.exchange import Exchange, exchange
from defectflow.analyse.verify import Certificate, certificate, pair_distance, verify_pair, verify_state
from defectflow.schema import CalcResult, PairOrbit, StateEntry


@dataclass(frozen=True)
class StateSummary:
    """One run of a spin state, kept or not.

    Attributes
    ----------
    name : str
    e0 : float
        eV per cell.
    total_moment : float
        muB.
    dopant_moments : (float, float)
        Site moments of the two dopants (muB), inside the spheres of the engine.
    distance : float
        Of the two dopants (A).
    passed : bool
        Whether it is the state that it was meant to be.
    """

    name: str
    e0: float
    total_moment: float
    dopant_moments: tuple[float, float]
    distance: float
    passed: bool


@dataclass(frozen=True)
class PairComparison:
    """FM against AF for one pair.

    Attributes
    ----------
    orbit : PairOrbit
    fm, af : StateSummary or None
        The lowest valid run of each order; the lowest of all where none is valid; None without a result.
    exchange : Exchange or None
        None unless both energies are there.
    uncertainty : float
        Numerical error of the difference (eV): what the SCF of both left open, plus the part of the difference
        that the extrapolation to zero smearing moved. Mesh, cutoff, geometry and functional are not in it.
    certificate : Certificate
    others : tuple of StateSummary
        Runs from other starts that were not kept, lowest first.
    """

    orbit: PairOrbit
    fm: StateSummary | None
    af: StateSummary | None
    exchange: Exchange | None
    uncertainty: float
    certificate: Certificate
    others: tuple[StateSummary, ...]


def compare_study(entries: tuple[StateEntry, ...]) -> tuple[PairComparison, ...]:
    """Compare FM and AF of every pair among the entries of a study."""
    labels = dict.fromkeys(e.pair.orbit.label for e in entries)
    return tuple(_compare([e for e in entries if e.pair.orbit.label == label]) for label in labels)


def _compare(entries: list[StateEntry]) -> PairComparison:
    kept = {state: _lowest([e for e in entries if e.pair.state == state]) for state in ("FM", "AF")}
    fm, af = kept["FM"], kept["AF"]
    others = [summary(e) for e in entries if e.result and e not in (fm, af)]
    orbit = entries[0].pair.orbit
    if fm is None or af is None or fm.result is None or af.result is None:
        missing = [f"{e.name}: no result ({e.missing})" for e in entries if e.result is None]
        reasons = missing or [f"pair {orbit.label}: the study has no FM and AF state to compare"]
        found = [summary(e) if e and e.result else None for e in (fm, af)]
        return PairComparison(orbit, found[0], found[1], None, 0.0, certificate(reasons, []), tuple(others))
    return PairComparison(
        orbit=orbit,
        fm=summary(fm),
        af=summary(af),
        exchange=exchange(fm.result.e0, af.result.e0, orbit.images),
        uncertainty=numerical_uncertainty(fm.result, af.result),
        certificate=verify_pair((fm.result, fm.pair, fm.name), (af.result, af.pair, af.name)),
        others=tuple(sorted(others, key=lambda s: s.e0)),
    )


def _lowest(entries: list[StateEntry]) -> StateEntry | None:
    def rank(entry: StateEntry) -> tuple[bool, float]:
        result = entry.result
        if result is None:
            return True, float("inf")
        return not verify_state(result, entry.pair, entry.name).passed, result.e0

    return min(entries, key=rank, default=None)


def summary(entry: StateEntry) -> StateSummary:
    """Energy, moments and distance of one run."""
    result = entry.result
    assert result is not None  # callers keep entries without a result apart
    first, second = (float(result.site_moments[d]) for d in entry.pair.dopants)
    passed = verify_state(result, entry.pair, entry.name).passed
    distance = pair_distance(result, entry.pair)
    return StateSummary(entry.name, result.e0, result.total_moment, (first, second), distance, passed)


def numerical_uncertainty(first: CalcResult, second: CalcResult) -> float:
    """SCF residues of both runs plus the change of their difference between F and E0 (eV)."""
    residue = sum(max(abs(r.convergence.last_energy_change), r.convergence.energy_tolerance) for r in (first, second))
    smearing = abs((second.free_energy - first.free_energy) - (second.e0 - first.e0))
    return residue + smearing
