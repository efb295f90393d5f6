"""``defectflow run`` and ``resume``: all jobs of a study, then its table and figures."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from defectflow.cli.shared import AsJson, RecipeFile, RunFolder, console, print_json

if TYPE_CHECKING:
    from defectflow.pipeline import Outcome
    from defectflow.run import AnyStudy, JunctionStudy, RunOptions, Study

    S = TypeVar("S", Study, JunctionStudy)

T = TypeVar("T")
Jobs = Annotated[
    int | None, typer.Option("-j", "--jobs", min=1, help="Calculations side by side.", show_default="one per core")
]
Ranks = Annotated[int, typer.Option("--ranks", min=1, help="MPI ranks per calculation.")]
EngineName = Annotated[str, typer.Option("--engine", help="Engine that runs the jobs.")]
Output = Annotated[
    Path | None, typer.Option("-o", "--output", help="Run folder.", show_default="runs/<file name of the recipe>")
]


def add_to(app: typer.Typer) -> None:
    """Register the verbs."""
    app.command()(run)
    app.command()(resume)


def run(
    recipe: RecipeFile,
    output: Output = None,
    engine: EngineName = "gpaw",
    jobs: Jobs = None,
    ranks: Ranks = 1,
    as_json: AsJson = False,
) -> None:
    """Run a study, or go on with it: what is done by the same inputs is not run again."""
    from defectflow.engines import get_engine
    from defectflow.run import Study

    get_engine(engine).available()
    _finish(Study.create(output or Path("runs") / recipe.stem, recipe, engine), jobs, ranks, as_json)


def resume(folder: RunFolder, jobs: Jobs = None, ranks: Ranks = 1, as_json: AsJson = False) -> None:
    """Go on with a study where it was; the recipe and the engine are those it was made with."""
    from defectflow.run import JunctionStudy, open_study

    study = open_study(folder)
    if isinstance(study, JunctionStudy):
        finish_junction(study, jobs, ranks, as_json)
    else:
        _finish(study, jobs, ranks, as_json)


def _finish(study: Study, jobs: int | None, ranks: int, as_json: bool) -> None:
    from defectflow.pipeline import finish_study

    outcome = _watched(study, jobs, ranks, as_json, finish_study)
    _report_json(study, outcome) if as_json else _report(study, outcome)
    raise typer.Exit(0 if all(s == "done" for s in outcome.states.values()) else 1)


def finish_junction(study: JunctionStudy, jobs: int | None, ranks: int, as_json: bool) -> None:
    """Run what is not done of a junction, write its figures and print its line-up."""
    from defectflow.cli.junction import report
    from defectflow.pipeline import run_jobs
    from defectflow.pipeline.junction import write_junction

    states = _watched(study, jobs, ranks, as_json, run_jobs)
    if all(s == "done" for s in states.values()):
        lines, files = write_junction(study)
        report(list(lines), [str(p) for p in files], as_json)
        return
    print_json({"states": states}) if as_json else _print_failed(study, states)
    raise typer.Exit(1)


def _watched(study: S, jobs: int | None, ranks: int, quiet: bool, work: Callable[[S, int, RunOptions], T]) -> T:
    """Do the work with progress shown, until it ends or a signal comes."""
    from defectflow.cli.progress import stop_on_signal, watching
    from defectflow.engines import get_engine
    from defectflow.executors.local import usable_cores
    from defectflow.run import RunOptions

    side_by_side = jobs or get_engine(study.engine_name).side_by_side(usable_cores(), ranks)
    with watching(study.folder, side_by_side, quiet=quiet) as watch, stop_on_signal() as stop:
        try:
            return work(study, side_by_side, RunOptions(ranks=ranks, watch=watch, stop=stop))
        except KeyboardInterrupt:
            print("stopped; the same command goes on where it was", file=sys.stderr)
            raise typer.Exit(130) from None


def _print_failed(study: AnyStudy, states: dict[str, str]) -> None:
    from defectflow.pipeline import failed_jobs

    for path, reason in failed_jobs(study, states).items():
        console().print(f"not done {path}: {reason}", style="red")


def _report(study: Study, outcome: Outcome) -> None:
    from defectflow.cli.compare import print_comparison

    print_comparison(study.recipe, outcome.comparisons)
    _print_failed(study, outcome.states)
    console().print("written:", *(f"  {p}" for p in outcome.files), sep="\n")


def _report_json(study: Study, outcome: Outcome) -> None:
    from defectflow.cli.compare import comparison_document

    files = [str(p) for p in outcome.files]
    print_json({**comparison_document(study, outcome.comparisons), "states": outcome.states, "files": files})
