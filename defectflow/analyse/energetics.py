"""Formation, capture and binding energies of defects from total energies of cells and reference phases.

E_f = E(defect) - E(pristine) - sum_i n_i mu_i + q (E_VBM + E_F) + E_corr (Zhang and Northrup, PRL 67, 2339 (1991);
Freysoldt et al., Rev. Mod. Phys. 86, 253 (2014), doi:10.1103/RevModPhys.86.253), n_i atoms of kind i added.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from defectflow.analyse.chempot import Limit
from defectflow.analyse.verify import Certificate
from defectflow.schema import CalcResult
from defectflow.schema.defects import VACANCY, VANADIUM


@dataclass(frozen=True, eq=False)
class Calculated:
    """A cell or phase with its energy and what stands against it.

    Attributes
    ----------
    name : str
    result : CalcResult
    certificate : Certificate
    """

    name: str
    result: CalcResult
    certificate: Certificate


@dataclass(frozen=True, eq=False)
class Defect(Calculated):
    """The lowest configuration of one composition and charge.

    Attributes
    ----------
    composition : dict of str to int
        How many of each defect, e.g. ``{"C_O": 1}``.
    charge : int
    correction, correction_error : float
        Finite-size correction (eV) and the scatter of the potentials it rests on; zero for neutral cells.
    vbm, vbm_error : float
        Host VBM on the scale of the pristine cell (eV); zero where no cell of the study is charged.
    """

    composition: dict[str, int]
    charge: int
    correction: float = 0.0
    correction_error: float = 0.0
    vbm: float = 0.0
    vbm_error: float = 0.0


@dataclass(frozen=True)
class Energy:
    """An energy with what it is made of.

    Attributes
    ----------
    name : str
    value : float
        eV; of a formation energy at E_F = VBM.
    uncertainty : float
        Numerical error (eV): residues of the SCF and smearing, of reference phases too, scatter of the correction.
        Mesh, cutoff, cell size and functional are not in it.
    passed : bool
        Whether all runs in it have their certificates.
    reasons : tuple of str
    """

    name: str
    value: float
    uncertainty: float
    passed: bool
    reasons: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Formation:
    """Formation energy of a defect at the host's limits; its slope with E_F is the charge."""

    cell: Defect
    limits: dict[str, Energy]

    @property
    def defect(self) -> str:
        """Its name."""
        return self.cell.name

    @property
    def charge(self) -> int:
        """Of the cell (e)."""
        return self.cell.charge


def formation(defect: Defect, pristine: Calculated, ends: Sequence[Limit]) -> Formation:
    """Formation energy at every limit, at E_F = VBM."""
    added = exchanged(defect.result, pristine.result)
    base = combined(defect.name, [(1, defect), (-1, pristine)])
    charge = defect.charge * defect.vbm + defect.correction
    error = base.uncertainty + abs(defect.charge) * defect.vbm_error + defect.correction_error
    found = {}
    for end in ends:
        if set(added) <= set(end.potentials):
            value = base.value + charge - sum(n * end.potentials[s] for s, n in added.items())
            more = sum(abs(n) * end.errors[s] for s, n in added.items())
            found[end.name] = against(Energy(defect.name, value, error + more, True, base.reasons), end.reasons)
    return Formation(defect, found)


def exchanged(defect: CalcResult, pristine: CalcResult) -> dict[str, int]:
    """Atoms of each element that a defect cell has more (positive) or fewer than the pristine one."""
    found = Counter(defect.cell.species)
    found.subtract(Counter(pristine.cell.species))
    return {s: n for s, n in found.items() if n}


def combined(name: str, terms: Sequence[tuple[float, Calculated]]) -> Energy:
    """Sum of total energies with their coefficients, errors and certificates."""
    value = sum(c * t.result.e0 for c, t in terms)
    residue = sum(abs(c) * t.result.convergence.residue for c, t in terms)
    smearing = abs(sum(c * (t.result.free_energy - t.result.e0) for c, t in terms))
    reasons = tuple(dict.fromkeys(r for _, t in terms for r in t.certificate.reasons))
    return Energy(name, float(value), residue + smearing, not reasons, reasons)


def against(energy: Energy, reasons: tuple[str, ...]) -> Energy:
    """The energy with further reasons not to trust it."""
    found = tuple(dict.fromkeys((*energy.reasons, *reasons)))
    return replace(energy, passed=not found, reasons=found)


@dataclass(frozen=True)
class Capture:
    """A vacancy takes up a dopant: E(with dopant) - E(with vacancy) - mu(dopant), negative if favourable.

    Attributes
    ----------
    vacancy, filled : str
        Compositions before and after.
    dopant : str
    energies : dict of str to Energy
        By where the dopant comes from: a phase of the element, or a limit of the host at which its most stable phase
        bounds it.
    """

    vacancy: str
    filled: str
    dopant: str
    energies: dict[str, Energy]


