"""Jobs in tables: how they converged, what was corrected, where their numbers come from."""

from __future__ import annotations

from math import isfinite
from typing import Any

from defectflow.export.report.facts import Facts, JobFacts
from defectflow.export.report.grid import MINUS, NONE, Grid, grid, plain, signed


def trace_data(facts: Facts) -> list[dict[str, Any]]:
    """SCF energy changes (eV) of every job that kept its trace."""
    return [_trace(job) for job in facts.jobs if job.trace]


def _trace(job: JobFacts) -> dict[str, Any]:
    steps = [p for p in job.trace if isfinite(p.energy_change)]
    record = job.result.convergence if job.result else None
    return {
        "job": job.path,
        "step": [n for n, _ in enumerate(steps, start=1)],
        "ionic": [p.ionic_step for p in steps],
        "change": [p.energy_change for p in steps],
        "tolerance": record.energy_tolerance if record else None,
    }


def trace_rows(facts: Facts) -> list[dict[str, Any]]:
    """CSV rows of all steps of all jobs."""
    return [
        {
            "job": job.path,
            "ionic_step": p.ionic_step,
            "scf_step": p.scf_step,
            "energy_eV": p.energy,
            "energy_change_eV": p.energy_change,
            "moment_muB": p.moment,
        }
        for job in facts.jobs
        for p in job.trace
    ]


def convergence_grid(facts: Facts) -> Grid:
    """How every job ended, and whether its trace is kept."""
    columns = (
        "job | state | SCF steps | last energy change (eV) | tolerance (eV) | moment drift (μB)"
        " | largest force (eV/Å) | ions | trace"
    )
    return grid("How every job ended", columns, [_converged(job) for job in facts.jobs], range(2, 7))


def _converged(job: JobFacts) -> tuple[str, ...]:
    trace = f"{len(job.trace)} steps" if job.trace else "not kept"
    if job.result is None:
        return (job.path, job.state, *(NONE,) * 6, trace)
    c = job.result.convergence
    ions = {True: "converged", False: "NOT converged", None: "not moved"}[c.ionic]
    change = f"{c.last_energy_change:+.1e}".replace("-", MINUS) if c.scf_steps else NONE
    numbers = (change, f"{c.energy_tolerance:.1e}".replace("-", MINUS), plain(c.moment_drift, 4))
    return (job.path, job.state, str(c.scf_steps), *numbers, plain(c.max_force, 3), ions, trace)


def correction_grid(facts: Facts) -> Grid:
    """Automatic corrections of all jobs."""
    columns = "job | keyword | before | after | kind"
    rows = [
        (job.path, c.tag, c.before or "unset", c.after or "unset", _kind(c.changes_energy))
        for job in facts.jobs
        if job.record
        for c in job.record.corrections
    ]
    return grid("Automatic corrections", columns, rows)


def _kind(changes: bool) -> str:
    return "changes energies; taken over by all states of the pair" if changes else "energy-neutral"


def failure_grid(facts: Facts) -> Grid:
    """Errors, attempts that were lost, and warnings of the codes."""
    rows = []
    for job in facts.jobs:
        lost = [("lost attempt", words) for words in (job.record.lost if job.record else ())]
        error = [(job.state, job.record.error)] if job.record and job.record.error else []
        warned = [("warning", words) for words in (job.result.warnings if job.result else ())]
        rows += [(job.path, kind, text) for kind, text in [*error, *lost, *warned]]
    return grid("What failed, was lost or warned", "job | what | words", rows)


def provenance_grid(facts: Facts) -> Grid:
    """Code, input hash and cost of every job."""
    columns = "job | code | input hash (SHA-256) | attempts | core-seconds of the result | of all attempts"
    return grid("Provenance of every job", columns, [_provenance(job) for job in facts.jobs], (3, 4, 5))


def _provenance(job: JobFacts) -> tuple[str, ...]:
    record, result = job.record, job.result
    code = f"{result.code} {result.version}" if result else NONE
    digest = result.input_hash if result else (record.input_hash if record else NONE)
    attempts = str(record.attempts) if record else "0"
    spent = plain(record.core_seconds, 0) if record and record.core_seconds else "not recorded"
    return (job.path, code, digest, attempts, plain(result.core_seconds, 0) if result else NONE, spent)


def potential_grid(facts: Facts) -> Grid:
    """PAW sets by element; two rows for one element mean that jobs used different ones."""
    used = dict.fromkeys(item for job in facts.jobs if job.result for item in sorted(job.result.potentials.items()))
    return grid("Potentials", "element | set and fingerprint", used)


def numeric_grid(facts: Facts) -> Grid:
    """Keywords that the engine was run with and that are no settings of the recipe."""
    used = dict.fromkeys(
        (key, value) for job in facts.jobs if job.result for key, value in sorted(job.result.numerics.items())
    )
    return grid("Further keywords that the code was run with", "keyword | value", sorted(used))


def core_hours(facts: Facts) -> str:
    """Sum of what the results cost."""
    return signed(sum(j.result.core_seconds for j in facts.jobs if j.result) / 3600, 2).removeprefix("+")
