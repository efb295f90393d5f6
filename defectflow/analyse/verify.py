"""The certificate: whether the difference of two energies means what it is said to mean.

All limits are ours, chosen so that the real runs in the tests are judged as their authors judged them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from defectflow.analyse.filling import filling_of, unlike_filling
from defectflow.errors import AnalysisError
from defectflow.schema import CalcResult, Convergence, PairCell, StateEntry
from defectflow.schema.keywords import is_neutral

MOMENT_TOLERANCE = 0.1  # muB, total moment against the intended one
DRIFT_LIMIT = 0.05  # muB over the last three SCF steps
SIZE_RANGE = (0.6, 1.4)  # |site moment| in AF over that in FM
SITE_MOMENT_SEEN = 0.05  # muB; smaller site moments say nothing about a sign
HOST_MOMENT = 0.3  # muB; larger ones on atoms of the host make its own magnetic order
SHELL_TOLERANCE = 0.15  # relative change of the dopants' distance
FORCE_SLACK = 2.0  # largest force of the static run over the limit of the relaxation
# Numerics that follow from what a cell holds, and say nothing about the method.
OF_THE_CELL = frozenset(
    {"convergence", "charge", "NELECT", "MAGMOM", "ISPIN", "NGX", "NGY", "NGZ", "NGXF", "NGYF", "NGZF", "ENAUG"}
    | {"LDAUL", "LDAUU", "LDAUJ"}  # lists by kinds of atoms; settings.incar has them by element
)
TOP_FILLED = 0.01  # occupation of the highest band above which electrons may be missing their level
SAME_PLACE = 0.001  # A, between two relaxed geometries
SCF_SLACK = 0.005  # eV between the relaxation's last energy and the static run's


@dataclass(frozen=True)
class Certificate:
    """Outcome of a verification.

    Attributes
    ----------
    passed : bool
    reasons : tuple of str
        Why it failed, each with the job to run again; empty if it passed.
    remarks : tuple of str
        What a reader should know although it does not make the number wrong.
    """

    passed: bool
    reasons: tuple[str, ...]
    remarks: tuple[str, ...]


def certificate(reasons: list[str], remarks: list[str]) -> Certificate:
    """Certificate that passes if there is no reason against it."""
    return Certificate(not reasons, tuple(reasons), tuple(remarks))


def verify_run(result: CalcResult, name: str) -> Certificate:
    """Check one run by its own numbers, without knowing what it was meant to be."""
    c = result.convergence
    remarks = []
    if c.ionic is None and c.max_force > result.settings.force_tolerance:
        limit = result.settings.force_tolerance
        remarks.append(f"{name}: no ion moved in this run, largest force {c.max_force:.2f} eV/A (limit {limit:g})")
    remarks += [f"{name}: {w}" for w in result.warnings]
    return certificate([*converged_reasons(c, name), *_too_few_bands(result, name)], remarks)


def _too_few_bands(result: CalcResult, name: str) -> list[str]:
    top = float(result.occupations[:, :, -1].max(initial=0.0))
    if top <= TOP_FILLED:
        return []
    return [f"{name}: the highest band is filled by {top:.2f}: it has too few; raise settings.empty_bands"]


def converged_reasons(c: Convergence, name: str) -> list[str]:
    """Why a run is not converged, electronically, magnetically or ionically; empty if it is."""
    reasons = []
    if not (c.electronic and abs(c.last_energy_change) <= c.energy_tolerance):
        change = f"last change {c.last_energy_change:+.1e} eV, tolerance {c.energy_tolerance:.1e} eV"
        reasons.append(f"{name}: not converged electronically ({change}); run it again with more steps")
    if not c.moment_drift <= DRIFT_LIMIT:
        reasons.append(f"{name}: the total moment still moved by {c.moment_drift:.2f} muB in the last three steps")
    if c.ionic is False:
        reasons.append(f"{name}: not converged ionically (largest force {c.max_force:.3f} eV/A)")
    return reasons


def verify_state(entry: StateEntry) -> Certificate:
    """Check one run against the spin state and the pair it was meant to be.

    Raises
    ------
    AnalysisError
        If the entry has no result.
    """
    result, pair, name = _result(entry), entry.pair, entry.name
    run = verify_run(result, name)
    reasons = [*run.reasons, *_wrong_moments(result, pair, name), *_left_its_shell(result, pair, name)]
    reasons += left_its_relaxation(result, entry.relaxed, name)
    return certificate(reasons, list(run.remarks))


def _result(entry: StateEntry) -> CalcResult:
    if entry.result is None:
        raise AnalysisError(f"{entry.name} has no result: {entry.missing}")
    return entry.result


def left_its_relaxation(result: CalcResult, relaxed: CalcResult | None, name: str) -> list[str]:
    """Why a static run does not belong to its relaxation: forces are left, or another SCF minimum; empty if it does."""
    if relaxed is None:
        return []
    reasons = []
    limit = result.settings.force_tolerance
    if result.convergence.max_force > FORCE_SLACK * limit:
        force = f"{result.convergence.max_force:.3f} eV/A (limit {limit:g})"
        reasons.append(f"{name}: at the relaxed geometry the largest force is {force}; relax it again")
    change = result.e0 - relaxed.e0
    if abs(change) > max(SCF_SLACK, 10 * result.settings.energy_tolerance) and result.kpoints == relaxed.kpoints:
        reasons.append(f"{name}: E0 is {1000 * change:+.0f} meV from that of its relaxation: another SCF minimum")
    return reasons


def _wrong_moments(result: CalcResult, pair: PairCell, name: str) -> list[str]:
    intended = float(pair.cell.moments.sum())
    reasons = []
    # The overall sign of a collinear solution is free: all moments may come out reversed together.
    if abs(abs(result.total_moment) - abs(intended)) > MOMENT_TOLERANCE:
        reasons.append(f"{name}: total moment {result.total_moment:.2f} muB, intended {intended:.2f} muB")
    wanted, found = pair.cell.moments[list(pair.dopants)], result.site_moments[list(pair.dopants)]
    magnetic = wanted != 0
    if (np.abs(found[magnetic]) < SITE_MOMENT_SEEN).any():
        reasons.append(f"{name}: a dopant lost its moment (sites {_list(found)} muB); try another start")
    elif magnetic.any() and len(set(np.sign(wanted[magnetic] * found[magnetic]))) > 1:
        reasons.append(f"{name}: a moment flipped (sites {_list(found)} muB); it is not {pair.state}")
    return reasons


def _left_its_shell(result: CalcResult, pair: PairCell, name: str) -> list[str]:
    distance, intended = pair_distance(result, pair), pair.orbit.distance
    # Half-way to the next pair of the cell the pair is no longer the one it is called.
    if abs(distance - intended) <= min(SHELL_TOLERANCE * intended, pair.orbit.gap / 2):
        return []
    return [f"{name}: the pair left its shell, {intended:.2f} A became {distance:.2f} A (a dumbbell is about 1.3 A)"]


def pair_distance(result: CalcResult, pair: PairCell) -> float:
    """Shortest distance of the two dopants in the final geometry (A)."""
    from pymatgen.core import Lattice

    first, second = result.cell.coords[list(pair.dopants)]
    return float(Lattice(result.cell.lattice).get_distance_and_image(first, second)[0])


def order_found(result: CalcResult, pair: PairCell) -> str:
    """Spin order by the signs of the dopants' moments, whatever was asked for: "FM", "AF" or "NM"."""
    return order_of(*result.site_moments[list(pair.dopants)])


