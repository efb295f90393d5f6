"""A site: where calculations run, in the words of its scheduler."""

from __future__ import annotations

import re
import string
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationError, field_validator, model_validator

from defectflow.errors import InputError
from defectflow.formats.clock import clock_seconds
from defectflow.resources import listing, resource
from defectflow.schema.quantity import IN_RECIPE, Memory
from defectflow.schema.recipe_errors import explain
from defectflow.schema.settings import Record
from defectflow.schema.toml import read_toml

Count = Annotated[int, Field(ge=1, le=100_000, strict=True)]
SHORTEST_USE = 30.0  # s between the start of a scheduler job and its margin: its workers need some to start
_TODO = "write one: defectflow init NAME --site slurm"
_LAUNCH_WORDS = {"tasks", "threads", "nodes"}


def _one_line(text: str) -> str:
    if re.search(r"[\x00-\x1f\x7f]", text):
        raise ValueError("must be one line of text")
    return text


def _word(text: str) -> str:
    if re.search(r"\s", _one_line(text)):
        raise ValueError(f'must be one word, not "{text}"')
    return text


def _clock(text: str) -> str:
    if not re.fullmatch(r"(\d+-)?\d+:\d\d:\d\d", text) or not clock_seconds(text):
        raise ValueError(f'"{text}" is no time; expected hours:minutes:seconds, e.g. "24:00:00"')
    return text


Line = Annotated[str, AfterValidator(_one_line)]
Word = Annotated[str, AfterValidator(_word)]
NodeMemory = Annotated[Memory, Field(ge=0.001, le=1e6)]  # GB; less would be written as zero, which means all
Clock = Annotated[str, AfterValidator(_clock)]


class Resources(Record):
    """What one calculation uses: nodes, MPI ranks over all of them, threads a rank, memory a node (GB)."""

    nodes: Count = 1
    tasks: Count = 1
    threads: Count = 1
    memory: NodeMemory | None = None


class Jobs(Record):
    """Scheduler jobs at once, calculations side by side in each, and how often a lost calculation is started again."""

    at_once: Count = 4
    calculations: Count = 1
    retries: Annotated[int, Field(ge=0, le=100, strict=True)] = 5


class DriverJob(Record):
    """The scheduler job in which ``defectflow submit`` runs the driver.

    It is a small one; where the driver runs inside an allocation it is the allocation, with so many nodes. Partition
    and walltime are the site's where they are empty.
    """

    nodes: Count = 1
    partition: Word = ""
    walltime: Clock | Literal[""] = ""
    memory: NodeMemory | None = None


class Site(Record):
    """Where and how calculations run.

    Attributes
    ----------
    scheduler : str
        "none", "slurm", "pbspro" or "lsf".
    driver : str
        "login": the driver runs where it is started and sends scheduler jobs; "allocation": it runs inside one
        scheduler job and starts the calculations there.
    partition, account, qos, constraint : str
        In the scheduler's words; empty for its defaults. ``partition`` is the queue of PBS and LSF.
    directives : tuple of str
        More lines for the head of the job, without their ``#SBATCH``, ``#PBS`` or ``#BSUB``.
    walltime, margin : str
        Limit of a scheduler job, and how long before it a running calculation is stopped and none is started.
    setup : tuple of str
        Shell lines before anything runs: modules, environments.
    launch : dict
        Command that starts an engine: for gpaw what stands before Python ("mpirun -n {tasks}"), for vasp
        everything ("srun vasp_std"). {tasks}, {threads} and {nodes} are those of ``resources``.
    """

    scheduler: Literal["none", "slurm", "pbspro", "lsf"]
    driver: Literal["login", "allocation"] = "login"
    partition: Word = ""
    account: Word = ""
    qos: Word = ""
    constraint: Line = ""
    directives: tuple[Line, ...] = ()
    walltime: Clock = "24:00:00"
    margin: Clock = "00:10:00"
    setup: tuple[Line, ...] = ()
    resources: Resources = Resources()
    jobs: Jobs = Jobs()
    driver_job: DriverJob = DriverJob()
    launch: dict[str, Line] = Field(default_factory=dict)

    @field_validator("launch")
    @classmethod
    def _known_words(cls, launch: dict[str, str]) -> dict[str, str]:
        for engine, text in launch.items():
            _check_format(engine, text)
            wrong = _placeholders(text) - _LAUNCH_WORDS
            if wrong:
                known = "{tasks}, {threads}, {nodes}"
                raise ValueError(f"{engine}: {{{sorted(wrong)[0]}}} is unknown; known: {known}")
        return launch

    @model_validator(mode="after")
    def _time_to_work(self) -> Site:
        if self.seconds - self.margin_seconds < SHORTEST_USE:
            raise ValueError(f"margin leaves less than {SHORTEST_USE:g} s of the walltime {self.walltime}")
        if self.driver == "allocation" and self.scheduler == "none":
            raise ValueError('driver = "allocation" needs a scheduler that gives the allocation')
        if self.scheduler == "lsf" and (self.qos or self.constraint):
            raise ValueError("LSF has no qos and no constraint; use directives")
        if self.scheduler == "pbspro" and (self.qos or self.constraint):
            raise ValueError("PBS Pro has no qos and no constraint; use directives")
        return self

    @property
    def seconds(self) -> float:
        """Walltime in seconds."""
        return clock_seconds(self.walltime) or 0.0

    @property
    def margin_seconds(self) -> float:
        """Margin in seconds."""
        return clock_seconds(self.margin) or 0.0

    @property
    def cores(self) -> int:
        """Cores that one calculation keeps busy."""
        return self.resources.tasks * self.resources.threads

    @property
    def batch(self) -> bool:
        """Whether calculations are sent to a scheduler as jobs."""
        return self.scheduler != "none" and self.driver == "login"

    def launch_words(self, engine: str) -> str:
        """Command that starts an engine here, empty if the site leaves it to the engine."""
        r = self.resources
        return self.launch.get(engine, "").format(tasks=r.tasks, threads=r.threads, nodes=r.nodes)


def _check_format(engine: str, text: str) -> None:
    for name, _, spec, conversion in _parsed(engine, text):
        if name is not None and (spec or conversion):
            raise ValueError(f"{engine}: only plain {{{name}}} is understood, without a format")


def _parsed(engine: str, text: str) -> list[tuple[str | None, str, str | None, str | None]]:
    try:
        return [(name, literal, spec, conv) for literal, name, spec, conv in string.Formatter().parse(text)]
    except ValueError as error:
        raise ValueError(f"{engine}: {text!r}: {error}") from None


def _placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def load_site(name: str) -> Site:
    """Read a site file, or one of the package's by its name ("laptop").

    Raises
    ------
    InputError
        If there is neither.
    RecipeError
        If a key is unknown, missing or wrong; the message names it.
    """
    path = site_path(name)
    try:
        return Site.model_validate(read_toml(path, "site file", _TODO), context={IN_RECIPE: True})
    except ValidationError as error:
        raise explain(error, Site, path) from None


def site_path(name: str) -> Path:
    """File of a site; see `load_site`."""
    if Path(name).is_file():
        return Path(name)
    if f"{name}.toml" in (known := listing("templates", "sites")):
        return resource("templates", f"sites/{name}.toml")
    names = ", ".join(k.removesuffix(".toml") for k in known)
    raise InputError(
        "no such site file", where=f"--site {name}", todo=f"{_TODO}, or take one of the package's: {names}"
    )
