"""Screenings: run a round, decide what goes on, record it, run the next."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

from defectflow.analyse.promote import promote
from defectflow.analyse.rank import Ranked, rank
from defectflow.errors import AnalysisError
from defectflow.export.screen import ranked_document, ranked_row, write_database, write_frames
from defectflow.export.tables import to_csv
from defectflow.pipeline import run_jobs
from defectflow.run import RunOptions, ScreenStudy
from defectflow.run.collect import collect_round
from defectflow.schema.configuration import ConfigurationEntry, Promotions
from defectflow.schema.jsonio import make_folder, save_record, write_atomic
from defectflow.schema.screen import Round
from defectflow.schema.site import Site

_ENDED = ("done", "failed", "unconverged", "blocked")  # blocked: what it follows failed by itself


def run_screen(study: ScreenStudy, jobs: int | None, options: RunOptions, site: Site | None = None) -> dict[str, str]:
    """Run all rounds, each after a decision on the one before; states of all jobs.

    A configuration without a converged result does not go on; what failed is in the states and in the record of the
    decision, and after it was run again the decision is made anew.
    """
    while True:
        states = run_jobs(study, jobs, options, site)
        if not next_round(study, states):
            return states
        study = ScreenStudy.open(study.folder)
        options = replace(options, rerun=frozenset())


def next_round(study: ScreenStudy, states: dict[str, str]) -> bool:
    """Decide on the next round if all of this one has ended; whether there is something new to run."""
    return all(s in _ENDED for s in states.values()) and decide(study)


def decide(study: ScreenStudy) -> bool:
    """Record what goes on to the next round; whether there is something new to run.

    A decision is made anew if the results that it rests on are no longer the same.
    """
    recorded = study.promotions
    for at, (before, step) in enumerate(zip(study.recipe.rounds, study.recipe.rounds[1:], strict=False)):
        entries = collect_round(study, before)
        decision = _decision(entries, before, step)
        if at < len(recorded) and recorded[at] == decision:
            continue
        for later in study.recipe.rounds[at + 2 :]:
            study.promotions_file(later.name).unlink(missing_ok=True)
        save_record(decision, study.promotions_file(step.name))
        return True
    return False


def _decision(entries: tuple[ConfigurationEntry, ...], before: Round, step: Round) -> Promotions:
    assert step.keep is not None  # the recipe has made sure of it
    kept, dropped = promote(rank(entries), step.keep)
    facts = [(e.path, e.result.input_hash, e.result.e0) for e in entries if e.result]
    digest = hashlib.sha256(json.dumps([facts, step.keep.model_dump(mode="json")]).encode()).hexdigest()
    return Promotions(before.name, step.name, digest, kept, dropped)


def chosen_round(study: ScreenStudy, name: str | None) -> Round:
    """Round of that name, or the last one that was decided on and has a result.

    Raises
    ------
    AnalysisError
        If there is none.
    """
    rounds = study.recipe.rounds
    if name is not None:
        if name not in (known := [r.name for r in rounds]):
            raise AnalysisError(f'there is no round "{name}"', where="--round", todo=f"known: {', '.join(known)}")
        step = next(r for r in rounds if r.name == name)
        if rounds.index(step) > len(study.promotions):
            what = f'the round "{name}" has not been decided on: the one before is not done'
            raise AnalysisError(what, where=str(study.folder), todo=f"defectflow resume {study.folder}")
        return step
    for step in reversed(rounds):
        if any(e.result for e in collect_round(study, step)):
            return step
    raise AnalysisError("no configuration has a result yet", where=str(study.folder), todo="defectflow screen run")


def ranked(study: ScreenStudy, step: Round) -> tuple[Ranked, ...]:
    """Configurations of a round, ranked."""
    return rank(collect_round(study, step))


def write_rankings(study: ScreenStudy) -> list[Path]:
    """Rankings of all rounds that have a result, into the study's folder ``figures``."""
    done = [r for r in study.recipe.rounds if any(e.result for e in collect_round(study, r))]
    return [path for step in done for path in write_ranking(study, step, study.folder / "figures")]


def write_ranking(study: ScreenStudy, step: Round, folder: Path) -> list[Path]:
    """Ranking of a round as CSV, JSON, ASE database, extended XYZ and figure, numbers beside it."""
    from defectflow.export.plots import save
    from defectflow.export.screen_plots import distance_figure

    rows = ranked(study, step)
    make_folder(folder)
    stem = folder / f"rank_{step.name}"
    files = [stem.with_suffix(f".{s}") for s in ("csv", "json", "extxyz", "db")]
    write_atomic(files[0], to_csv([ranked_row(r) for r in rows]).encode())
    write_atomic(
        files[1], json.dumps(ranked_document(study.recipe, step.name, rows), indent=1, allow_nan=False).encode()
    )
    write_frames(rows, step.name, files[2])
    write_database(rows, step.name, files[3])
    if any(r.above_lowest is not None and r.configuration.distance < float("inf") for r in rows):
        files += save(distance_figure(rows, step.name), stem)
    return files
