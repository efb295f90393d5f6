"""What stands against a study, job by job, with the command that mends it."""

from __future__ import annotations

from dataclasses import dataclass
from shlex import quote

from defectflow.analyse.compare import PairComparison
from defectflow.export.report.facts import Facts, JobFacts

_AGAIN = ("failed", "unconverged")  # ended by themselves: they run again only when they are named
_UNDER_WAY = ("running", "submitted")


@dataclass(frozen=True)
class Problem:
    """One line of the box at the top: what, why, and the command that runs it again."""

    what: str
    state: str
    reason: str
    command: str


def problems(facts: Facts) -> tuple[Problem, ...]:
    """Jobs that are not done, then certificates that failed although their jobs are."""
    jobs = tuple(_job_problem(facts.run, job) for job in facts.jobs if job.state != "done")
    return jobs + tuple(p for c in facts.comparisons for p in _certificate_problems(facts, c))


def _job_problem(run: str, job: JobFacts) -> Problem:
    return Problem(job.path, job.state, job.reason or job.state, rerun_command(run, job.path, job.state))


def rerun_command(run: str, path: str, state: str) -> str:
    """The command that brings a job to its end."""
    if state in _AGAIN:
        return f"defectflow rerun {quote(run)} {quote(path)}"
    if state in _UNDER_WAY:
        return f"defectflow status {quote(run)}"
    if state == "done":  # its result would be taken for good
        return f"rm -r {quote(f'{run}/{path}')} && defectflow resume {quote(run)}"
    return f"defectflow retry {quote(run)}"


def _certificate_problems(facts: Facts, c: PairComparison) -> list[Problem]:
    """Reasons of a failed certificate, each with the job that it names; those that a job above says are left out."""
    states = {j.path: j.state for j in facts.jobs}
    paths = {s.entry.name: s.entry.path for s in facts.states if s.entry.pair.orbit.label == c.orbit.label}
    found = []
    for reason in c.certificate.reasons:
        name = max((n for n in paths if reason.startswith(f"{n}:")), key=len, default="")
        path = paths.get(name, "")
        if states.get(path, "done") == "done":
            command = rerun_command(facts.run, path, "done") if path else f"defectflow verify {quote(facts.run)}"
            found.append(Problem(path or f"pair {c.orbit.label}", "certificate failed", reason, command))
    return found
