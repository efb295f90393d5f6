"""The pair table, the energies against distance and the states around the Fermi level."""

from __future__ import annotations

from typing import Any

from defectflow.analyse.compare import PairComparison, StateSummary, agreement
from defectflow.export.report.facts import Facts, StateFacts
from defectflow.export.report.grid import DELTA, NONE, Grid, grid, plain, signed
from defectflow.materials import PublishedOrder

_ENERGIES = (
    f"pair | d/a | d (Å) | z | {DELTA} (meV per cell) | lower | J per bond (meV) | J as dimer (meV)"
    " | certificate | published | agreement"
)
_STATES = "state | run | E0 (eV per cell) | total moment (μB) | site moments of the dopants (μB) | dopant distance (Å)"


def pair_grid(facts: Facts) -> Grid:
    """FM against AF, a row for each pair."""
    rows = [_row(c, facts.published) for c in facts.comparisons]
    return grid(f"{DELTA} and exchange of every pair", _ENERGIES, rows, (1, 2, 3, 4, 6, 7))


def _row(c: PairComparison, published: PublishedOrder | None) -> tuple[str, ...]:
    e, o = c.exchange, c.orbit
    delta = f"{signed(1000 * e.delta, 0)} ± {1000 * c.uncertainty:.0f}" if e else NONE
    bond, dimer = (signed(e.j_per_bond, 1), signed(e.j_dimer, 1)) if e else (NONE, NONE)
    verdict = "passed" if c.certificate.passed else "FAILED"
    theirs = _published(published, o.label)
    agrees = agreement(c, published.order[o.label]) if theirs and published and e else ""
    place = (o.label, f"{o.distance_over_a:.4f}", f"{o.distance:.3f}", str(o.images))
    return (*place, delta, c.order, bond, dimer, verdict, theirs or NONE, agrees or NONE)


def _published(published: PublishedOrder | None, label: str) -> str:
    if published is None or label not in published.order:
        return ""
    delta = published.delta_af_fm.get(label)
    return published.order[label] + (f", {signed(1000 * delta, 0)} meV" if delta is not None else "")


def state_grid(facts: Facts) -> Grid:
    """Energies, moments and distance of every run, the ones that were not kept at the end of their pair."""
    rows = []
    for c in facts.comparisons:
        kept = [(n, s) for n, s in (("FM", c.fm), ("AF", c.af)) if s]
        rows += [_state_row(f"lowest {n}", s) for n, s in kept]
        rows += [_state_row("not kept", s) for s in c.others]
    return grid("Energy, moments and geometry of every state", _STATES, rows, (2, 3, 5))


def _state_row(kept: str, s: StateSummary) -> tuple[str, ...]:
    sites = ", ".join(signed(m, 2) for m in s.dopant_moments)
    return (s.name, kept, plain(s.e0, 4), plain(s.total_moment, 2), sites, f"{s.distance:.3f}")


def certificates(facts: Facts) -> list[dict[str, Any]]:
    """What stands for and against each certificate."""
    return [
        {
            "pair": c.orbit.label,
            "passed": c.certificate.passed,
            "reasons": c.certificate.reasons,
            "remarks": c.certificate.remarks,
        }
        for c in facts.comparisons
    ]


def energy_data(facts: Facts) -> list[dict[str, Any]]:
    """Points of the energy figure: meV, distances in lattice constants."""
    return [_point(c, facts.published) for c in facts.comparisons if c.exchange]


def _point(c: PairComparison, published: PublishedOrder | None) -> dict[str, Any]:
    assert c.exchange is not None  # the caller has looked
    theirs = published.delta_af_fm.get(c.orbit.label) if published else None
    return {
        "pair": c.orbit.label,
        "x": c.orbit.distance_over_a,
        "delta": 1000 * c.exchange.delta,
        "error": 1000 * c.uncertainty,
        "j": c.exchange.j_per_bond,
        "images": c.orbit.images,
        "passed": c.certificate.passed,
        "published": 1000 * theirs if theirs is not None else None,
    }


def level_grid(s: StateFacts) -> Grid:
    """States around the Fermi level of the cell."""
    columns = "band | spin | mean (eV) | lowest (eV) | highest (eV) | occupation | on dopant 1 | on dopant 2"
    rows = [
        (str(v.band), v.spin, *(signed(e, 3) for e in (v.energy, v.lowest, v.highest)),
         *(plain(n, 2) for n in (v.occupation, *v.per_dopant)))
        for v in s.levels
    ]  # fmt: skip
    return grid(f"{s.entry.name}: bands around E_F of the cell", columns, rows, range(2, 8))
