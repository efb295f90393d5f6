"""From a finished study to currents: the hand-off of a pair, its chain, its curves and figure."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from defectflow.analyse.compare import PairComparison
from defectflow.analyse.crossing import crossing
from defectflow.analyse.dos import Level
from defectflow.errors import AnalysisError
from defectflow.export.tables import to_csv
from defectflow.export.transport import curve_rows, level_rows, zone_rows
from defectflow.pipeline.convergence import compared
from defectflow.pipeline.reference import junction_reference, known_result
from defectflow.run import Study
from defectflow.run.collect import collect
from defectflow.schema import CalcResult, StateEntry
from defectflow.schema.chain import Spinterface
from defectflow.schema.handoff import (
    Handoff,
    HandoffCertificate,
    HandoffExchange,
    HandoffLevel,
    HandoffReference,
)
from defectflow.schema.jsonio import write_atomic
from defectflow.structures.host import host_structure
from defectflow.transport.handoff import Centres, fit_chain, merge
from defectflow.transport.model import Solution, level_picture

CONVENTION = "H = -sum_bonds J e1.e2, unit vectors, every bond once, J > 0 FM: E_AF - E_FM = 2 z J"


@dataclass(frozen=True)
class Wanted:
    """Which levels go to the hand-off.

    Attributes
    ----------
    pair : str
        Label.
    state : str or None
        "FM" or "AF"; None for the lower of both.
    reference : str
        Where E_F is; see `defectflow.pipeline.reference.junction_reference`.
    window : float
        How far around E_F dopant states are taken (eV).
    uncertified : bool
        Whether a pair whose certificate failed is handed on; the file then says so.
    """

    pair: str
    state: str | None = None
    reference: str = "junction"
    window: float = 4.0
    uncertified: bool = False


def make_handoff(study: Study, wanted: Wanted, spinterface: Spinterface | None) -> Handoff:
    """Hand-off of one pair of a study.

    Raises
    ------
    AnalysisError
        If the pair, its state or a level does not exist, or its certificate failed and that was not accepted.
    """
    pairs = {c.orbit.label: c for c in compared(study)}
    if wanted.pair not in pairs:
        todo = f"it has {', '.join(pairs)}"
        raise AnalysisError(f'the study has no pair "{wanted.pair}"', where="--pair", todo=todo)
    pair = pairs[wanted.pair]
    entry = _entry(collect(study), pair, wanted)
    _refuse_uncertified(pair, wanted)
    result, zero = known_result(entry), junction_reference(study, entry, wanted.reference)
    levels = crossing(result, zero, entry.pair.dopants, wanted.window).levels
    if not levels:
        what = f"{entry.name} has no dopant state within {wanted.window:g} eV of {zero.name}"
        raise AnalysisError(what, where="--window", todo="widen it")
    first, second = (entry.pair.cell.species[d] for d in entry.pair.dopants)
    return Handoff(
        schema=1,
        kind="handoff",
        statement=_statement(pair),
        pair=wanted.pair,
        distance=entry.pair.orbit.distance,
        centres=(first, second),
        host=host_structure(study.recipe.host).composition.reduced_formula,
        state=entry.pair.state,
        certificate=HandoffCertificate(**vars(pair.certificate)),
        reference=HandoffReference(name=zero.name, uncertainty=1000 * zero.uncertainty, source=zero.source),
        levels=merge(tuple(_band(v, "both" if v.spin_degenerate else v.spin) for v in levels if _counted(v))),
        exchange=_exchange(pair),
        fit=fit_chain(tuple(_band(v, v.spin) for v in levels), _centres(entry)),
        spinterface=spinterface,
        source=_source(result, entry),
    )


def _entry(entries: tuple[StateEntry, ...], pair: PairComparison, wanted: Wanted) -> StateEntry:
    lowest = min((s for s in (pair.fm, pair.af) if s), key=lambda s: s.e0, default=None)
    chosen = {"FM": pair.fm, "AF": pair.af, None: lowest}.get(wanted.state)
    if chosen is None:
        raise AnalysisError(
            f"pair {wanted.pair} has no result in that order", where="--state", todo="defectflow compare"
        )
    return next(e for e in entries if e.name == chosen.name)


def _refuse_uncertified(pair: PairComparison, wanted: Wanted) -> None:
    if not (pair.certificate.passed or wanted.uncertified):
        what = f"pair {wanted.pair} failed its certificate: {'; '.join(pair.certificate.reasons)}"
        raise AnalysisError(what, todo="run it again, or hand it on as it is: --uncertified")


def _statement(pair: PairComparison) -> str:
    if pair.certificate.passed:
        lower = "which order is lower is undecided" if pair.order == "undecided" else f"the lower order is {pair.order}"
        return f"certified; {lower}"
    return "NOT CERTIFIED: " + "; ".join(pair.certificate.reasons)


def _counted(level: Level) -> bool:
    return not level.spin_degenerate or level.spin == "up"


def _band(level: Level, spin: str) -> HandoffLevel:
    return HandoffLevel.model_validate({
        "spin": spin,
        "bands": (level.band,),
        "degeneracy": 1,
        "energy": 1000 * level.energy,
        "width": 1000 * (level.highest - level.lowest),
        "occupation": level.occupation,
        "weights": level.per_dopant,
        "orbitals": level.orbitals,
    })  # fmt: skip


def _centres(entry: StateEntry) -> Centres | None:
    """Signs as they came out, size as it was asked for: spheres hold only part of a moment."""
    dopants = list(entry.pair.dopants)
    found, asked = known_result(entry).site_moments[dopants], entry.pair.cell.moments[dopants]
    first, second = (1 if m > 0 else -1 for m in found)
    size = float(abs(asked).mean()) / 2
    return Centres(size, (first, second)) if size > 0 else None


def _exchange(pair: PairComparison) -> HandoffExchange | None:
    e = pair.exchange
    if e is None:
        return None
    return HandoffExchange(
        convention=CONVENTION,
        delta_af_fm=1000 * e.delta,
        uncertainty=1000 * pair.uncertainty,
        images=e.images,
        j_per_bond=e.j_per_bond,
        j_dimer=e.j_dimer,
    )


def _source(result: CalcResult, entry: StateEntry) -> dict[str, str]:
    s = result.settings
    return {
        "job": entry.path,
        "code": f"{result.code} {result.version}",
        "input_hash": result.input_hash,
        "settings": f"{s.functional}, {s.cutoff:g} eV, {result.kpoints}, {s.smearing}, profile {s.profile}",
        "projections": "squared, inside the PAW set; their sum over all atoms is not 1",
    }


def write_handoff(handoff: Handoff, path: Path) -> list[Path]:
    """JSON at `path` and the levels as CSV beside it."""
    table = path.with_suffix(".csv")
    write_atomic(path, (handoff.model_dump_json(by_alias=True, indent=1) + "\n").encode())
    write_atomic(table, to_csv(level_rows(handoff)).encode())
    return [path, table]


def write_curves(solution: Solution, stem: Path) -> list[Path]:
    """Figure of levels, spin currents, currents and TMR; beside it a CSV of the curves and one of the levels."""
    from defectflow.export.plots import save
    from defectflow.export.transport_plots import curves_figure

    picture = level_picture(solution, 0.0)
    curves, levels = stem.with_name(f"{stem.name}.csv"), stem.with_name(f"{stem.name}_levels.csv")
    write_atomic(curves, to_csv(curve_rows(solution)).encode())
    write_atomic(levels, to_csv(zone_rows(picture)).encode())
    return [curves, levels, *save(curves_figure(solution, picture), stem)]
