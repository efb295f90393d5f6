"""From a convergence study to curves, and to the error budget of another study."""

from __future__ import annotations

from collections.abc import Sequence
from math import hypot
from pathlib import Path

from defectflow.analyse.compare import PairComparison, compare_study, with_errors
from defectflow.analyse.convergence import Curve, CurvePoint, error_terms
from defectflow.errors import AnalysisError, InputError
from defectflow.export.convergence import curve_rows, curves_figure
from defectflow.export.tables import to_csv
from defectflow.inputs.convergence import axis_points, setting_at
from defectflow.pipeline.together import collect_together
from defectflow.run import ConvergenceStudy, Study
from defectflow.run.collect import collect, collect_point
from defectflow.schema import Recipe
from defectflow.schema.convergence import Axis, ErrorBudget, ErrorTerm
from defectflow.schema.jsonio import load_record, make_folder, save_record, write_atomic

BUDGET = "errors.json"


def curves_of(study: ConvergenceStudy) -> tuple[Curve, ...]:
    """Every pair along every axis, whatever is known of it so far."""
    return tuple(curve for axis in study.recipe.axes for curve in _along(study, axis))


def _along(study: ConvergenceStudy, axis: Axis) -> list[Curve]:
    points = axis_points(study.recipe, axis)
    keys = {a.key for a in study.recipe.axes} - {axis.key}
    others = {key: setting_at(points[0].recipe, key) for key in sorted(keys)}
    found = [{c.orbit.label: c for c in compare_study(collect_point(study, point))} for point in points]
    return [
        Curve(
            axis.name,
            axis.kind,
            axis.key,
            label,
            tuple(CurvePoint(p.label, p.value, f[label]) for p, f in zip(points, found, strict=True)),
            others,
        )
        for label in found[0]
    ]


def write_curves(curves: tuple[Curve, ...], folder: Path) -> list[Path]:
    """Figure and CSV of a convergence study."""
    from defectflow.export.plots import save

    make_folder(folder)
    table = folder / "convergence.csv"
    write_atomic(table, to_csv([row for c in curves for row in curve_rows(c)]).encode())
    return [table, *save(curves_figure(curves), folder / "convergence")]


def make_budget(study: ConvergenceStudy, curves: tuple[Curve, ...], of: Study) -> ErrorBudget:
    """Numerical errors of the pairs of a study, from how they move around it: the curves of the convergence study.

    Raises
    ------
    AnalysisError
        If the studies have another code, host, cell or dopants, or a value of the study was not run.
    """
    recipe = of.recipe
    if _system(study.recipe.base) != _system(recipe):
        what = "the convergence study has another host, supercell or dopants; a mesh means something else there"
        raise AnalysisError(what, where=str(study.folder), todo=f"vary the settings of {of.folder}'s own cell")
    entries = collect(of)
    known = {e.result.code for e in entries if e.result}
    if known and (others := _codes(curves) - known):
        what = f"the convergence study is of {', '.join(sorted(others))}, whose errors are no other code's"
        raise AnalysisError(what, where=str(study.folder), todo=f"run it with the engine of {of.folder}")
    keys = {axis.key for axis in study.recipe.axes if axis.kind == "numerical"}
    values = {key: setting_at(recipe, key) for key in sorted(keys)}
    labels = [c.orbit.label for c in compare_study(entries)]
    terms = {label: error_terms(curves, label, values) for label in labels}
    return ErrorBudget(terms, {k: str(v) for k, v in values.items()}, _source(study, curves))


def _system(recipe: Recipe) -> tuple[object, ...]:
    """What a mesh and a pair's label belong to; the lattice constant may be one of the things that are varied."""
    host = recipe.host.model_copy(update={"lattice_constant": None})
    return host, recipe.supercell.rows, recipe.pairs.dopants, recipe.pairs.sublattice


def _source(study: ConvergenceStudy, curves: tuple[Curve, ...]) -> str:
    return f"convergence study {study.recipe.name} ({', '.join(sorted(_codes(curves)))})"


def _codes(curves: tuple[Curve, ...]) -> set[str]:
    return {s.code for c in curves for p in c.points for s in (p.comparison.fm, p.comparison.af) if s}


def save_budget(budget: ErrorBudget, of: Study) -> Path:
    """Keep a budget in the folder of the study that it belongs to."""
    save_record(budget, of.folder / BUDGET)
    return of.folder / BUDGET


def budget_of(study: Study) -> ErrorBudget | None:
    """The budget that was kept in a study's folder, None if there is none.

    Raises
    ------
    InputError
        If it belongs to other settings.
    """
    path = study.folder / BUDGET
    if not path.is_file():
        return None
    budget = load_record(ErrorBudget, path)
    for key, value in budget.settings.items():
        if (here := str(setting_at(study.recipe, key))) != value:
            todo = "make it again: defectflow converge errors CONVERGENCE RUN"
            raise InputError(f"belongs to {key} = {value}; the study has {here}", where=str(path), todo=todo)
    return budget


def compared(study: Study, others: Sequence[Study] = ()) -> tuple[PairComparison, ...]:
    """Every pair of a study, its uncertainty with all that is known of it.

    Parameters
    ----------
    study : Study
    others : sequence of Study
        Studies whose states count, too.

    Raises
    ------
    InputError
        If one of the others has another host, cell or dopants, or other settings.
    """
    entries = collect_together((study, *others)) if others else collect(study)
    budgets = [(s.recipe.name if others else "", b) for s in (study, *others) if (b := budget_of(s))]
    return tuple(with_errors(c, _terms(c, budgets)) for c in compare_study(entries))


def _terms(comparison: PairComparison, budgets: Sequence[tuple[str, ErrorBudget]]) -> tuple[ErrorTerm, ...]:
    """What the studies of the two states leave open, the larger of both; where one has none, the largest of any."""
    label, of = comparison.orbit.label, {s.study for s in (comparison.fm, comparison.af) if s}
    known = [(name, budget.terms[label]) for name, budget in budgets if label in budget.terms]
    both = of <= {name for name, _ in known}
    found = [terms for name, terms in known if name in of or not both]
    return max(found, key=lambda terms: hypot(*(term.value for term in terms)), default=())
