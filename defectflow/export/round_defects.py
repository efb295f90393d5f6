"""The defects of one round of a screening in the frame of its pristine cell, for programs on point defects."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf

import numpy as np

from defectflow.analyse.alignment import Reference, supercell_edges
from defectflow.analyse.charged import FiniteSize, finite_size_of
from defectflow.analyse.rank import Ranked, rank
from defectflow.analyse.verify import certificate, verify_method, verify_run
from defectflow.errors import AnalysisError, DefectFlowError
from defectflow.export.certified import ENERGY_STAGE, NOT_CERTIFIED, Certified
from defectflow.run import AnyStudy, ScreenStudy
from defectflow.run.collect import collect_round, trusted_result
from defectflow.schema import Cell
from defectflow.schema.cell import Floats
from defectflow.schema.configuration import Configuration
from defectflow.schema.screen import Round

SPLIT = "_split"  # end of the name of an atom that shares the site of another


@dataclass(frozen=True, eq=False)
class RoundDefect:
    """The lowest run of a configuration and charge.

    Attributes
    ----------
    configuration : Configuration
    it : Certified
        Its final geometry has the origin of the pristine cell; the certificate is of all runs of the configuration.
    start : Cell
        Before it was relaxed, in the same frame, without moments.
    middle : (3,) float
        Of the sites that were changed (fractional), in the same frame.
    correction : FiniteSize or None
        None for a neutral cell.
    """

    configuration: Configuration
    it: Certified
    start: Cell
    middle: Floats
    correction: FiniteSize | None


@dataclass(frozen=True, eq=False)
class RoundDefects:
    """What a round holds of use for other programs.

    Attributes
    ----------
    pristine : Certified
    defects : tuple of RoundDefect
    phases : dict of str to (float, str)
        Formula to the lowest E0 per formula unit (eV) and the path of its job; the host is among them.
    vbm, gap : Reference or None, float
        Of the host on the pristine cell's scale (eV); None without a bulk run.
    electronic, ionic : (3, 3) float or None
        Parts of the dielectric tensor; the ionic one is zero where no ion could move, and both are None where the
        recipe has none.
    left_out : dict of str to str
    """

    pristine: Certified
    defects: tuple[RoundDefect, ...]
    phases: dict[str, tuple[float, str]]
    vbm: Reference | None
    gap: float
    electronic: Floats | None
    ionic: Floats | None
    left_out: dict[str, str]

    @property
    def dielectric(self) -> Floats | None:
        """The whole dielectric tensor."""
        return None if self.electronic is None or self.ionic is None else self.electronic + self.ionic


def round_defects(study: AnyStudy, name: str, everything: bool, program: str) -> RoundDefects:
    """Defects of the round `name` (empty: the last one whose pristine cell has a result).

    Raises
    ------
    AnalysisError
        If the study is no screening, or the pristine cell has no result or failed.
    """
    if not isinstance(study, ScreenStudy):
        what = f"{program} compares defect cells with their pristine supercell, and only a screening runs that"
        raise AnalysisError(what, where=str(study.folder), todo="for this study: --to ase, entries or dos")
    step, pristine = _chosen(study, name)
    vbm, gap = _edges(study, step, pristine)
    tensors = _tensors(study, step)
    phases, left_out = _phases(study, step, pristine)
    found = []
    for row in rank(collect_round(study, step)):
        path = row.lowest.path if row.lowest else f"{step.name}/{row.name}"
        defect = _defect(row, pristine, None if tensors is None else tensors[0] + tensors[1])
        if isinstance(defect, str):
            left_out[path] = defect
        elif everything or defect.it.certificate.passed:
            found.append(defect)
        else:
            left_out[path] = f"{NOT_CERTIFIED}: {'; '.join(defect.it.certificate.reasons)}"
    if not found:
        raise AnalysisError(f"no defect of round {step.name} may be used", where=str(study.folder))
    electronic, ionic = tensors or (None, None)
    return RoundDefects(pristine, tuple(found), phases, vbm, gap, electronic, ionic, left_out)


def _chosen(study: ScreenStudy, name: str) -> tuple[Round, Certified]:
    steps = [r for r in study.recipe.rounds if name in ("", r.name)]
    if not steps:
        todo = f"its rounds: {', '.join(r.name for r in study.recipe.rounds)}"
        raise AnalysisError(f'there is no round "{name}"', where="--round", todo=todo)
    for step in reversed(steps):
        pristine = _static(study, f"{step.name}/pristine")
        if isinstance(pristine, Certified) and pristine.certificate.passed:
            return step, pristine
    reason = pristine if isinstance(pristine, str) else "; ".join(pristine.certificate.reasons)
    raise AnalysisError(f"the pristine cell cannot be used: {reason}", where=f"{steps[0].name}/pristine")


def _static(study: ScreenStudy, folder: str) -> Certified | str:
    path = f"{folder}/{ENERGY_STAGE}"
    if path not in study.by_path:
        return "it is not part of what was decided to run"
    try:
        result = trusted_result(study, path)
    except DefectFlowError as error:
        return error.what
    return Certified(path, folder, result, verify_run(result, folder))


def _edges(study: ScreenStudy, step: Round, pristine: Certified) -> tuple[Reference | None, float]:
    path = f"{step.name}/bulk/dos"
    if path not in study.by_path:
        return None, 0.0
    return supercell_edges(pristine.result, trusted_result(study, path))


def _tensors(study: ScreenStudy, step: Round) -> tuple[Floats, Floats] | None:
    charged = study.recipe.charged
    if charged is None:
        return None
    fixed, free = np.array(charged.tensor(False)), np.array(charged.tensor("relax" in step.stages))
    return fixed, free - fixed


def _phases(
    study: ScreenStudy, step: Round, pristine: Certified
) -> tuple[dict[str, tuple[float, str]], dict[str, str]]:
    """Energies per formula unit; the host's from the pristine cell, as `defectflow energetics` takes it."""
    formula, energy = _per_formula(pristine)
    found = {formula: (energy, pristine.path)}
    left_out = {}
    for reference in study.recipe.references if step.references else ():
        phase = _static(study, f"{step.name}/phase.{reference.phase}")
        reasons = [phase] if isinstance(phase, str) else [*phase.certificate.reasons, *_other_method(pristine, phase)]
        if isinstance(phase, str) or reasons:
            left_out[f"{step.name}/phase.{reference.phase}"] = "; ".join(reasons)
        else:
            # Of an atom, a molecule and a solid of one formula, the lowest is the one that bounds.
            formula, energy = _per_formula(phase)
            found[formula] = min(found.get(formula, (inf, "")), (energy, phase.path))
    return found, left_out


