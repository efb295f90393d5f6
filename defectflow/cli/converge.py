"""``defectflow converge``: one setting at a time around a study of pairs, and the errors that follow from it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from defectflow.cli.run import EngineName, Figures, Jobs, Output, Ranks, Reuse
from defectflow.cli.shared import AsJson, Force, RecipeFile, RunFolder, SiteName, console, print_json, refuse_made

if TYPE_CHECKING:
    from defectflow.run import ConvergenceStudy
    from defectflow.schema.convergence import ErrorTerm

app = typer.Typer(help="Vary settings one at a time: run, show, errors of another study.", no_args_is_help=True)


def add_to(parent: typer.Typer) -> None:
    """Register the verbs."""
    parent.add_typer(app, name="converge")


@app.command()
def run(
    recipe: RecipeFile,
    output: Output = None,
    engine: EngineName = "gpaw",
    site: SiteName = None,
    jobs: Jobs = None,
    ranks: Ranks = None,
    reuse: Reuse = None,
    figures: Figures = True,
    as_json: AsJson = False,
) -> None:
    """Run a convergence study, or go on with it; points that two axes share are run once."""
    from dataclasses import replace

    from defectflow.cli.place import check_place, place
    from defectflow.cli.run import create_with, finish_convergence
    from defectflow.run import ConvergenceStudy

    folder = output or Path("runs") / recipe.stem
    check_place(engine, site, jobs, ranks, folder)
    study = create_with(ConvergenceStudy, folder, recipe, engine, reuse)
    finish_convergence(study, replace(place(study, site, jobs, ranks), figures=figures), as_json)


@app.command()
def show(
    folder: RunFolder,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Folder for figure and CSV.")] = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Print E_AF - E_FM along every axis; status 1 if a point has no certificate."""
    from defectflow.run import ConvergenceStudy

    refuse_made(output, "convergence.", force)
    report(ConvergenceStudy.open(folder), output, as_json)


@app.command()
def errors(
    folder: RunFolder,
    of: Annotated[Path, typer.Argument(metavar="STUDY", help="Run folder of pairs whose errors are wanted.")],
    as_json: AsJson = False,
) -> None:
    """Write into STUDY what mesh, cutoff and smearing leave open there; `compare STUDY` then shows it."""
    from defectflow.export.tables import term_words
    from defectflow.pipeline.convergence import curves_of, make_budget, save_budget
    from defectflow.run import ConvergenceStudy, Study

    study = Study.open(of)
    converged = ConvergenceStudy.open(folder)
    budget = make_budget(converged, curves_of(converged), study)
    path = save_budget(budget, study)
    if as_json:
        rows = {label: _rows(terms) for label, terms in budget.terms.items()}
        print_json({"file": str(path), "source": budget.source, "terms": rows})
        return
    for label, terms in budget.terms.items():
        console().print(f"pair {label}:", "; ".join(term_words(t, label) for t in terms))
    console().print("written:", str(path))


def _rows(terms: tuple[ErrorTerm, ...]) -> list[dict[str, object]]:
    return [{k: getattr(t, k) for k in ("axis", "value", "measured_on", "between")} for t in terms]


def report(study: ConvergenceStudy, output: Path | None, as_json: bool) -> None:
    """Print the curves, write their files if a folder is given, and end with the status."""
    from defectflow.export.convergence import curve_rows, curves_table
    from defectflow.pipeline.convergence import curves_of, write_curves

    curves = curves_of(study)
    files = [str(p) for p in write_curves(curves, output)] if output is not None else []
    if as_json:
        print_json({"points": [row for c in curves for row in curve_rows(c)], "files": files})
    else:
        console().print(f"{study.recipe.name}: {study.recipe.question}")
        console().print(curves_table(curves))
        for reason in dict.fromkeys(r for c in curves for p in c.points for r in p.comparison.certificate.reasons):
            console().print(f"failed {reason}", style="red")
        if files:
            console().print("written:", *(f"  {p}" for p in files), sep="\n")
    raise typer.Exit(0 if all(p.comparison.certificate.passed for c in curves for p in c.points) else 1)
