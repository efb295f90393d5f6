"""Job scripts from ``templates/scripts``: a line whose value is empty is left out."""

from __future__ import annotations

import string
from dataclasses import dataclass, field
from pathlib import Path

from defectflow.formats.clock import clock_seconds
from defectflow.resources import resource
from defectflow.schema.site import Resources, Site


@dataclass(frozen=True)
class Request:
    """What a scheduler job is asked to do and given.

    Attributes
    ----------
    name : str
        Job name.
    tag : str
        Mark by which all jobs of one run folder are found again.
    command : str
        Shell text that the job runs after the site's set-up lines.
    log : Path
        File of the job's own output.
    resources : Resources
        Of the whole job.
    walltime : str
    partition : str
        Empty for the site's.
    """

    name: str
    tag: str
    command: str
    log: Path
    resources: Resources = field(default_factory=Resources)
    walltime: str = ""
    partition: str = ""


def request_for(site: Site, name: str, tag: str, command: str, log: Path) -> Request:
    """A job with room for all calculations that the site runs side by side in one."""
    r = site.resources
    nodes = r.nodes if site.driver == "login" else site.driver_job.nodes
    whole = _with_counts(r, tasks=r.tasks * site.jobs.calculations, nodes=nodes)
    return Request(name, tag, command, log, whole, site.walltime, site.partition)


def driver_request(site: Site, name: str, tag: str, command: str, log: Path) -> Request:
    """The job in which the driver runs: a small one, or the whole allocation."""
    if site.driver == "allocation":
        return request_for(site, name, tag, command, log)
    d = site.driver_job
    small = Resources(nodes=1, tasks=1, threads=1, memory=d.memory)
    return Request(name, tag, command, log, small, d.walltime or site.walltime, d.partition or site.partition)


def render(site: Site, request: Request) -> str:
    """Text of the job script."""
    text = resource("templates", f"scripts/{site.scheduler}.sh").read_text(encoding="utf-8")
    values = _values(site, request)
    lines = [line for row in text.splitlines() for line in _filled(row, values)]
    return "\n".join(lines) + "\n"


def _with_counts(resources: Resources, **changes: int) -> Resources:
    """The same with other counts."""
    return Resources.model_validate({**resources.model_dump(), **changes})


def _values(site: Site, request: Request) -> dict[str, list[str]]:
    r = request.resources
    memory = "" if r.memory is None else f"{round(r.memory * 1000)}MB"
    a_node = -(-r.tasks // r.nodes)
    hours, minutes = divmod(round(clock_seconds(request.walltime) or 0) // 60, 60)
    one = {
        "name": request.name,
        "tag": request.tag,
        "partition": request.partition,
        "account": site.account,
        "qos": site.qos,
        "constraint": site.constraint,
        "nodes": str(r.nodes),
        "tasks": str(r.tasks),
        "threads": str(r.threads),
        "cores": str(r.tasks * r.threads),
        "tasks_per_node": str(a_node),
        "cores_per_node": str(a_node * r.threads),
        "memory": memory.removesuffix("B") if site.scheduler == "slurm" else memory,
        "colon_memory": f":mem={memory.lower()}" if memory else "\0",
        "walltime": _hours(request.walltime) if site.scheduler == "pbspro" else request.walltime,
        "hours_minutes": f"{hours}:{minutes:02d}",
        "log": str(request.log),
        "command": request.command,
    }
    return {k: [v] for k, v in one.items()} | {"directives": list(site.directives), "setup": list(site.setup)}


def _hours(clock: str) -> str:
    # PBS knows no days.
    minutes, seconds = divmod(round(clock_seconds(clock) or 0), 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{seconds:02d}"


def _filled(row: str, values: dict[str, list[str]]) -> list[str]:
    template = string.Template(row)
    names = template.get_identifiers()
    many = next((n for n in names if len(values[n]) != 1), None)
    versions = [values] if many is None else [{**values, many: [v]} for v in values[many]]
    if any(values[n] == [""] for n in names):
        return []
    return [template.substitute({k: v[0] for k, v in one.items() if v}).replace("\0", "") for one in versions]
