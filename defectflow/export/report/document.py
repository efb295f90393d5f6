"""Everything that a page shows, section by section, as plain values."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from defectflow.analyse.compare import is_stand_in
from defectflow.export.report import dos, jobs, pairs, settings
from defectflow.export.report.citations import citations
from defectflow.export.report.facts import Curves, Facts
from defectflow.export.report.grid import DELTA, MINUS
from defectflow.export.report.problems import problems
from defectflow.export.report.structure import structure_data
from defectflow.export.tables import uncertainty_words

SIGNS = (
    f"{DELTA} > 0: FM is lower. J in H = {MINUS}Σ J e₁·e₂ over bonds (unit vectors, every bond once, J > 0 FM), so"
    f" {DELTA} = 2 z J per cell; read as one isolated dimer z = 1."
)


def report_document(facts: Facts) -> dict[str, Any]:
    """Texts and tables of the page, and under ``data`` the numbers that its figures are drawn from."""
    return {
        "name": facts.recipe.name,
        "question": facts.recipe.question,
        "run": facts.run,
        "made": facts.made,
        "problems": [asdict(p) for p in problems(facts)],
        "counts": _counts(facts),
        "notes": _notes(facts),
        "overview": settings.overview_rows(facts),
        "caveats": list(facts.recipe.caveats),
        "settings": settings.setting_grid(facts),
        "recipe_text": facts.recipe_text,
        "files": facts.files,
        "energies": _energies(facts),
        "dos": _dos(facts),
        "convergence": {"grid": jobs.convergence_grid(facts), "untraced": _untraced(facts)},
        "record": _record(facts),
        "citations": citations(facts),
        "transport": [_curves(c) for c in facts.transport],
        "data": _data(facts),
    }


def _counts(facts: Facts) -> dict[str, int]:
    states = [j.state for j in facts.jobs]
    passed = sum(c.certificate.passed for c in facts.comparisons)
    return {"jobs": len(states), "done": states.count("done"), "pairs": len(facts.comparisons), "passed": passed}


def _notes(facts: Facts) -> list[str]:
    """What a reader must know of numbers that no calculation of this study made."""
    notes = []
    if is_stand_in(facts.comparisons):
        notes.append("The numbers are those of a toy model, a stand-in for the code: nothing was calculated.")
    if any(j.result and j.result.engine == "replay" for j in facts.jobs):
        notes.append("Results were replayed from a stored study: nothing was calculated anew.")
    return notes


def _energies(facts: Facts) -> dict[str, Any]:
    return {
        "pairs": pairs.pair_grid(facts),
        "states": pairs.state_grid(facts),
        "certificates": pairs.certificates(facts),
        "published": facts.published.source if facts.published else "",
        "signs": SIGNS,
        "uncertainty": uncertainty_words(facts.comparisons),
    }


def _dos(facts: Facts) -> dict[str, Any]:
    return {
        "levels": [pairs.level_grid(s) for s in facts.states if s.levels],
        "missing": dos.missing_dos(facts),
        "no_zero": dos.missing_zeros(facts),
    }


def _untraced(facts: Facts) -> list[str]:
    return [j.path for j in facts.jobs if not j.trace]


def _record(facts: Facts) -> dict[str, Any]:
    return {
        "corrections": jobs.correction_grid(facts),
        "failures": jobs.failure_grid(facts),
        "provenance": jobs.provenance_grid(facts),
        "potentials": jobs.potential_grid(facts),
        "numerics": jobs.numeric_grid(facts),
        "core_hours": jobs.core_hours(facts),
        "versions": list(facts.versions.items()),
    }


def _curves(c: Curves) -> dict[str, Any]:
    return {"place": c.place, "title": c.title, "problem": c.problem}


def _data(facts: Facts) -> dict[str, Any]:
    return {
        "energies": pairs.energy_data(facts),
        "published": facts.published.short if facts.published else None,
        "dos": dos.dos_data(facts),
        "structures": structure_data(facts),
        "traces": jobs.trace_data(facts),
        "transport": [{"place": c.place, "columns": c.columns} for c in facts.transport if not c.problem],
    }
