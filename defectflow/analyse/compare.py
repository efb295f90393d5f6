"""FM and AF of every pair side by side: the lowest state of each order, their difference, its certificate."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import hypot

from defectflow.analyse.exchange import Exchange, exchange
from defectflow.analyse.filling import filling_of
from defectflow.analyse.verify import Certificate, certificate, order_found, pair_distance, verify_pair, verify_state
from defectflow.schema import CalcResult, PairOrbit, RunSummary, StateEntry
from defectflow.schema.convergence import ErrorTerm
from defectflow.schema.filling import Filling


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
    code : str
        What made it; of a stand-in it says so.
    filling : Filling
        Partly filled levels and gap: a metal, or an orbital order.
    study : str
        That it is of, where states of several studies are compared; else empty.
    """

    name: str
    e0: float
    total_moment: float
    dopant_moments: tuple[float, float]
    distance: float
    passed: bool
    code: str
    filling: Filling
    study: str


@dataclass(frozen=True)
class PairComparison:
    """FM against AF for one pair.

    Attributes
    ----------
    orbit : PairOrbit
    fm, af : StateSummary or None
        The lowest run that came out in each order; None if none did.
    exchange : Exchange or None
        None unless both energies are there.
    uncertainty : float
        Numerical error of the difference (eV): what the SCF of both left open, plus the part of the difference
        that the extrapolation to zero smearing moved, and `errors` in squares with it. Geometry and functional are
        not in it; mesh and cutoff only where `errors` holds them.
    certificate : Certificate
    others : tuple of StateSummary
        Runs that were not kept, lowest first: other starts, states without moments.
    errors : tuple of ErrorTerm
        What single settings leave open, from a convergence study; empty where none is known.
    """

    orbit: PairOrbit
    fm: StateSummary | None
    af: StateSummary | None
    exchange: Exchange | None
    uncertainty: float
    certificate: Certificate
    others: tuple[StateSummary, ...]
    errors: tuple[ErrorTerm, ...] = ()

    @property
    def order(self) -> str:
        """Lower spin order: FM or AF; "undecided" within the uncertainty, "unknown" without two energies."""
        if self.exchange is None:
            return "unknown"
        if abs(self.exchange.delta) <= self.uncertainty:
            return "undecided"
        return "FM" if self.exchange.delta > 0 else "AF"


def with_errors(comparison: PairComparison, errors: tuple[ErrorTerm, ...]) -> PairComparison:
    """The comparison with the errors of single settings in its uncertainty."""
    total = hypot(comparison.uncertainty, *(term.value for term in errors))
    return replace(comparison, uncertainty=total, errors=errors)


def agreement(c: PairComparison, published: str) -> str:
    """How a pair's order compares with a published one ("FM" or "AF"); no verdict without a certificate."""
    if not c.certificate.passed:
        return "no verdict, the certificate failed"
    return {published: "same order", "undecided": "undecided"}.get(c.order, "OPPOSITE ORDER")


def is_stand_in(comparisons: tuple[PairComparison, ...]) -> bool:
    """Whether toy numbers are among them, which are not compared with anybody's."""
    return any("stand-in" in s.code for c in comparisons for s in (c.fm, c.af) if s)


def compare_study(entries: tuple[StateEntry, ...]) -> tuple[PairComparison, ...]:
    """Compare FM and AF of every pair among the entries of a study.

    A run counts for the order that came out, not for the one it was started from: a state asked for as AF that
    fell to FM below all FM runs is the pair's FM state, and what stands against it is in the certificate.
    """
    labels = dict.fromkeys(e.pair.orbit.label for e in entries)
    return tuple(_compare([e for e in entries if e.pair.orbit.label == label]) for label in labels)


def _compare(entries: list[StateEntry]) -> PairComparison:
    fm, af = (_lowest(entries, order) for order in ("FM", "AF"))
    kept = [e for e in (fm, af) if e]
    others = sorted((summary(e) for e in entries if e.result and e not in kept), key=lambda s: s.e0)
    orbit = entries[0].pair.orbit
    missing = [f"{e.name}: no result ({e.missing})" for e in entries if e.result is None]
    if fm is None or af is None or fm.result is None or af.result is None:
        order = "FM" if fm is None else "AF"
        came_out = [f"{e.name} came out {order_found(e.result, e.pair)}" for e in entries if e.result]
        reasons = missing or [f"pair {orbit.label}: no run came out {order} ({'; '.join(came_out)})"]
        found = [summary(e) if e else None for e in (fm, af)]
        return PairComparison(orbit, found[0], found[1], None, 0.0, certificate(reasons, []), tuple(others))
    neither = [e for e in entries if e.result and order_found(e.result, e.pair) not in ("FM", "AF")]
    pair, below = verify_pair(fm, af), _below(fm, af, neither)
    return PairComparison(
        orbit=orbit,
        fm=summary(fm),
        af=summary(af),
        exchange=exchange(fm.result.e0, af.result.e0, orbit.images),
        uncertainty=numerical_uncertainty(fm.result, af.result),
        certificate=certificate([*pair.reasons, *below], [*pair.remarks, *missing]),
        others=tuple(others),
    )


def _lowest(entries: list[StateEntry], order: str) -> StateEntry | None:
    """The lowest run of an order; where the SCF leaves open which is lowest, the first that is certified."""
    came_out = [(e.result, e) for e in entries if e.result and order_found(e.result, e.pair) == order]
    runs = sorted(came_out, key=lambda run: run[0].e0)
    same = [e for r, e in runs if r.e0 - r.convergence.residue <= runs[0][0].e0 + runs[0][0].convergence.residue]
    return next((e for e in same if verify_state(e).passed), same[0] if same else None)


def _below(fm: StateEntry, af: StateEntry, neither: list[StateEntry]) -> list[str]:
    # Without moments or collapsed, a lower state means that neither order is the pair's ground state.
    lowest = min(e.result.e0 for e in (fm, af) if e.result)
    depths = [(e.name, lowest - e.result.e0) for e in neither if e.result]
    return [f"{name} is {depth:.3f} eV below FM and AF: it is neither" for name, depth in depths if depth > 0]


def summary(entry: StateEntry) -> StateSummary:
    """Energy, moments and distance of one run."""
    result = entry.result
    assert result is not None  # callers keep entries without a result apart
    first, second = (float(result.site_moments[d]) for d in entry.pair.dopants)
    return StateSummary(
        name=entry.name,
        e0=result.e0,
        total_moment=result.total_moment,
        dopant_moments=(first, second),
        distance=pair_distance(result, entry.pair),
        passed=verify_state(entry).passed,
        code=result.code,
        filling=filling_of(result),
        study=entry.study,
    )


def numerical_uncertainty(first: CalcResult | RunSummary, second: CalcResult | RunSummary) -> float:
    """SCF residues of both runs plus the change of their difference between F and E0 (eV)."""
    residue = first.convergence.residue + second.convergence.residue
    smearing = abs((second.free_energy - first.free_energy) - (second.e0 - first.e0))
    return residue + smearing
