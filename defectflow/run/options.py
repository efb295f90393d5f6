"""How a study is run, and what a driver shows of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from defectflow.engines import Progress
from defectflow.schema.site import Site


@dataclass(frozen=True)
class Snapshot:
    """The study at one moment: states by job path, steps of those that run, wall seconds of those that ended.

    ``queue`` says in the scheduler's words why scheduler jobs wait, empty if none does.
    """

    states: dict[str, str]
    running: dict[str, Progress | None]
    seconds: dict[str, float]
    queue: str = ""


@dataclass(frozen=True)
class RunOptions:
    """How a study is run.

    Attributes
    ----------
    ranks, threads : int
        MPI ranks per calculation, threads per rank.
    launch : str
        Words that start the engine's ranks; empty for the engine's own.
    margin : float
        Seconds before the end of a scheduler job at which a calculation is stopped; zero where none ends.
    resend : bool
        Whether a calculation that was stopped before its scheduler job ended is sent again at once, to another one.
    keep_failed : bool
        Leave what failed by itself or did not converge as it is; only what was lost or never ran is run.
    rerun : frozenset of str
        Paths of jobs that are run again all the same.
    retries : int
        How often a calculation is started again whose scheduler job or worker was lost.
    poll : float
        Seconds between two looks at the running calculations.
    watch : callable
        Called with a `Snapshot` after every look.
    stop : callable
        Asked before every start and after every look; if true, everything is stopped and KeyboardInterrupt raised.
    """

    ranks: int = 1
    threads: int = 1
    launch: str = ""
    margin: float = 0.0
    resend: bool = False
    keep_failed: bool = False
    rerun: frozenset[str] = frozenset()
    retries: int = 0
    poll: float = 1.0
    watch: Callable[[Snapshot], None] = lambda snapshot: None
    stop: Callable[[], bool] = lambda: False

    @property
    def cores(self) -> int:
        """Cores that one calculation keeps busy."""
        return self.ranks * self.threads


def options_at(site: Site, engine: str, options: RunOptions) -> RunOptions:
    """The same on a site: its ranks, threads, launch words, margin and retries."""
    r = site.resources
    return replace(
        options,
        ranks=r.tasks,
        threads=r.threads,
        launch=site.launch_words(engine),
        margin=site.margin_seconds if site.scheduler != "none" else 0.0,
        resend=site.batch,
        retries=site.jobs.retries if site.batch else 0,
    )
