"""``defectflow run``, ``resume``, ``retry`` and ``rerun``: jobs of a study, then its table and figures."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from defectflow.cli.place import How, check_place, place, side_by_side, time_is_over
from defectflow.cli.shared import AsJson, RecipeFile, RunFolder, SiteName, console, print_json
from defectflow.errors import NOT_FINISHED

if TYPE_CHECKING:
    from defectflow.pipeline import Outcome
    from defectflow.run import AnyStudy, ConvergenceStudy, JunctionStudy, RunOptions, ScreenStudy, Study
    from defectflow.schema.site import Site

    S = TypeVar("S", Study, JunctionStudy, ScreenStudy, ConvergenceStudy)

T = TypeVar("T")
Jobs = Annotated[
    int | None, typer.Option("-j", "--jobs", min=1, help="Calculations side by side.", show_default="one per core")
]
Ranks = Annotated[int | None, typer.Option("--ranks", min=1, help="MPI ranks per calculation.", show_default="1")]
EngineName = Annotated[str, typer.Option("--engine", help="Engine that runs the jobs.")]
Output = Annotated[
    Path | None, typer.Option("-o", "--output", help="Run folder.", show_default="runs/<file name of the recipe>")
]
JobPaths = Annotated[list[str] | None, typer.Argument(metavar="[JOB]...", help="Paths of jobs, as status shows them.")]
KeepFailed = Annotated[
    bool, typer.Option("--keep-failed", help="Do not run again what failed by itself or did not converge.")
]


Reuse = Annotated[
    list[Path] | None,
    typer.Option("--reuse", metavar="FOLDER", help="Take over what this run folder has finished with the same inputs."),
]
Figures = Annotated[bool, typer.Option("--figures/--no-figures", help="Write table and figures at the end.")]


def add_to(app: typer.Typer) -> None:
    """Register the verbs."""
    for verb in (run, resume, retry, rerun):
        app.command()(verb)


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
    """Run a study, or go on with it: what is done by the same inputs is not run again."""
    from defectflow.run import Study

    folder = output or Path("runs") / recipe.stem
    check_place(engine, site, jobs, ranks, folder)
    study = create_with(Study, folder, recipe, engine, reuse)
    _finish(study, replace(place(study, site, jobs, ranks), figures=figures), as_json)


def create_with(kind: type[S], folder: Path, recipe: Path, engine: str, reuse: list[Path] | None) -> S:
    """Make or open a run folder, and copy into it what others have finished with the same inputs."""
    from defectflow.engines import get_engine
    from defectflow.run.reuse import open_others, take_over

    others = open_others(reuse or (), engine, folder)
    study = kind.create(folder, recipe, engine)
    try:
        if others:
            take_over(study, get_engine(engine), others, partial(print, file=sys.stderr))
    except KeyboardInterrupt:
        print("stopped; the same command goes on where it was", file=sys.stderr)
        raise typer.Exit(130) from None
    return study


def resume(
    folder: RunFolder,
    site: SiteName = None,
    jobs: Jobs = None,
    ranks: Ranks = None,
    keep_failed: KeepFailed = False,
    as_json: AsJson = False,
) -> None:
    """Go on with a study where it was; recipe, engine and site are those it was made with."""
    _go_on(folder, site, (jobs, ranks), as_json, keep_failed)


def retry(folder: RunFolder, jobs: Jobs = None, ranks: Ranks = None, as_json: AsJson = False) -> None:
    """Run what was lost, stopped or never started; leave what failed by itself as it is (for that: rerun)."""
    _go_on(folder, None, (jobs, ranks), as_json, True)


def rerun(
    folder: RunFolder, paths: JobPaths = None, jobs: Jobs = None, ranks: Ranks = None, as_json: AsJson = False
) -> None:
    """Run the named jobs again, which failed by themselves or did not converge; without a name all of those."""
    from defectflow.run import open_study

    _go_on(folder, None, (jobs, ranks), as_json, True, _failed_ones(open_study(folder), paths or []))


def _failed_ones(study: AnyStudy, paths: list[str]) -> frozenset[str]:
    from defectflow.errors import InputError

    states = {job.path: study.state(job.path) for job in study.jobs}
    failed = {path for path, s in states.items() if s and s.state in ("failed", "unconverged")}
    for path in paths:
        if path not in failed:
            known = ", ".join(sorted(failed)) or "none"
            raise InputError(f'"{path}" is no job that failed', where=str(study.folder), todo=f"those are: {known}")
    return frozenset(paths or failed)


def _go_on(
    folder: Path,
    site: str | None,
    many: tuple[int | None, int | None],
    as_json: bool,
    keep_failed: bool,
    again: frozenset[str] = frozenset(),
) -> None:
    from defectflow.run import ConvergenceStudy, JunctionStudy, ScreenStudy, open_study

    study = open_study(folder)
    check_place(study.engine_name, site, *many, folder)
    how = place(study, site, *many, keep_failed, again)
    if isinstance(study, JunctionStudy):
        finish_junction(study, how, as_json)
    elif isinstance(study, ScreenStudy):
        finish_screen(study, how, as_json)
    elif isinstance(study, ConvergenceStudy):
        finish_convergence(study, how, as_json)
    else:
        _finish(study, how, as_json)


def _finish(study: Study, how: How, as_json: bool) -> None:
    from defectflow.pipeline import finish_study

    def work(study: Study, jobs: int, options: RunOptions, site: Site | None) -> Outcome:
        return finish_study(study, jobs, options, site, how.figures)

    outcome = _watched(study, how, as_json, work)
    _report_json(study, outcome) if as_json else _report(study, outcome)
    raise typer.Exit(_status(outcome.states))


def finish_junction(study: JunctionStudy, how: How, as_json: bool) -> None:
    """Run what is not done of a junction, write its figures and print its line-up."""
    from defectflow.cli.junction import report
    from defectflow.pipeline import run_jobs
    from defectflow.pipeline.junction import write_junction

    states = _watched(study, how, as_json, run_jobs)
    if all(s == "done" for s in states.values()):
        lines, files = write_junction(study)
        report(list(lines), [str(p) for p in files], as_json)
        return
    print_json({"states": states}) if as_json else _print_failed(study, states)
    raise typer.Exit(_status(states))


def finish_screen(study: ScreenStudy, how: How, as_json: bool) -> None:
    """Run what is not done of a screening, round by round, write its rankings and print the last."""
    from defectflow.cli.screening import report
    from defectflow.pipeline.screen import run_screen, write_rankings
    from defectflow.run import ScreenStudy

    states = _watched(study, how, as_json, run_screen)
    study = ScreenStudy.open(study.folder)
    files = write_rankings(study) if how.figures and "stopped" not in states.values() else []
    report(study, states, [str(p) for p in files], as_json)
    if not as_json:
        _print_failed(study, states)
    raise typer.Exit(_status(states))


def finish_convergence(study: ConvergenceStudy, how: How, as_json: bool) -> None:
    """Run what is not done of a convergence study, write its figure and print its curves."""
    from defectflow.cli.converge import report
    from defectflow.pipeline import run_jobs

    states = _watched(study, how, as_json, run_jobs)
    if not as_json:
        _print_failed(study, states)
    if "stopped" in states.values():
        raise typer.Exit(NOT_FINISHED)
    report(study, study.folder / "figures" if how.figures else None, as_json)


def _status(states: dict[str, str]) -> int:
    if all(s == "done" for s in states.values()):
        return 0
    return NOT_FINISHED if "stopped" in states.values() else 1


def _watched(study: S, how: How, quiet: bool, work: Callable[[S, int, RunOptions, Site | None], T]) -> T:
    """Do the work with progress shown, until it ends, a signal comes or the time of its own scheduler job is over."""
    from defectflow.cli.progress import stop_on_signal, watching
    from defectflow.run import RunOptions

    many = side_by_side(study, how)
    over = time_is_over(how.site)
    with watching(study.folder, many, quiet=quiet) as watch, stop_on_signal() as stop:
        options = RunOptions(
            ranks=how.ranks,
            watch=watch,
            stop=lambda: stop() or over(),
            keep_failed=how.keep_failed,
            rerun=how.rerun,
        )
        try:
            return work(study, many, options, how.site)
        except KeyboardInterrupt:
            print(_stopped_words(study, how), file=sys.stderr)
            raise typer.Exit(NOT_FINISHED if over() else 130) from None


def _stopped_words(study: AnyStudy, how: How) -> str:
    if how.site is None or not how.site.batch:
        return "stopped; the same command goes on where it was"
    goes_on = "stopped; what runs on the cluster goes on, and the same command takes it over"
    return f"{goes_on}; to end it: defectflow cancel {study.folder}"


def _print_failed(study: AnyStudy, states: dict[str, str]) -> None:
    from defectflow.pipeline import failed_jobs

    for path, reason in failed_jobs(study, states).items():
        console().print(f"not done {path}: {reason}", style="red")


def _report(study: Study, outcome: Outcome) -> None:
    from defectflow.cli.compare import print_comparison

    print_comparison(study.recipe, outcome.comparisons)
    _print_failed(study, outcome.states)
    if outcome.files:
        console().print("written:", *(f"  {p}" for p in outcome.files), sep="\n")


def _report_json(study: Study, outcome: Outcome) -> None:
    from defectflow.cli.compare import comparison_document

    files = [str(p) for p in outcome.files]
    document = comparison_document(study.recipe, study.engine_name, outcome.comparisons)
    print_json({**document, "states": outcome.states, "files": files})
