"""From a run folder, finished or not, to a page with its figures and numbers beside it."""

from __future__ import annotations

import csv
import platform
import shutil
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from math import isfinite
from pathlib import Path
from typing import Any

import defectflow
from defectflow.analyse.alignment import Reference
from defectflow.analyse.compare import PairComparison, is_stand_in
from defectflow.analyse.dos import Level, levels_around
from defectflow.analyse.verify import verify_state
from defectflow.engines import get_engine
from defectflow.errors import DefectFlowError
from defectflow.export.plots import save
from defectflow.export.report import Curves, Facts, JobFacts, StateFacts, render, report_document
from defectflow.export.report.jobs import trace_rows
from defectflow.export.report.problems import Problem, problems
from defectflow.export.report.structure import site_rows
from defectflow.export.tables import level_row, to_csv
from defectflow.pipeline import dos_groups, dos_result, drop_old, published_for, write_dos, write_figures
from defectflow.pipeline.convergence import compared
from defectflow.pipeline.reference import reference_for
from defectflow.run import Study
from defectflow.run.collect import collect, trusted_result
from defectflow.run.overview import overview
from defectflow.run.same_study import RECIPE
from defectflow.schema import CalcResult, StateEntry
from defectflow.schema.handoff import load_handoff
from defectflow.schema.jsonio import make_folder, write_atomic

PAGE = "report.html"
FOLDER = "report"
ZEROS = ("fermi", "vbm", "junction")
_CURVES = "iv.csv"
_COLUMNS = ("bias_mV", "P_total_nA", "AP_total_nA", "tmr", "P_up_nA", "P_down_nA", "AP_up_nA", "AP_down_nA")
_CURVE_FILES = (_CURVES, "iv_levels.csv", "iv.pdf", "iv.svg", "handoff.json", "handoff.csv")
Held = tuple[dict[str, str], set[str]]
_PROGRAMS = ("numpy", "pymatgen", "spglib", "ase", "matplotlib", "plotly")


@dataclass(frozen=True)
class Report:
    """A written report: its files, the page first, and what stands against the study."""

    files: tuple[Path, ...]
    problems: tuple[Problem, ...]


def write_report(study: Study, folder: Path) -> Report:
    """Write the page, its figures as PDF and SVG and its numbers as CSV into `folder`.

    Raises
    ------
    EngineError
        If plotly is not installed.
    InputError
        If `folder` is a file.
    """
    facts = gather(study)
    render(report_document(facts))  # what cannot be shown leaves no files
    make_folder(folder)
    sections = _write_beside(study, facts, folder)
    named = {section: tuple(p.relative_to(folder).as_posix() for p in paths) for section, paths in sections.items()}
    page = folder / PAGE
    write_atomic(page, render(report_document(replace(facts, files=named))).encode())
    return Report((page, *(p for paths in sections.values() for p in paths)), problems(facts))


def gather(study: Study) -> Facts:
    """Everything that a report shows."""
    entries = collect(study)
    comparisons = compared(study)
    text = study.folder / RECIPE
    return Facts(
        run=str(study.folder),
        recipe=study.recipe,
        recipe_text=text.read_text(encoding="utf-8", errors="replace") if text.is_file() else "",
        engine=study.engine_name,
        jobs=_jobs(study),
        states=tuple(_state(study, entry) for entry in entries),
        comparisons=comparisons,
        published=None if is_stand_in(comparisons) else published_for(study.recipe),
        transport=tuple(_curves(study, path, _held(entries, comparisons)) for path in _curve_files(study.folder)),
        files={},
        versions=_versions(),
        made=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
    )


def _versions() -> dict[str, str]:
    found = {"defectflow": defectflow.__version__, "Python": platform.python_version()}
    for name in _PROGRAMS:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _jobs(study: Study) -> tuple[JobFacts, ...]:
    engine = get_engine(study.engine_name)
    rows = {row["path"]: row for row in overview(study, engine, check=True, only_look=True).rows}
    return tuple(_job(study, job.path, rows[job.path]) for job in study.jobs)


