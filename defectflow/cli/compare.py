"""``defectflow compare``: FM against AF, pair by pair."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from defectflow.cli.shared import AsJson, Force, console, print_json, refuse_made

if TYPE_CHECKING:
    from defectflow.analyse.compare import PairComparison
    from defectflow.schema import Recipe


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command()(compare)


RunFolders = Annotated[
    list[Path],
    typer.Argument(metavar="RUN", help="Run folder; more of them are searched for lower states.", show_default=False),
]

Output = Annotated[
    Path | None, typer.Option("-o", "--output", help="Folder for figure and CSV of all states.", show_default=False)
]


def compare(folders: RunFolders, output: Output = None, force: Force = False, as_json: AsJson = False) -> None:
    """Print energies, E_AF - E_FM, J and the certificate of every pair; status 1 if a certificate failed.

    Of several run folders of the same pairs at the same settings (other starts, say) the lowest state of each order
    counts. The recipe is that of the first, the errors of a pair are those of the first that has any.
    """
    from defectflow.pipeline.convergence import compared
    from defectflow.pipeline.together import write_states
    from defectflow.run import Study

    refuse_made(output, "states.", force)
    study, *others = map(Study.open, folders)
    comparisons, recipe = compared(study, others), with_caveats_of(study.recipe, [s.recipe for s in others])
    files = [str(p) for p in write_states(comparisons, output)] if output is not None else []
    if as_json:
        print_json(comparison_document(recipe, study.engine_name, comparisons) | {"files": files})
    else:
        print_comparison(recipe, comparisons)
        console().print(*(f"written {file}" for file in files), sep="\n", end="\n" if files else "")
    raise typer.Exit(0 if all(c.certificate.passed for c in comparisons) else 1)


def with_caveats_of(recipe: Recipe, others: list[Recipe]) -> Recipe:
    """The recipe with what all of them cannot say, each caveat behind its study's name."""
    if not others:
        return recipe
    caveats = tuple(f"{r.name}: {caveat}" for r in (recipe, *others) for caveat in r.caveats)
    return recipe.model_copy(update={"caveats": caveats})


def comparison_document(recipe: Recipe, engine: str, comparisons: tuple[PairComparison, ...]) -> dict[str, Any]:
    """The table as JSON; `conventions` gives J per bond (meV) in the Hamiltonians of others, for spins of M/2."""
    from defectflow.analyse.exchange import CONVENTIONS, convert
    from defectflow.export.tables import comparison_row

    rows = [comparison_row(c) for c in comparisons]
    sizes = recipe.spin.pair_moments
    if sizes[0] == sizes[1]:  # J S.S is written for spins of one length
        for row, c in zip(rows, comparisons, strict=True):
            j = c.exchange.j_per_bond if c.exchange else None
            row["conventions"] = {h: convert(j, h, sizes[0] / 2) for h in CONVENTIONS} if j is not None else None
    return {"pairs": rows, "caveats": list(recipe.caveats), "engine": engine}


def print_comparison(recipe: Recipe, comparisons: tuple[PairComparison, ...]) -> None:
    """The table, what its signs mean, what stands against each certificate, and what the settings cannot say."""
    from defectflow.analyse.compare import is_stand_in
    from defectflow.export.tables import pair_table, uncertainty_words

    screen = console()
    s = recipe.settings
    used = (s.functional, f"{s.cutoff:g} eV", s.kpoints, s.smearing, "/".join(recipe.stages))
    screen.print(f"{recipe.name}:", ", ".join(map(str, used)))
    screen.print(pair_table(comparisons))
    screen.print("E_AF - E_FM > 0: FM is lower. J per bond in H = -sum_bonds J e1.e2 (unit vectors, J > 0 FM),")
    screen.print("E_AF - E_FM = 2 z J; read as one isolated dimer (z = 1):", _dimers(comparisons))
    screen.print(uncertainty_words(comparisons))
    _print_errors(comparisons)
    for c in comparisons:
        for reason in c.certificate.reasons:
            screen.print(f"failed {reason}", style="red")
        for remark in c.certificate.remarks:
            screen.print(f"remark {remark}")
        for other in c.others:
            screen.print(f"also found: {other.name}, E0 = {other.e0:.4f} eV, M = {other.total_moment:.2f} muB")
    if not is_stand_in(comparisons):
        _print_published(recipe, comparisons)
    for caveat in recipe.caveats:
        screen.print(f"note {caveat}", style="yellow")


def _print_published(recipe: Recipe, comparisons: tuple[PairComparison, ...]) -> None:
    """Pair by pair what others found; a disagreement is said, not hidden, and no verdict without a certificate."""
    from defectflow.analyse.compare import agreement
    from defectflow.pipeline import published_for

    published = published_for(recipe)
    if published is None:
        return
    known = [c for c in comparisons if c.exchange and c.orbit.label in published.order]
    if known:
        console().print(f"Compared with {published.source}:")
    for c in known:
        assert c.exchange
        order, delta = published.order[c.orbit.label], published.delta_af_fm.get(c.orbit.label)
        verdict = agreement(c, order)
        theirs = f"{order}, {1000 * delta:+.0f} meV" if delta is not None else order
        ours = f"{c.order}, {1000 * c.exchange.delta:+.0f} meV"
        style = "red" if verdict == "OPPOSITE ORDER" else None
        console().print(f"  pair {c.orbit.label}: published {theirs}; here {ours}: {verdict}", style=style)


def _print_errors(comparisons: tuple[PairComparison, ...]) -> None:
    from defectflow.export.tables import term_words

    for c in comparisons:
        if c.errors and c.exchange:
            console().print(f"pair {c.orbit.label}:", "; ".join(term_words(t, c.orbit.label) for t in c.errors))


def _dimers(comparisons: tuple[PairComparison, ...]) -> str:
    known = [(c.orbit.label, c.exchange.j_dimer) for c in comparisons if c.exchange]
    return ", ".join(f"pair {label} {j:+.1f} meV" for label, j in known) or "no pair is known yet"
