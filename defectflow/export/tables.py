"""Rows of the pair table: the same ones for the terminal, JSON and CSV."""

from __future__ import annotations

import csv
import io
from math import isfinite
from typing import TYPE_CHECKING, Any

from defectflow.analyse.compare import PairComparison, StateSummary
from defectflow.analyse.dos import Level
from defectflow.analyse.exchange import heisenberg_sum
from defectflow.schema import PairOrbit
from defectflow.schema.filling import Filling

if TYPE_CHECKING:
    from rich.table import Table

    from defectflow.analyse.foreign import ForeignPair
    from defectflow.analyse.verify import Certificate
    from defectflow.schema.convergence import ErrorTerm


def orbit_row(orbit: PairOrbit) -> dict[str, Any]:
    """JSON row of the pair audit; lengths in A and in lattice constants."""
    return {
        "label": orbit.label,
        "vector_over_a": list(orbit.vector_over_a),
        "distance": orbit.distance,
        "distance_over_a": orbit.distance_over_a,
        "partner_sites": orbit.partner_sites,
        "images": orbit.images,
        "bulk_shells": list(orbit.bulk_shells),
        "aliased_shells": list(orbit.aliased_shells),
        "half_delta": heisenberg_sum(orbit.bonds),
    }


def comparison_row(c: PairComparison) -> dict[str, Any]:
    """JSON row of the FM/AF table: energies in eV per cell, J in meV, moments in muB; null where not known."""
    e = c.exchange
    return {
        **{k: v for k, v in orbit_row(c.orbit).items() if k not in ("vector_over_a",)},
        "e_fm": c.fm.e0 if c.fm else None,
        "e_af": c.af.e0 if c.af else None,
        "delta_af_fm": e.delta if e else None,
        "uncertainty": c.uncertainty if e else None,
        "errors": [{"axis": t.axis, "value": t.value, "measured_on": t.measured_on} for t in c.errors],
        "j_per_bond": e.j_per_bond if e else None,
        "j_dimer": e.j_dimer if e else None,
        "fm": _state_row(c.fm),
        "af": _state_row(c.af),
        "others": [_state_row(s) for s in c.others],
        "certificate": certificate_row(c.certificate),
    }


def uncertainty_words(comparisons: tuple[PairComparison, ...]) -> str:
    """What the uncertainties of a table hold, and what they do not."""
    axes = list(dict.fromkeys(term.axis for c in comparisons for term in c.errors))
    held = "± is what the two SCF runs and the extrapolation to zero smearing leave open"
    if not axes:
        return f"{held}; mesh, cutoff, geometry and functional are not in it (for the first two: defectflow converge)."
    does = "does" if len(axes) == 1 else "do"
    return f"{held} and, in squares, what {', '.join(axes)} {does}; geometry and functional are not in it."


def term_words(term: ErrorTerm, label: str) -> str:
    """The error of one setting in words, for the pair of that label."""
    where = "" if term.measured_on == label else f", measured on pair {term.measured_on}"
    return f"{term.axis} {1000 * term.value:.0f} meV ({' -> '.join(term.between)}{where})"


def certificate_row(c: Certificate) -> dict[str, Any]:
    """JSON of a certificate."""
    return {"passed": c.passed, "reasons": list(c.reasons), "remarks": list(c.remarks)}


def foreign_row(pair: ForeignPair) -> dict[str, Any]:
    """JSON row of two runs of others; bonds and images are not known, so J per bond is null."""
    known = pair.fm is not None and pair.af is not None
    return {
        "label": "1",
        "e_fm": pair.fm.e0 if pair.fm else None,
        "e_af": pair.af.e0 if pair.af else None,
        "delta_af_fm": pair.delta,
        "uncertainty": pair.uncertainty if known else None,
        "j_per_bond": None,
        "j_dimer": pair.j_dimer,
        "images": None,
        "fm": pair.fm.path if pair.fm else None,
        "af": pair.af.path if pair.af else None,
        "certificate": certificate_row(pair.certificate),
    }