def _job(study: Study, path: str, row: dict[str, Any]) -> JobFacts:
    result, why = _result(study, path)
    after, state = study.by_path[path].after, str(row["state"])
    reason = "" if state == "done" else str(row["error"]) or _why(after, state, result, why)
    trace = get_engine(study.engine_name).trace(study.job_folder(path))
    return JobFacts(path, state, reason, after, study.state(path), result, trace)


def _result(study: Study, path: str) -> tuple[CalcResult | None, str]:
    try:
        return trusted_result(study, path), ""
    except DefectFlowError as error:
        return None, error.what


def _why(after: str | None, state: str, result: CalcResult | None, why: str) -> str:
    """Words for a state that left none itself."""
    if state == "unconverged" and result is not None:
        c = result.convergence
        change = f"last energy change {c.last_energy_change:+.1e} eV, tolerance {c.energy_tolerance:.1e} eV"
        return f"not converged ({change}; largest force {c.max_force:.3f} eV/Å)"
    words = {
        "waiting": "missing: not run yet" + (f", it follows {after}" if after else ""),
        "blocked": f"missing: {after}, which it follows, has no converged result",
        "interrupted": "its driver is gone",
        "stale": why,
    }
    return words.get(state, state)


def _state(study: Study, entry: StateEntry) -> StateFacts:
    zeros, missing = _zeros(study, entry)
    result = _drawable(study, entry) if zeros else None
    levels: tuple[Level, ...] = ()
    if result is not None and "fermi" in zeros:
        levels = levels_around(result, zeros["fermi"], entry.pair.dopants, study.recipe.dos.count_window)
    passed = entry.result is not None and verify_state(entry).passed
    groups = dos_groups(entry, study.recipe.pairs.sublattice)
    return StateFacts(entry, passed, result, zeros, missing, groups, levels)


def _zeros(study: Study, entry: StateEntry) -> tuple[dict[str, Reference], dict[str, str]]:
    found: dict[str, Reference] = {}
    missing: dict[str, str] = {}
    for name in ZEROS:
        try:
            found[name] = reference_for(study, entry, name)
        except DefectFlowError as error:
            missing |= {name: error.what} if entry.result else {}
    return found, missing


def _drawable(study: Study, entry: StateEntry) -> CalcResult | None:
    try:
        return dos_result(study, entry)
    except DefectFlowError:
        return None


def _write_beside(study: Study, facts: Facts, folder: Path) -> dict[str, list[Path]]:
    """Figures and numbers by the section of the page that they belong to."""
    made = write_figures(study, folder)
    drawn = [s for s in facts.states if s.dos is not None]
    dos = [p for p in made if p.stem == "dos"]
    for zero in ZEROS[1:]:
        if drawn and all(zero in s.zeros for s in drawn):
            dos += write_dos(study, zero, [s.entry for s in drawn], folder / f"dos_{zero}")
    levels = [{"state": s.entry.name, **level_row(v)} for s in drawn for v in s.levels]
    sections = {
        "energies": [p for p in made if p.stem in ("pairs", "energies")],
        "dos": dos + _rows(levels, folder / "levels.csv"),
        "structure": [p for p in made if p.stem == "geometry"] + _rows(site_rows(facts), folder / "sites.csv"),
        "convergence": _rows(_job_rows(facts), folder / "jobs.csv") + _traces(facts, folder),
        "transport": [p for c in facts.transport for p in _copied(study.folder / c.place, folder, c.place)],
        "recipe": _recipe_copy(facts, folder),
    }
    named = ("levels", "sites", "jobs", "traces", *(f"dos_{zero}" for zero in ZEROS[1:]))
    drop_old(folder, named, [path for files in sections.values() for path in files])
    return sections