def order_of(first: float, second: float) -> str:
    """FM or AF by the signs of two site moments (muB), NM where one is not seen."""
    if min(abs(first), abs(second)) < SITE_MOMENT_SEEN:
        return "NM"
    return "FM" if first * second > 0 else "AF"


def verify_pair(first: StateEntry, second: StateEntry) -> Certificate:
    """Certificate of the difference of two spin states of one pair."""
    states = [verify_state(first), verify_state(second)]
    same = verify_settings(_result(first), _result(second))
    reasons = [r for s in states for r in s.reasons] + list(same.reasons) + _sizes_differ(first, second)
    reasons += _host_differs(first, second)
    remarks = [r for s in states for r in s.remarks] + list(same.remarks)
    fillings = (filling_of(_result(first)), filling_of(_result(second)))
    remarks += unlike_filling(*fillings, (first.name, second.name)) + _one_geometry(first, second)
    return certificate(reasons, list(dict.fromkeys(remarks)))


def _sizes_differ(first: StateEntry, second: StateEntry) -> list[str]:
    sizes = [np.abs(_result(e).site_moments[list(e.pair.dopants)]) for e in (first, second)]
    if min(s.min() for s in sizes) < SITE_MOMENT_SEEN:
        return []  # already reported, or a state without moments
    ratio = sizes[1] / sizes[0]
    if SIZE_RANGE[0] <= ratio.min() and ratio.max() <= SIZE_RANGE[1]:
        return []
    return [f"{second.name}: site moments are {_list(ratio)} times those of {first.name}: another atomic state"]


