"""What stands against a study, job by job, with the command that mends it."""

from __future__ import annotations

from dataclasses import dataclass
from shlex import quote

from defectflow.analyse.compare import PairComparison
from defectflow.export.report.facts import Facts, JobFacts, StateFacts

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
    jobs = {job.path: job for job in facts.jobs}
    open_ = tuple(_job_problem(facts.run, job, jobs) for job in facts.jobs if job.state != "done")
    return open_ + tuple(p for c in facts.comparisons for p in _certificate_problems(facts, c, jobs))


def _job_problem(run: str, job: JobFacts, jobs: dict[str, JobFacts]) -> Problem:
    first = job
    while first.state == "blocked" and first.after in jobs:  # what it follows must run again
        first = jobs[first.after]
    return Problem(job.path, job.state, job.reason or job.state, rerun_command(run, first))


def rerun_command(run: str, job: JobFacts) -> str:
    """The command that brings a job to its end."""
    if job.state in _AGAIN:
        return f"defectflow rerun {quote(run)} {quote(job.path)}"
    return f"defectflow {'status' if job.state in _UNDER_WAY else 'retry'} {quote(run)}"


def fresh_command(run: str, paths: list[str]) -> str:
    """The command that runs jobs again which are done; their results would be taken for good."""
    folders = " ".join(quote(f"{run}/{path}") for path in paths)
    return f"rm -r {folders} && defectflow resume {quote(run)}"


def _certificate_problems(facts: Facts, c: PairComparison, jobs: dict[str, JobFacts]) -> list[Problem]:
    """Reasons of a failed certificate with the jobs to run again; those that a job above says are left out."""
    states = [s for s in facts.states if s.entry.pair.orbit.label == c.orbit.label]
    found = []
    for reason in c.certificate.reasons:
        paths = _meant(reason, states)
        if not all(jobs[path].state == "done" for path in paths):
            continue
        command = fresh_command(facts.run, paths) if paths else f"defectflow verify {quote(facts.run)}"
        found.append(Problem(", ".join(paths) or f"pair {c.orbit.label}", "certificate failed", reason, command))
    return found


def _meant(reason: str, states: list[StateFacts]) -> list[str]:
    """Jobs that a reason names, else those of the pair that are not the state they were meant to be."""
    named = [s.entry for s in states if reason.startswith(f"{s.entry.name}:")]
    return [e.path for e in named] or [s.entry.path for s in states if s.entry.result and not s.passed]