def captures(
    defects: Sequence[Defect], pristine: Calculated, elements: Sequence[Calculated], ends: Sequence[Limit]
) -> tuple[Capture, ...]:
    """Every capture of one dopant by one vacancy for which both compositions were calculated, neutral ones only.

    Parameters
    ----------
    elements : sequence of Calculated
        Phases of one element: bulk, molecule or single atom. A defect that adds one atom to the host and takes none,
        an interstitial dopant, is another source.
    """
    neutral = {_key(d.composition): d for d in defects if d.charge == 0}
    inside = [s for d in neutral.values() if (s := _interstitial(d, pristine))]
    sources = [*(_of_element(e) for e in elements), *inside]
    found = []
    for filled in neutral.values():
        for name in filled.composition:
            dopant, _, site = name.partition("_")
            vacancy = neutral.get(_key(_moved(filled.composition, name, f"{VACANCY}_{site}")))
            if dopant != VACANCY and vacancy is not None:
                found.append(_capture((vacancy, filled), dopant, sources, ends))
    return tuple(found)


@dataclass(frozen=True)
class _Source:
    """Where one atom of an element comes from, as cells with coefficients."""

    name: str
    element: str
    terms: tuple[tuple[float, Calculated], ...]


def _of_element(phase: Calculated) -> _Source:
    return _Source(phase.name, phase.result.cell.species[0], ((1.0 / len(phase.result.cell), phase),))


def _interstitial(defect: Defect, pristine: Calculated) -> _Source | None:
    added = exchanged(defect.result, pristine.result)
    if list(added.values()) != [1]:
        return None
    return _Source(f"interstitial ({defect.name})", next(iter(added)), ((1.0, defect), (-1.0, pristine)))


def _capture(cells: tuple[Defect, Defect], dopant: str, sources: Sequence[_Source], ends: Sequence[Limit]) -> Capture:
    vacancy, filled = cells
    words = f"{vacancy.name} + {dopant} -> {filled.name}"
    element = "V" if dopant == VANADIUM else dopant
    base: list[tuple[float, Calculated]] = [(1.0, filled), (-1.0, vacancy)]
    energies = {
        source.name: combined(words, [*base, *((-c, cell) for c, cell in source.terms)])
        for source in sources
        if source.element == element
    }
    for end in ends:
        if element in end.potentials:
            bare = against(combined(words, base), end.reasons)
            value, error = bare.value - end.potentials[element], bare.uncertainty + end.errors[element]
            energies[end.name] = replace(bare, value=value, uncertainty=error)
    return Capture(vacancy.name, filled.name, dopant, energies)


def bindings(defects: Sequence[Defect], pristine: Calculated) -> tuple[Energy, ...]:
    """Binding energy of every neutral complex whose parts were calculated: positive if they stay together.

    E_b = sum of E(parts alone) - E(complex) - (parts - 1) E(pristine).
    """
    neutral = {_key(d.composition): d for d in defects if d.charge == 0}
    found = []
    for complex_ in neutral.values():
        parts = [(n, neutral.get(_key({name: 1}))) for name, n in complex_.composition.items()]
        total = sum(complex_.composition.values())
        if total > 1 and all(part for _, part in parts):
            alone: list[tuple[float, Calculated]] = [(n, part) for n, part in parts if part]
            found.append(combined(complex_.name, [*alone, (-1, complex_), (1 - total, pristine)]))
    return tuple(found)


def _key(composition: dict[str, int]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(composition.items()))


def _moved(composition: dict[str, int], taken: str, given: str) -> dict[str, int]:
    found = Counter(composition)
    found[taken] -= 1
    found[given] += 1
    return {k: n for k, n in found.items() if n}


@dataclass(frozen=True)
class Transition:
    """E_F above the VBM (eV) at which two charges of a defect have equal formation energies.

    `reasons` stand against one of the cells or phases; a level with any has no certificate.
    """

    defect: str
    charges: tuple[int, int]
    level: float
    uncertainty: float
    reasons: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether nothing stands against it."""
        return not self.reasons


def transitions(found: Sequence[Formation]) -> tuple[Transition, ...]:
    """Levels between neighbouring charges of each composition: (E_f(q') - E_f(q)) / (q - q') at E_F = VBM.

    Chemical potentials and the pristine cell cancel, with their errors, so any limit gives the same level.
    """
    by_defect: dict[str, list[Formation]] = {}
    for f in found:
        if f.limits:
            by_defect.setdefault(f.defect, []).append(f)
    levels = []
    for name, states in by_defect.items():
        states.sort(key=lambda f: f.charge, reverse=True)
        for upper, lower in pairwise(states):
            a, b = (next(iter(f.limits.values())) for f in (upper, lower))
            level = (b.value - a.value) / (upper.charge - lower.charge)
            reasons = tuple(dict.fromkeys((*a.reasons, *b.reasons)))
            charges, error = (upper.charge, lower.charge), _level_error(upper.cell, lower.cell)
            levels.append(Transition(name, charges, level, error, reasons))
    return tuple(levels)


def _level_error(upper: Defect, lower: Defect) -> float:
    """Of a level above the VBM (eV): the cells share their difference among the charges, the VBM counts once."""
    cells = combined("", [(1, lower), (-1, upper)]).uncertainty + upper.correction_error + lower.correction_error
    return cells / abs(upper.charge - lower.charge) + max(upper.vbm_error, lower.vbm_error)
