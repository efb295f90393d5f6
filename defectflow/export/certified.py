"""Energies of a run folder with what they were meant to be and whether they may be used, for other programs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from defectflow.analyse import configured
from defectflow.analyse.verify import Certificate, order_found, verify_run, verify_state
from defectflow.errors import AnalysisError, DefectFlowError
from defectflow.export.tables import certificate_row
from defectflow.inputs.convergence import axis_points
from defectflow.run import AnyStudy, ConvergenceStudy, JunctionStudy, ScreenStudy
from defectflow.run.collect import collect, collect_point, collect_round, trusted_result
from defectflow.schema import CalcResult, Job, StateEntry
from defectflow.schema.configuration import ConfigurationEntry

ENERGY_STAGE = "static"  # its energies are the ones that count; a "dos" keeps a density fixed
NOT_CERTIFIED = "its certificate failed"


@dataclass(frozen=True, eq=False)
class Certified:
    """A calculation with its certificate.

    Attributes
    ----------
    path : str
        Folder of its job in the run folder.
    name : str
        For people.
    result : CalcResult
    certificate : Certificate
        Whether it converged and is the state that it was meant to be.
    charge : int
        Of the cell (e); positive where electrons are missing.
    asked, found : str
        Spin order that the run was started in and the one that came out: "FM", "AF", "NM" or signs; empty for cells
        without dopants, of which none was asked.
    """

    path: str
    name: str
    result: CalcResult
    certificate: Certificate
    charge: int = 0
    asked: str = ""
    found: str = ""


@dataclass(frozen=True, eq=False)
class Selection:
    """What is handed over, and what is not, with the reason, by the path of its job."""

    kept: tuple[Certified, ...]
    left_out: dict[str, str]


def select(study: AnyStudy, everything: bool = False) -> Selection:
    """Every energy of a study that may be used.

    Parameters
    ----------
    everything : bool
        Also those whose certificate failed; it goes with them.

    Raises
    ------
    AnalysisError
        If there is none.
    """
    kept, left_out = [], {}
    for found in _all(study):
        if isinstance(found, tuple):
            left_out[found[0]] = found[1]
        elif everything or found.certificate.passed:
            kept.append(found)
        else:
            left_out[found.path] = f"{NOT_CERTIFIED}: {'; '.join(found.certificate.reasons)}"
    if not kept:
        first = next(iter(left_out.items()), ("", "it has no jobs"))
        todo = "an energy whose certificate failed is handed over, and says so, with: --all"
        raise AnalysisError(f"no energy may be used ({first[0]}: {first[1]})", where=str(study.folder), todo=todo)
    return Selection(tuple(kept), left_out)


def _all(study: AnyStudy) -> list[Certified | tuple[str, str]]:
    entries = {entry.path: entry for entry in _entries(study)}
    jobs = [job for job in study.jobs if job.stage == ENERGY_STAGE]
    return [_of_entry(job, e) if (e := entries.get(job.path)) else _of_job(study, job) for job in jobs]


def _entries(study: AnyStudy) -> list[StateEntry | ConfigurationEntry]:
    if isinstance(study, ScreenStudy):
        return [entry for step in study.recipe.rounds for entry in collect_round(study, step)]
    if isinstance(study, ConvergenceStudy):
        points = [point for axis in study.recipe.axes for point in axis_points(study.recipe, axis)]
        return [entry for point in points for entry in collect_point(study, point)]
    return [] if isinstance(study, JunctionStudy) else list(collect(study))


def _of_entry(job: Job, entry: StateEntry | ConfigurationEntry) -> Certified | tuple[str, str]:
    if entry.result is None:
        return job.path, entry.missing
    if isinstance(entry, StateEntry):
        check, asked, found = verify_state(entry), entry.pair.state, order_found(entry.result, entry.pair)
    else:
        check, asked = configured.verify_configuration(entry), entry.state.order
        found = configured.order_found(entry.result, entry.state)
    return Certified(job.path, entry.name, entry.result, check, job.charge, asked, found)


def _of_job(study: AnyStudy, job: Job) -> Certified | tuple[str, str]:
    """A cell that has no spin state to keep: the host, a phase, a junction."""
    try:
        result = trusted_result(study, job.path)
    except DefectFlowError as error:
        state = study.state(job.path)
        return job.path, (state.error if state else "") or error.what
    name = job.path.removesuffix(f"/{ENERGY_STAGE}")
    return Certified(job.path, name, result, verify_run(result, name), job.charge)


def parameters(it: Certified) -> dict[str, Any]:
    """How an energy was calculated, for a JSON document; energies in eV, the charge in e."""
    r, s = it.result, it.result.settings
    return {
        "code": r.code,
        "version": r.version,
        "engine": r.engine,
        "functional": s.functional,
        "cutoff": s.cutoff,
        "kpoints": r.kpoints.model_dump(mode="json"),
        "smearing": s.smearing.model_dump(mode="json"),
        "energy_tolerance": s.energy_tolerance,
        "force_tolerance": s.force_tolerance,
        "symmetry": s.symmetry,
        "potentials": dict(r.potentials),
        "numerics": dict(r.numerics),
        "spin_polarised": r.n_spins == 2,
        "charge": it.charge,
        "energy": "E0, extrapolated to zero smearing, of the whole cell",
        "input_hash": r.input_hash,
    }


def facts(it: Certified) -> dict[str, Any]:
    """What came out beside the energy, and the certificate, for a JSON document; moments in muB, energies in eV."""
    r = it.result
    return {
        "path": it.path,
        "name": it.name,
        "certificate": certificate_row(it.certificate),
        "spin_asked": it.asked,
        "spin_found": it.found,
        "charge": it.charge,
        "total_moment": r.total_moment,
        "site_moment_kind": r.site_moment_kind,
        "free_energy": r.free_energy,
        "fermi": r.fermi.tolist(),
        "n_electrons": r.n_electrons,
        "warnings": list(r.warnings),
    }