def _host_differs(first: StateEntry, second: StateEntry) -> list[str]:
    """Moments of the host's own atoms must have one order in both runs, up to all signs together."""
    moments = [_result(e).site_moments for e in (first, second)]
    host = [i for i in range(len(moments[0])) if i not in first.pair.dopants]
    a, b = (m[host] for m in moments)
    large = np.maximum(np.abs(a), np.abs(b)) > HOST_MOMENT
    if len(set(np.sign(a[large] * b[large]))) <= 1:
        return []
    sites = f"{int(large.sum())} magnetic sites of the host"
    return [f"the moments of {sites} have another order in {second.name} than in {first.name}"]


def _one_geometry(first: StateEntry, second: StateEntry) -> list[str]:
    """Remark on a state that took no step from the other's relaxed geometry, which favours the other."""
    a, b = first.relaxed, second.relaxed
    if a is None or b is None or b.convergence.ionic_steps != 1 or a.cell.species != b.cell.species:
        return []
    if a.cell.largest_move(b.cell) > SAME_PLACE:
        return []
    todo = 'with relax.begin = "ideal sites" it finds its own'
    return [f"{second.name}: no ion left the geometry in which {first.name} came to rest; {todo}"]


def verify_settings(first: CalcResult, second: CalcResult) -> Certificate:
    """Field-by-field comparison of what two runs used."""
    reasons = [f"{key} differs: {a} and {b}" for key, a, b in _pairs(first, second) if a != b]
    if np.abs(first.cell.lattice - second.cell.lattice).max() > 1e-4:
        reasons.append("the lattice vectors differ")
    if first.cell.species != second.cell.species:
        reasons.append("the atoms or their order differ")
    numerics = _different_numerics(first, second)
    reasons += [f"numerics.{k} differs: {a} and {b}" for k, a, b in numerics if not is_neutral(k)]
    remarks = [f"numerics.{k} differs (energy-neutral): {a} and {b}" for k, a, b in numerics if is_neutral(k)]
    if first.n_spins != second.n_spins:
        reasons.append(f"ISPIN differs: {first.n_spins} and {second.n_spins}")
    if first.eigenvalues.shape[2] != second.eigenvalues.shape[2]:
        bands = f"{first.eigenvalues.shape[2]} and {second.eigenvalues.shape[2]}"
        remarks.append(f"NBANDS differ ({bands}): harmless as long as the highest bands are empty")
    if len(first.k_weights) != len(second.k_weights):
        remarks.append("the same mesh was reduced to different numbers of k-points (different symmetry)")
    return certificate(reasons, remarks)


def verify_method(first: CalcResult, second: CalcResult) -> Certificate:
    """Whether energies of two different cells may be combined: one code, one method, one PAW set for each element."""
    skipped = {"kpoints", "potentials"}
    keys = [k for k in type(first.settings).model_fields if k not in skipped]
    asked = first.settings.deciding(), second.settings.deciding()
    fields = [(f"settings.{k}", getattr(asked[0], k), getattr(asked[1], k)) for k in keys]
    fields += [(k, getattr(first, k), getattr(second, k)) for k in ("code", "version")]
    shared = sorted(set(first.potentials) & set(second.potentials))
    fields += [(f"potentials.{s}", first.potentials[s], second.potentials[s]) for s in shared]
    reasons = [f"{key} differs: {a} and {b}" for key, a, b in fields if a != b]
    numerics = [n for n in _different_numerics(first, second) if n[0] not in OF_THE_CELL and not is_neutral(n[0])]
    return certificate([*reasons, *(f"numerics.{k} differs: {a} and {b}" for k, a, b in numerics)], [])


def _different_numerics(a: CalcResult, b: CalcResult) -> list[tuple[str, str | None, str | None]]:
    keys = sorted({*a.numerics, *b.numerics})
    return [(k, a.numerics.get(k), b.numerics.get(k)) for k in keys if a.numerics.get(k) != b.numerics.get(k)]


def _pairs(a: CalcResult, b: CalcResult) -> list[tuple[str, object, object]]:
    asked = a.settings.deciding(), b.settings.deciding()
    fields = [(f"settings.{k}", getattr(asked[0], k), getattr(asked[1], k)) for k in type(a.settings).model_fields]
    fields.append(("settings.kpoints of this stage", a.kpoints, b.kpoints))
    fields += [(k, getattr(a, k), getattr(b, k)) for k in ("code", "version", "stage", "potentials", "n_electrons")]
    return [f for f in fields if f[0] != "settings.kpoints"]


def _list(values: np.ndarray) -> str:
    return ", ".join(f"{v:+.2f}" for v in values)
