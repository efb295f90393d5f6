"""Tables of the pages on the five pairs, from the committed results: ``python workflows/results_tables.py [RESULTS]``.

A test compares the pages with what this prints, so the pages cannot say other numbers than the results.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from defectflow.analyse.compare import PairComparison, StateSummary, summary
from defectflow.analyse.convergence import Curve
from defectflow.analyse.verify import order_of
from defectflow.demo import demo_folder
from defectflow.export.states import states_of
from defectflow.pipeline import entry_crossing, published_for
from defectflow.pipeline.convergence import compared, curves_of
from defectflow.pipeline.together import collect_together
from defectflow.run import ConvergenceStudy, Study
from defectflow.run.collect import collect
from defectflow.schema import Recipe, StateEntry

APART = "pair2_rattled_apart"
RESULTS = Path(__file__).resolve().parent.parent / "results"


def pair_rows(study: Study) -> list[str]:
    """The FM/AF table of a study in Markdown, beside what is published."""
    left, right = "| pair | d/a | z | E_AF - E_FM (meV) | J per bond | J as dimer |", " certificate | paper |"
    head = f"{left} C-C, FM; AF (Å) | M, FM; AF (μ_B) |{right}"
    return [head, "|---" * 10 + "|", *(_pair_row(c, study.recipe) for c in compared(study))]


def _pair_row(c: PairComparison, recipe: Recipe) -> str:
    e, o = c.exchange, c.orbit
    found = (
        ("-", "-", "-")
        if e is None
        else (f"{1000 * e.delta:+.0f} ± {1000 * c.uncertainty:.0f}", f"{e.j_per_bond:+.1f}", f"{e.j_dimer:+.1f}")
    )
    distances = "; ".join(f"{s.distance:.2f}" if s else "-" for s in (c.fm, c.af))
    moments = "; ".join(_moment(s) if s else "-" for s in (c.fm, c.af))
    verdict = "passed" if c.certificate.passed else "FAILED"
    paper = _published(o.label, recipe)
    cells = (o.label, f"{o.distance_over_a:.4f}", o.images, *found, distances, moments, verdict, paper)
    return "| " + " | ".join(map(str, cells)) + " |"


def _published(label: str, recipe: Recipe) -> str:
    published = published_for(recipe)
    if published is None or label not in published.order:
        return "-"
    delta = published.delta_af_fm.get(label)
    return published.order[label] + (f", {1000 * delta:+.0f}" if delta is not None else "")


def _moment(state: StateSummary) -> str:
    return f"{round(state.total_moment, 2) + 0.0:.2f}"


def ranked_rows(states: Iterable[StateSummary]) -> list[str]:
    """States of one pair and mesh, lowest first."""
    rows = ["| state and start | above the lowest (meV) | M (μ_B) | m of the two C (μ_B) | C-C (Å) | as intended |"]
    rows.append("|---" * 6 + "|")
    ranked = sorted(states, key=lambda s: s.e0)
    return rows + [_start_row(s, ranked[0].e0) for s in ranked]


def summaries_of(study: Study, label: str) -> list[StateSummary]:
    """Every run of a pair, on the mesh of the energies."""
    return [summary(e) for e in entries_of(study) if e.result and e.pair.orbit.label == label]


def relaxed_states(study: Study, label: str) -> list[StateSummary]:
    """The same on the mesh of the relaxation."""
    return [summary(e) for e in relaxed_entries(study) if e.result and e.pair.orbit.label == label]


def _start_row(s: StateSummary, lowest: float) -> str:
    moments = ", ".join(f"{m:+.2f}" for m in s.dopant_moments)
    cells = (s.name, f"{1000 * (s.e0 - lowest):.0f}", _moment(s), moments, f"{s.distance:.2f}")
    return "| " + " | ".join((*cells, "yes" if s.passed else "no")) + " |"


def state_rows(entries: Iterable[StateEntry], only: str = "") -> list[str]:
    """Energy, gap and partly filled levels (mean over the k-points) of the states that came out as they were meant."""
    rows = ["| state and start | E0 (eV) | gap (eV) | partly filled levels, up; down |", "|---" * 4 + "|"]
    found = [e for e in entries if only in ("", e.pair.orbit.label) and e.result and summary(e).passed]
    for entry in sorted(found, key=lambda e: (e.pair.orbit.label, e.pair.state == "AF", -_e0(e))):
        filling = summary(entry).filling
        up, down = filling.partly
        rows.append(f"| {entry.name} | {_e0(entry):.3f} | {filling.gap:.2f} | {up:.1f}; {down:.1f} |")
    return rows


def entries_of(*studies: Study) -> list[StateEntry]:
    """Every run of the studies, on the mesh of the energies; what two of them share, once."""
    every = [_named(e, s) for s in studies for e in collect(s)]
    return list({(e.name, e.result and e.result.input_hash): e for e in every}.values())


def _named(entry: StateEntry, study: Study) -> StateEntry:
    # AF of this study has the start of another study's, which begins in FM's geometry.
    return replace(entry, study=APART) if study.recipe.name == APART and entry.pair.state == "AF" else entry


def relaxed_entries(*studies: Study) -> list[StateEntry]:
    """The same on the mesh of the relaxation."""
    return [replace(e, result=e.relaxed) for e in entries_of(*studies)]


def _e0(entry: StateEntry) -> float:
    assert entry.result
    return entry.result.e0


def lowest_rows(study: Study, others: tuple[Study, ...]) -> list[str]:
    """The lowest FM and AF state of each pair over studies at the settings of the first, whose error budget counts."""
    head = "| pair | E_AF - E_FM (meV) | paper | J per bond; as dimer (meV) | certificate |"
    right = "lowest FM: start, gap (eV) | lowest AF: start, gap (eV) | between any two states (meV) | states, FM; AF |"
    rows = [f"{head} {right}", "|---" * 9 + "|"]
    starts = {e.name: e.pair.start for e in collect_together((study, *others))}
    return rows + [_lowest_row(c, starts, study.recipe) for c in compared(study, others) if c.fm and c.af]


def _lowest_row(c: PairComparison, starts: dict[str, str], recipe: Recipe) -> str:
    assert c.fm
    assert c.af
    assert c.exchange
    meant = [s for s in states_of(c) if s.passed]
    fm, af = ([s.e0 for s in meant if order_of(*s.dopant_moments) == order] for order in ("FM", "AF"))
    lowest = (f"{starts[s.name]}, {s.filling.gap:.2f}" for s in (c.fm, c.af))
    delta = f"{1000 * c.exchange.delta:+.0f} ± {1000 * c.uncertainty:.0f}"
    exchange = f"{c.exchange.j_per_bond:+.1f}; {c.exchange.j_dimer:+.1f}"
    ends = (min(af) - max(fm), max(af) - min(fm))
    between = " to ".join(f"{1000 * end:+.0f}" for end in ends)
    verdict = "passed" if c.certificate.passed else "FAILED"
    label, found = c.orbit.label, f"{len(fm)}; {len(af)}"
    cells = (label, delta, _published(label, recipe), exchange, verdict, *lowest, between, found)
    return "| " + " | ".join(cells) + " |"


def mesh_rows(studies: Iterable[Study]) -> list[str]:
    """Relaxed pairs on the mesh of the relaxation and, in the same geometries, on that of the energies."""
    head = "| pair and start | gap, FM; AF (eV) | mesh of the relaxation (meV) | mesh of the energies (meV) |"
    rows = [f"{head} change |", "|---" * 5 + "|"]
    for study in studies:
        meant = [e for e in entries_of(study) if e.relaxed and e.result and summary(e).passed]
        found = {(e.pair.orbit.label, e.pair.start, e.pair.state): e for e in meant}
        rows += [
            _mesh_row(fm, found[label, start, "AF"])
            for (label, start, state), fm in found.items()
            if state == "FM" and (label, start, "AF") in found
        ]
    return rows


def _mesh_row(fm: StateEntry, af: StateEntry) -> str:
    assert fm.relaxed
    assert af.relaxed
    before, after = 1000 * (af.relaxed.e0 - fm.relaxed.e0), 1000 * (_e0(af) - _e0(fm))
    gaps = "; ".join(f"{summary(e).filling.gap:.2f}" for e in (fm, af))
    name = " ".join((fm.pair.orbit.label, fm.pair.start, *([f"({af.study})"] if af.study else [])))
    return f"| {name} | {gaps} | {before:+.0f} | {after:+.0f} | {after - before:+.0f} |"


def search_rows(studies: Iterable[Study]) -> list[str]:
    """How each relaxation went, and the symmetry of the ions (not of the spins) where it came to rest."""
    head = "| state and start | ionic steps | largest move from FM's geometry (Å) | space group within 0.01; 0.03 Å |"
    found = [row for study in studies for row in _searches(entries_of(study))]
    by_pair = sorted(dict.fromkeys(found), key=lambda row: row.split()[2])
    return [head, "|---" * 4 + "|", *by_pair]


def _searches(entries: list[StateEntry]) -> list[str]:
    meant = [e for e in entries if e.relaxed and e.result and summary(e).passed]
    fm = {(e.pair.orbit.label, e.pair.start): e for e in meant if e.pair.state == "FM"}
    return [_search_row(e, fm[e.pair.orbit.label, e.pair.start]) for e in meant]


def _search_row(entry: StateEntry, fm: StateEntry) -> str:
    assert entry.relaxed
    assert fm.relaxed
    away = "-" if fm is entry else f"{fm.relaxed.cell.largest_move(entry.relaxed.cell):.3f}"
    structure = entry.relaxed.cell.to_pymatgen()
    groups = "; ".join(structure.get_space_group_info(within)[0] for within in (0.01, 0.03))
    return f"| {entry.name} | {entry.relaxed.convergence.ionic_steps} | {away} | {groups} |"


def curve_rows(curves: tuple[Curve, ...]) -> list[str]:
    """All points of a convergence study in Markdown, a column for each pair of the axis."""
    rows = []
    for axis in dict.fromkeys(c.axis for c in curves):
        along = [c for c in curves if c.axis == axis]
        rows += ["", f"| {axis} ({along[0].kind}) | " + " | ".join(f"pair {c.pair}" for c in along) + " |"]
        rows.append("|---" * (len(along) + 1) + "|")
        for n, point in enumerate(along[0].points):
            rows.append(f"| {point.label} | " + " | ".join(_shown(c, n) for c in along) + " |")
    return rows[1:]


def _shown(curve: Curve, at: int) -> str:
    c = curve.points[at].comparison
    if c.exchange is None:
        return "not run"
    failed = "" if c.certificate.passed else ", FAILED"
    return f"{1000 * c.exchange.delta:+.0f} ± {1000 * c.uncertainty:.0f}{failed}"


def junction_rows(study: Study) -> list[str]:
    """Dopant states that the junction's Fermi level cuts, for the states that are what they were meant to be."""
    rows = [
        "| pair | order | nearest dopant state (eV from E_F) | cut up, down | spin-degenerate cut |",
        "|---" * 5 + "|",
    ]
    for entry in collect(study):
        if entry.result is None or not summary(entry).passed:
            continue
        found = entry_crossing(study, entry, "junction")
        nearest = min((level.energy for level in found.levels), key=abs, default=None)
        shown = "-" if nearest is None else f"{nearest:+.2f}"
        cut = ", ".join("/".join(map(str, counts)) for counts in (found.up, found.down))
        degenerate = "/".join(map(str, found.degenerate))
        start = "" if entry.pair.start == "symmetric" else f" ({entry.pair.start})"
        rows.append(f"| {entry.pair.orbit.label}{start} | {entry.pair.state} | {shown} | {cut} | {degenerate} |")
    return rows


