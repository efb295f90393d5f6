"""Energies of the defects of a screening: its cells, its reference phases and what they combine to."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np

from defectflow.analyse.alignment import supercell_edges
from defectflow.analyse.charged import FiniteSize, finite_size_of
from defectflow.analyse.chempot import PhaseEnergy, limits
from defectflow.analyse.energetics import (
    Calculated,
    Defect,
    bindings,
    captures,
    formation,
    transitions,
)
from defectflow.analyse.rank import Ranked
from defectflow.analyse.round_energies import Energetics
from defectflow.analyse.verify import certificate, verify_method, verify_run
from defectflow.errors import AnalysisError, ParseError
from defectflow.export.energetics import energetics_document, formation_figure, formation_rows, reaction_rows
from defectflow.export.plots import save
from defectflow.export.screen import composition_text
from defectflow.export.tables import to_csv
from defectflow.pipeline.screen import ranked
from defectflow.run import ScreenStudy
from defectflow.run.collect import trusted_result
from defectflow.schema import CalcResult
from defectflow.schema.jsonio import make_folder, write_atomic
from defectflow.schema.screen import Round


def energetics(study: ScreenStudy, step: Round) -> Energetics:
    """Formation, capture and binding energies of a round.

    Raises
    ------
    AnalysisError
        If the pristine cell or a reference phase has no result.
    """
    pristine = _calculated(study, f"{step.name}/pristine/static", "the pristine cell", None)
    phases = [
        _calculated(study, f"{step.name}/phase.{r.phase}/static", r.phase, pristine.result)
        for r in (study.recipe.references if step.references else ())
    ]
    ends = limits(_host(pristine), [_phase(p) for p in phases]) if phases else ()
    lowest = {(composition_text(r.configuration.composition), r.charge): r for r in reversed(ranked(study, step))}
    charged = _Charged(study, step, pristine) if any(q for _, q in lowest) else None
    defects = [d for row in reversed(lowest.values()) if (d := _defect(row, pristine, charged))]
    found = tuple(formation(d, pristine, ends) for d in defects) if ends else ()
    elements = [p for p in phases if len(set(p.result.cell.species)) == 1]
    return Energetics(
        step=step,
        limits=ends,
        formation=found,
        captures=captures(defects, pristine, elements, ends),
        bindings=bindings(defects, pristine),
        transitions=transitions(found),
        corrections=charged.corrections if charged else {},
        gap=charged.gap if charged else 0.0,
        missing=tuple(reason for r in lowest.values() if r.lowest is None for reason in r.certificate.reasons),
    )


def _calculated(study: ScreenStudy, path: str, name: str, like: CalcResult | None) -> Calculated:
    try:
        result = trusted_result(study, path)
    except ParseError as error:
        todo = f"defectflow resume {study.folder}"
        raise AnalysisError(f"{name} has no result ({error.what})", where=path, todo=todo) from None
    run = verify_run(result, name)
    other = [f"{name}: {r}" for r in verify_method(like, result).reasons] if like else []
    return Calculated(name, result, certificate([*run.reasons, *other], list(run.remarks)))


def _host(pristine: Calculated) -> PhaseEnergy:
    """The host per formula unit."""
    result = pristine.result
    formula, units = result.cell.formula_units
    name = "".join(f"{s}{n if n > 1 else ''}" for s, n in formula.items())
    return PhaseEnergy(name, formula, result.e0 / units, pristine.certificate.reasons, _open(result) / units)


def _phase(phase: Calculated) -> PhaseEnergy:
    atoms = dict(Counter(phase.result.cell.species))
    return PhaseEnergy(phase.name, atoms, phase.result.e0, phase.certificate.reasons, _open(phase.result))


def _open(result: CalcResult) -> float:
    """What SCF and smearing leave open (eV per cell)."""
    return result.convergence.residue + abs(result.free_energy - result.e0)


class _Charged:
    """What charged cells of a round need: the VBM on the pristine cell's scale and the corrections, made on demand."""

    def __init__(self, study: ScreenStudy, step: Round, pristine: Calculated) -> None:
        bulk = trusted_result(study, f"{step.name}/bulk/dos")
        assert study.recipe.charged is not None  # the recipe has made sure of it
        self.dielectric = np.array(study.recipe.charged.tensor("relax" in step.stages))
        self.vbm, self.gap = supercell_edges(pristine.result, bulk)
        self.pristine = pristine.result
        self.corrections: dict[tuple[str, int], FiniteSize] = {}

    def correction(self, row: Ranked, result: CalcResult) -> FiniteSize:
        """Finite-size correction of a charged cell, for a charge in the middle of its defects."""
        found = finite_size_of(result, self.pristine, row.charge, row.configuration, self.dielectric)
        self.corrections[composition_text(row.configuration.composition), row.charge] = found
        return found


def _defect(row: Ranked, pristine: Calculated, charged: _Charged | None) -> Defect | None:
    result = row.lowest.result if row.lowest else None
    if result is None:
        return None
    name = composition_text(row.configuration.composition)
    other = [f"{name}: {r}" for r in verify_method(pristine.result, result).reasons]
    checked = certificate([*row.certificate.reasons, *other], list(row.certificate.remarks))
    plain = Defect(name, result, checked, row.configuration.composition, row.charge)
    if charged is None:
        return plain
    vbm = replace(plain, vbm=charged.vbm.energy, vbm_error=charged.vbm.uncertainty)
    if row.charge == 0:
        return vbm
    found = charged.correction(row, result)
    return replace(vbm, correction=found.total, correction_error=found.scatter)


def write_energetics(found: Energetics, folder: Path) -> list[Path]:
    """Tables of one round as CSV and JSON; where charged cells are in it, formation energies against E_F."""
    make_folder(folder)
    stem = folder / f"energetics_{found.step.name}"
    files = [
        stem.with_suffix(".json"),
        stem.with_name(f"{stem.name}_formation.csv"),
        stem.with_name(f"{stem.name}_reactions.csv"),
    ]
    write_atomic(files[0], json.dumps(energetics_document(found), indent=1, allow_nan=False).encode())
    write_atomic(files[1], to_csv(formation_rows(found)).encode())
    write_atomic(files[2], to_csv(reaction_rows(found)).encode())
    return files + (save(formation_figure(found, found.gap), stem) if found.gap and found.limits else [])