def _state_row(s: StateSummary | None) -> dict[str, Any] | None:
    if s is None:
        return None
    return {
        "name": s.name,
        "e0": s.e0,
        "total_moment": s.total_moment,
        "dopant_moments": list(s.dopant_moments),
        "distance": s.distance,
        "passed": s.passed,
        **filling_row(s.filling),
    }


def filling_row(filling: Filling | None) -> dict[str, Any]:
    """JSON keys of a filling: levels by spin, and the gap (eV); null where it is not known, or there is none."""
    if filling is None:
        return {"partly_filled": None, "gap": None}
    return {"partly_filled": list(filling.partly), "gap": filling.gap if isfinite(filling.gap) else None}


def level_row(level: Level) -> dict[str, Any]:
    """JSON row of a level: energies in eV from the reference."""
    return {name: getattr(level, name) for name in Level.__dataclass_fields__}


def pair_table(comparisons: tuple[PairComparison, ...]) -> Table:
    """The FM/AF table for a terminal."""
    from rich.text import Text

    table = new_table(
        "pair", "d/a", "d (A)", "sites", "z", "E_FM (eV)", "E_AF (eV)", "E_AF-E_FM (meV)", "J/bond (meV)",
        "M_FM, M_AF (muB)", "m_dopant FM; AF (muB)", "certificate",
    )  # fmt: skip
    for c in comparisons:
        o, e = c.orbit, c.exchange
        table.add_row(
            o.label,
            f"{o.distance_over_a:.4f}",
            f"{o.distance:.3f}",
            str(o.partner_sites),
            str(o.images),
            f"{c.fm.e0:.4f}" if c.fm else "-",
            f"{c.af.e0:.4f}" if c.af else "-",
            f"{1000 * e.delta:+.0f} ± {1000 * c.uncertainty:.0f}" if e else "-",
            f"{e.j_per_bond:+.1f}" if e else "-",
            ", ".join(f"{_no_minus_zero(s.total_moment):.2f}" if s else "-" for s in (c.fm, c.af)),
            "; ".join(_moments(s) for s in (c.fm, c.af)),
            Text("passed", style="green") if c.certificate.passed else Text("FAILED", style="red"),
        )
    return table


def _no_minus_zero(value: float) -> float:
    return round(value, 2) + 0.0


def _moments(s: StateSummary | None) -> str:
    return "-" if s is None else "{:+.2f} {:+.2f}".format(*s.dopant_moments)


def audit_table(orbits: tuple[PairOrbit, ...]) -> Table:
    """The pair audit for a terminal."""
    table = new_table("pair", "vector/a", "d/a", "d (A)", "sites", "z", "bulk shell", "aliased shells", "(E_AF-E_FM)/2")
    for o in orbits:
        table.add_row(
            o.label,
            "({:.3g}, {:.3g}, {:.3g})".format(*o.vector_over_a),
            f"{o.distance_over_a:.4f}",
            f"{o.distance:.3f}",
            str(o.partner_sites),
            str(o.images),
            " ".join(map(str, o.bulk_shells)),
            " ".join(map(str, o.aliased_shells)) or "-",
            heisenberg_sum(o.bonds),
        )
    return table


def level_table(levels: tuple[Level, ...]) -> Table:
    """States around the reference for a terminal."""
    table = new_table(
        "spin", "band", "E mean (eV)", "lowest", "highest", "occ.", "on dopants", "crosses", "spin-degen."
    )
    for v in levels:
        table.add_row(
            v.spin,
            str(v.band),
            f"{v.energy:+.3f}",
            f"{v.lowest:+.3f}",
            f"{v.highest:+.3f}",
            f"{v.occupation:.2f}",
            "{:.2f} {:.2f}".format(*v.per_dopant),
            "yes" if v.crosses else "",
            "yes" if v.spin_degenerate else "",
        )
    return table


def new_table(*columns: str) -> Table:
    """Table with right-aligned columns for a terminal."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, justify="right")
    return table


def to_csv(rows: list[dict[str, Any]]) -> str:
    """CSV of rows; keys that are nested in any row are left out, floats keep all their digits."""
    nested = {k for row in rows for k, v in row.items() if isinstance(v, dict | list)}
    columns = dict.fromkeys(k for row in rows for k in row if k not in nested)
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(columns), extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