def _rows(rows: list[dict[str, Any]], path: Path) -> list[Path]:
    if not rows:
        return []
    write_atomic(path, to_csv(rows).encode())
    return [path]


def _job_rows(facts: Facts) -> list[dict[str, Any]]:
    return [_job_row(job) for job in facts.jobs]


def _job_row(job: JobFacts) -> dict[str, Any]:
    row: dict[str, Any] = {"job": job.path, "state": job.state, "reason": job.reason}
    if (r := job.result) is not None:
        row |= {"code": r.code, "version": r.version, "input_hash": r.input_hash, "core_seconds": r.core_seconds}
        row |= {"e0_eV": r.e0, "free_energy_eV": r.free_energy, "total_moment_muB": r.total_moment}
        row |= vars(r.convergence)
    return row


def _traces(facts: Facts, folder: Path) -> list[Path]:
    from defectflow.export.trace_plots import trace_figure

    rows = trace_rows(facts)
    if not rows:
        return []
    traces = {job.path: [p.energy_change for p in job.trace] for job in facts.jobs if job.trace}
    return _rows(rows, folder / "traces.csv") + save(trace_figure(traces), folder / "traces")


def _recipe_copy(facts: Facts, folder: Path) -> list[Path]:
    if not facts.recipe_text:
        return []
    write_atomic(folder / RECIPE, facts.recipe_text.encode())
    return [folder / RECIPE]


def _copied(source: Path, folder: Path, place: str) -> list[Path]:
    """Files of a transport run, under a name that says where they came from."""
    stem = place.replace("/", "_")
    files = [p for p in sorted(source.glob("*")) if p.name in _CURVE_FILES]
    targets = [folder / f"{stem}_{p.name}" for p in files]  # never iv.csv: another report would take it for curves
    for path, target in zip(files, targets, strict=True):
        shutil.copyfile(path, target)
    return targets


def _curve_files(folder: Path) -> list[Path]:
    """Curves in the run folder, wherever ``-o`` put them."""
    return sorted((*folder.glob(f"*/{_CURVES}"), *folder.glob(f"*/*/{_CURVES}")))


def _held(entries: tuple[StateEntry, ...], comparisons: tuple[PairComparison, ...]) -> Held:
    """What hand-offs are made from: hashes of inputs by job, and the pairs that have a certificate."""
    hashes = {e.path: e.result.input_hash for e in entries if e.result}
    return hashes, {c.orbit.label for c in comparisons if c.certificate.passed}


def _curves(study: Study, path: Path, held: Held) -> Curves:
    place = path.parent.relative_to(study.folder).as_posix()
    title = _curve_title(path.parent / "handoff.json", held)
    try:
        return Curves(place, title, _columns(path))
    except (OSError, ValueError, csv.Error) as error:
        return Curves(place, title, {}, f"{path.name} cannot be read as curves ({error})")


def _columns(path: Path) -> dict[str, tuple[float | None, ...]]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    missing = [name for name in _COLUMNS if not rows or name not in rows[0]]
    if missing:
        raise ValueError(f"no values of {', '.join(missing)}")
    return {name: tuple(_number(row[name]) for row in rows) for name in _COLUMNS}


def _number(text: str | None) -> float | None:
    value = float(text) if text else None
    if value is not None and not isfinite(value):
        raise ValueError(f'"{text}" is no finite number')
    return value


def _curve_title(handoff: Path, held: Held) -> str:
    if not handoff.is_file():
        return "no hand-off beside them: the parameters are not on record here"
    try:
        h = load_handoff(handoff)
    except DefectFlowError as error:
        return f"the hand-off beside them cannot be read ({error.what})"
    hashes, certified = held
    same = hashes.get(h.source.get("job", "")) == h.source.get("input_hash")
    if not same or (h.certificate.passed and h.pair not in certified):
        return f"OUTDATED, pair {h.pair} {h.state}: the study holds other results today; run transport iv again"
    return f"pair {h.pair} {h.state}, zero {h.reference.name}: {h.statement}"