def tables(results: Path) -> dict[str, list[str]]:
    """Every table of the pages by its title."""
    table = Study.open(results / "mgo_carbon_table")
    dumbbell, third, fourth = (Study.open(results / n) for n in ("c2_dumbbell", "pair3_starts", "pair4_starts"))
    quick, unfolded = Study.open(demo_folder()), Study.open(results / "pair4_unfolded")
    rattled, fine, again = (Study.open(results / f"pair4_rattled{n}") for n in ("", "_fine", "_again"))
    branches, fifth = (Study.open(results / n) for n in ("pair4_branches", "pair5_starts"))
    names = ("pairs_rattled", "pair5_rattled", "pair5_rattled_fine")
    others, fifth_rattled, fifth_fine = (Study.open(results / n) for n in names)
    apart = Study.open(results / APART)
    along = ("pair3_diagonal", "pair4_diagonal", "pair4_body_diagonals", "pair5_diagonal")
    diagonal = tuple(Study.open(results / n) for n in along)
    fine_mesh = (table, third, branches, fifth, fine, again, others, fifth_fine, apart, *diagonal)
    return {
        "The lowest states": lowest_rows(table, tuple(s for s in fine_mesh if s not in (table, branches))),
        "One start for each state": pair_rows(table),
        "States on the mesh of the energies": state_rows(entries_of(*fine_mesh)),
        "Two meshes": mesh_rows(fine_mesh),
        "How the states were searched for": search_rows((*fine_mesh, fifth_rattled)),
        "The first pair": ranked_rows((*relaxed_states(table, "1"), *relaxed_states(dumbbell, "1"))),
        "The third pair": ranked_rows((*summaries_of(table, "3"), *summaries_of(third, "3"))),
        "The fourth pair on 2x2x2": state_rows(entries_of(fourth, rattled)),
        "The fourth pair on ideal sites, with and without symmetry": state_rows(entries_of(quick, unfolded), "4"),
        "The fifth pair on 2x2x2": state_rows(relaxed_entries(fifth, fifth_rattled, fifth_fine, diagonal[-1])),
        "The 216-atom cube": pair_rows(Study.open(results / "cell_216")),
        "At the Fermi level of the junction": junction_rows(table),
        "At the Fermi level of the junction, the lower states": [
            *junction_rows(others),
            *(row for study in (fine, *diagonal[1:]) for row in junction_rows(study)[2:]),
        ],
        "Convergence": curve_rows(curves_of(ConvergenceStudy.open(results / "mgo_carbon_convergence"))),
        "Convergence of two relaxed states with a gap": curve_rows(
            curves_of(ConvergenceStudy.open(results / "pair4_diagonal_convergence"))
        ),
    }


if __name__ == "__main__":
    for title, rows in tables(Path(sys.argv[1]) if len(sys.argv) > 1 else RESULTS).items():
        print(f"## {title}\n", *rows, "", sep="\n")
