"""``defectflow screen plan|run|rank``: configurations in rounds, and which of them are lowest."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from defectflow.cli.run import EngineName, Figures, Jobs, Output, Ranks, Reuse
from defectflow.cli.shared import AsJson, Force, RecipeFile, RunFolder, SiteName, console, print_json, refuse_made

if TYPE_CHECKING:
    from defectflow.analyse.rank import Ranked
    from defectflow.run import ScreenStudy
    from defectflow.schema.configuration import Promotions

RoundName = Annotated[
    str | None, typer.Option("--round", help="Round of the recipe.", show_default="the last one with a result")
]


def plan(
    recipe: RecipeFile,
    count_only: Annotated[bool, typer.Option("--count-only", help="Only count; no structure is made.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show the configurations that a recipe searches, in which orders and charges they run, and the rounds."""
    from defectflow.export.screen import state_row, state_table
    from defectflow.inputs.screen import check_references
    from defectflow.schema.recipe_file import named_by
    from defectflow.schema.screen import load_screen
    from defectflow.structures.screening import build_states, count

    loaded = load_screen(recipe)
    with named_by(recipe):
        counts = [{"composition": name, "configurations": number} for name, number in count(loaded)]
        states = () if count_only else build_states(loaded)
        check_references(loaded)
    if as_json:
        rounds = [r.model_dump(mode="json") for r in loaded.rounds]
        print_json({"compositions": counts, "states": [state_row(s) for s in states], "rounds": rounds})
        return
    for entry in counts:
        console().print(f"{entry['composition']}: {entry['configurations']} distinct configurations")
    if states:
        console().print(state_table(states))
    for n, step in enumerate(loaded.rounds):
        kept = f"keeps {step.keep.words}" if step.keep else f"all {len(states)} states" if states else "all"
        console().print(f"round {n + 1}, {step.name}: {'/'.join(step.stages)}, {kept}")


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
    """Run a screening, or go on with it, round by round; every promotion is recorded with its reason."""
    from dataclasses import replace

    from defectflow.cli.place import check_place, place
    from defectflow.cli.run import create_with, finish_screen
    from defectflow.run import ScreenStudy

    folder = output or Path("runs") / recipe.stem
    check_place(engine, site, jobs, ranks, folder)
    study = create_with(ScreenStudy, folder, recipe, engine, reuse)
    finish_screen(study, replace(place(study, site, jobs, ranks), figures=figures), as_json)


def rank(
    folder: RunFolder,
    step: RoundName = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Folder for CSV, JSON, ASE database, extended XYZ and figure."),
    ] = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Rank the configurations of a round by energy, with spin orders and certificates; status 1 if one failed."""
    from defectflow.export.screen import ranked_document
    from defectflow.pipeline.screen import chosen_round, ranked, write_ranking
    from defectflow.run import ScreenStudy

    study = ScreenStudy.open(folder)
    chosen = chosen_round(study, step)
    refuse_made(output, f"rank_{chosen.name}.", force)
    rows = ranked(study, chosen)
    files = [str(p) for p in write_ranking(study, chosen, output)] if output is not None else []
    if as_json:
        promotions = [promotion_row(p) for p in study.promotions]
        document = ranked_document(study.recipe, chosen.name, rows)
        print_json({**document, "promotions": promotions, "files": files})
    else:
        print_ranking(study, chosen.name, files)
    raise typer.Exit(0 if all(r.certificate.passed for r in rows) else 1)


def promotion_row(decision: Promotions) -> dict[str, Any]:
    """JSON of a decision on a round."""
    kept = [
        {"label": p.label, "charge": p.charge, "rule": p.rule, "above_lowest": p.above_lowest} for p in decision.kept
    ]
    return {"after": decision.after, "to": decision.to, "kept": kept, "dropped": decision.dropped}


def print_ranking(study: ScreenStudy, step: str, files: list[str]) -> None:
    """The table of one round, what stands against each row, and what went on from it."""
    from defectflow.export.screen import ranking_table
    from defectflow.pipeline.screen import chosen_round, ranked

    screen = console()
    chosen = chosen_round(study, step)
    rows = ranked(study, chosen)
    s = study.recipe.settings_of(chosen)
    used = (s.functional, f"{s.cutoff:g} eV", s.kpoints, s.smearing, "/".join(chosen.stages))
    screen.print(f"{study.recipe.name}, round {step}:", ", ".join(map(str, used)))
    screen.print(ranking_table(rows))
    screen.print(
        "q: charge; deg.: equivalent configurations of the cell; order and M: of the lowest run, as it came out;"
    )
    screen.print("AF-FM: lowest order without net moment minus all moments up. ± is what SCF and smearing leave open.")
    _print_certificates(rows)
    for decision in study.promotions:
        if decision.after == step:
            for p in decision.kept:
                screen.print(f"to {decision.to}: {p.label}{f' q{p.charge:+d}' if p.charge else ''} ({p.rule})")
    for caveat in study.recipe.caveats:
        screen.print(f"note {caveat}", style="yellow")
    if files:
        screen.print("written:", *(f"  {p}" for p in files), sep="\n")


def _print_certificates(rows: tuple[Ranked, ...]) -> None:
    for row in rows:
        for reason in row.certificate.reasons:
            console().print(f"failed {reason}", style="red")
    for remark in _folded([r for row in rows for r in row.certificate.remarks]):
        console().print(f"remark {remark}")


def _folded(remarks: list[str]) -> list[str]:
    """The first of those remarks that differ in the run and in numbers only, with how many more there are."""
    kinds: dict[str, list[str]] = {}
    for remark in remarks:
        kinds.setdefault(re.sub(r"[-+.\d]+", "", remark.partition(": ")[2]), []).append(remark)
    return [f"{same[0]}" + (f" (and {len(same) - 1} more runs)" if same[1:] else "") for same in kinds.values()]


def report(study: ScreenStudy, states: dict[str, str], files: list[str], as_json: bool) -> None:
    """What a run leaves: the ranking of its last round."""
    from defectflow.errors import AnalysisError
    from defectflow.export.screen import ranked_document
    from defectflow.pipeline.screen import chosen_round, ranked

    try:
        chosen = chosen_round(study, None)
    except AnalysisError:
        print_json({"states": states}) if as_json else None
        return
    if not as_json:
        print_ranking(study, chosen.name, files)
        return
    document = ranked_document(study.recipe, chosen.name, ranked(study, chosen))
    print_json(
        {**document, "promotions": [promotion_row(p) for p in study.promotions], "states": states, "files": files}
    )
