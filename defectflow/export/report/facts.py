"""What a report is made of."""

from __future__ import annotations

from dataclasses import dataclass

from defectflow.analyse.alignment import Reference
from defectflow.analyse.compare import PairComparison
from defectflow.analyse.dos import Level
from defectflow.engines.base import Progress
from defectflow.materials import PublishedOrder
from defectflow.schema import CalcResult, JobState, Recipe, StateEntry


@dataclass(frozen=True, eq=False)
class JobFacts:
    """A job as it stands.

    Attributes
    ----------
    path : str
    state : str
        As ``defectflow status`` says it: "done", "failed", "stale", ...
    reason : str
        Why it is not done, empty if it is.
    after : str or None
        Path of the job that must be done before.
    record : JobState or None
    result : CalcResult or None
        One made from today's inputs, converged or not.
    trace : tuple of Progress
        Its SCF steps, empty where no trace was kept.
    """

    path: str
    state: str
    reason: str
    after: str | None
    record: JobState | None
    result: CalcResult | None
    trace: tuple[Progress, ...]


@dataclass(frozen=True, eq=False)
class StateFacts:
    """A spin state of a pair, and where its energies may be counted from.

    Attributes
    ----------
    entry : StateEntry
    passed : bool
        Whether it is the state that it was meant to be.
    dos : CalcResult or None
        Result whose states are drawn.
    zeros : dict of str to Reference
        By the names that ``defectflow dos --reference`` takes.
    no_zero : dict of str to str
        Why a zero of energy is not to be had.
    groups : dict of str to tuple of int
        Atoms whose part of the DOS is drawn, the two dopants first.
    levels : tuple of Level
        Around the Fermi level of the cell.
    """

    entry: StateEntry
    passed: bool
    dos: CalcResult | None
    zeros: dict[str, Reference]
    no_zero: dict[str, str]
    groups: dict[str, tuple[int, ...]]
    levels: tuple[Level, ...]


@dataclass(frozen=True)
class Curves:
    """Currents that ``defectflow transport iv`` wrote into the run folder.

    Attributes
    ----------
    place : str
        Folder, relative to the run folder.
    title : str
        Pair, state and certificate of the hand-off beside them, or that there is none.
    columns : dict of str to tuple
        Of its CSV; None where a cell is empty.
    problem : str
        Why they cannot be shown, empty if they can.
    """

    place: str
    title: str
    columns: dict[str, tuple[float | None, ...]]
    problem: str = ""


@dataclass(frozen=True, eq=False)
class Facts:
    """Everything that a report shows.

    Attributes
    ----------
    run : str
        Run folder as a user would type it.
    recipe, recipe_text : Recipe, str
        The text is that of ``study.toml``, empty where it is not kept.
    engine : str
    jobs, states, comparisons
        In the order of the recipe.
    published : PublishedOrder or None
        What others found, where the numbers may be compared with it.
    transport : tuple of Curves
    files : dict of str to tuple of str
        Names of the files beside the page by section.
    versions : dict of str to str
        Of the programs that made the page.
    made : str
        When.
    """

    run: str
    recipe: Recipe
    recipe_text: str
    engine: str
    jobs: tuple[JobFacts, ...]
    states: tuple[StateFacts, ...]
    comparisons: tuple[PairComparison, ...]
    published: PublishedOrder | None
    transport: tuple[Curves, ...]
    files: dict[str, tuple[str, ...]]
    versions: dict[str, str]
    made: str