def _other_method(pristine: Certified, other: Certified) -> tuple[str, ...]:
    return verify_method(pristine.result, other.result).reasons


def _per_formula(it: Certified) -> tuple[str, float]:
    """Formula in pydefect's manner, ``Mg1O1``, and E0 per unit (eV)."""
    formula, units = it.result.cell.formula_units
    return "".join(f"{s}{n}" for s, n in formula.items()), it.result.e0 / units


def _defect(row: Ranked, pristine: Certified, dielectric: Floats | None) -> RoundDefect | str:
    lowest, where = row.lowest, row.configuration
    if lowest is None or lowest.result is None:
        return "; ".join(row.certificate.reasons) or "no result"
    result, order = lowest.result, row.orders[0]
    correction = None
    if row.charge and dielectric is not None:
        correction = finite_size_of(result, pristine.result, row.charge, where, dielectric)
    reasons = [*row.certificate.reasons, *verify_method(pristine.result, result).reasons]
    check = certificate(reasons, list(row.certificate.remarks))
    moved = replace(result, cell=_moved(result.cell, where))
    it = Certified(lowest.path, row.name, moved, check, row.charge, order.asked, order.order)
    return RoundDefect(where, it, _moved(where.cell, where), (where.middle + where.origin) % 1.0, correction)


def _moved(cell: Cell, where: Configuration) -> Cell:
    return cell.with_coords(cell.coords + where.origin)


def names(defects: tuple[RoundDefect, ...]) -> dict[str, str]:
    """Names by label in pydefect's manner: ``Va_O1``, ``C_O1``, and for several ``C@O+Va@O_2``."""
    families: dict[str, list[str]] = {}
    for d in defects:
        labels = families.setdefault(_family(d.configuration), [])
        if d.configuration.label not in labels:
            labels.append(d.configuration.label)
    return {
        label: f"{family}{'' if '+' not in family else '_'}{n}"
        for family, labels in families.items()
        for n, label in enumerate(labels, 1)
    }


def _family(configuration: Configuration) -> str:
    parts = [_words(name) for name, n in configuration.composition.items() for _ in range(n)]
    return "_".join(parts[0]) if len(parts) == 1 else "+".join("@".join(p) for p in parts)


def _words(defect: str) -> tuple[str, str]:
    """``V_O`` is ("Va", "O"); ``C_O_split``, which shares the site of an O with it, is ("C-split", "O")."""
    from defectflow.schema.defects import VACANCY, VANADIUM, defect_words

    inside, site = defect_words(defect.removesuffix(SPLIT))
    inside = {VACANCY: "Va", VANADIUM: "V"}.get(inside, inside)
    return (f"{inside}-split" if defect.endswith(SPLIT) else inside), site
