"""A run folder: the recipe it was made from, and its jobs with their states and results."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import IO, Any, Generic, Self, TypeVar

from defectflow.engines.guard import is_locked, lock_file
from defectflow.errors import DefectFlowError, ParseError
from defectflow.inputs import plan_jobs
from defectflow.run.index import add_to_index, row_of
from defectflow.run.lease import LOCK, driver_of
from defectflow.run.same_study import RECIPE, SUMMARY, check_folder
from defectflow.schema import CalcResult, Job, JobInputs, JobState, Recipe
from defectflow.schema.configuration import Promotions
from defectflow.schema.convergence import ConvergenceRecipe
from defectflow.schema.jsonio import load_record, read_json, save_record, write_atomic
from defectflow.schema.junction import JunctionRecipe
from defectflow.schema.kinds import load_any
from defectflow.schema.recipe_file import KINDS, checked_recipe, kind_of, kind_of_model, named_by
from defectflow.schema.screen import ScreenRecipe
from defectflow.structures.host import with_inline_host
from defectflow.structures.phases import with_inline_phases

RESULT = "result.json"
STATE = "job.json"
R = TypeVar("R", Recipe, JunctionRecipe, ScreenRecipe, ConvergenceRecipe)


class RunFolder(Generic[R]):
    """A folder in which the jobs of one recipe are run.

    Attributes
    ----------
    folder : Path
    recipe : Recipe, JunctionRecipe, ScreenRecipe or ConvergenceRecipe
    jobs : tuple of Job
        As planned, before geometries of finished parents are known.
    """

    model: type[R]

    def __init__(self, folder: Path, recipe: R) -> None:
        self.folder = folder
        self.recipe: R = recipe

    @cached_property
    def jobs(self) -> tuple[Job, ...]:
        """As planned; made when it is first asked for."""
        return plan_jobs(self.recipe)

    @cached_property
    def by_path(self) -> dict[str, Job]:
        """Jobs by their path."""
        return {job.path: job for job in self.jobs}

    @cached_property
    def groups(self) -> dict[str, tuple[str, ...]]:
        """Paths of the jobs that are compared with each other, by `group_of`."""
        found: dict[str, list[str]] = {}
        for job in self.jobs:
            found.setdefault(self.group_of(job), []).append(job.path)
        return {name: tuple(paths) for name, paths in found.items()}

    def group_of(self, job: Job) -> str:
        """Name that jobs share which are compared with each other."""
        return group_name(job.path)

    @classmethod
    def load(cls, path: Path) -> R:
        """Read a recipe of this kind."""
        return checked_recipe(cls.model, path)

    @classmethod
    def create(cls, folder: Path, recipe_path: Path, engine: str) -> Self:
        """Make a run folder, or open the one that is there if it was made from the same recipe.

        Keys that change no calculation (question, caveats, sources, how a DOS is drawn) may differ; the
        folder then takes them over.

        Raises
        ------
        InputError
            If the folder belongs to another recipe or engine, or holds other files; nothing is changed then.
        LockedError
            If a driver runs the study.
        """
        recipe = cls.load(recipe_path)
        study = cls(folder, recipe)
        with named_by(recipe_path):
            study.jobs  # noqa: B018  (a recipe of which no job can be made leaves no folder)
        document = recipe.model_dump(mode="json", by_alias=True)
        summary = {"name": recipe.name, "engine": engine, "recipe": document}
        check_folder(folder, summary, cls.model)
        with study.lock():
            check_folder(folder, summary, cls.model)
            write_atomic(folder / SUMMARY, json.dumps(summary, indent=1).encode())
            if recipe_path.is_file():  # a pipe cannot be read twice, and study.json holds all of it
                write_atomic(folder / RECIPE, recipe_path.read_bytes())
        return study

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open an existing run folder.

        Raises
        ------
        ParseError
            If it is none, or one of another kind.
        """
        document = _summary(folder)
        found = _kind(document)
        if found != kind_of_model(cls.model):
            what, todo = KINDS[found]
            raise ParseError(f"is the run folder of {what}", where=str(folder), todo=f"see: {todo}")
        try:
            return cls(folder, cls.model.model_validate(document["recipe"], by_alias=True))
        except (KeyError, ValueError) as error:
            raise ParseError(f"is damaged: {error}", where=str(folder / SUMMARY)) from None

    @property
    def engine_name(self) -> str:
        """Engine that the study was made for."""
        return str(read_json(self.folder / SUMMARY)["engine"])

    def lock(self) -> IO[str]:
        """Hold the study for one driver.

        Raises
        ------
        LockedError
            If another driver holds it.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        return lock_file(self.folder / LOCK)

    def has_driver(self) -> bool:
        """Whether a driver runs the study now."""
        return is_locked(self.folder / LOCK) or bool(driver_of(self.folder))

    def job_folder(self, path: str) -> Path:
        """Folder of a job."""
        return self.folder / path

    def state(self, path: str) -> JobState | None:
        """What ``job.json`` says, None if there is none yet or it is damaged."""
        try:
            return load_record(JobState, self.job_folder(path) / STATE)
        except ParseError:
            return None

    def set_state(self, path: str, state: JobState) -> None:
        """Write ``job.json``."""
        save_record(state, self.job_folder(path) / STATE)
        add_to_index(self.folder, row_of(path, state))

    def result(self, path: str) -> CalcResult:
        """Result of a job.

        Raises
        ------
        ParseError
            If it has none, or a damaged one.
        """
        return load_record(CalcResult, self.job_folder(path) / RESULT)

    def finished(self, path: str, inputs: JobInputs) -> CalcResult | None:
        """Result of a job if it converged and was made by exactly these inputs; anything else runs again."""
        try:
            result = self.result(path)
        except DefectFlowError:
            return None
        return result if result.input_hash == inputs.hash and result.converged else None


def group_name(path: str) -> str:
    """Name that jobs share which are compared: all states, starts and stages of one pair, configuration or junction."""
    parts = path.split("/")
    if parts[0] == "bulk":
        return path
    return "/".join(parts[: 1 if parts[0] == "junction" else 2])


class Study(RunFolder[Recipe]):
    """A study of dopant pairs."""

    model = Recipe

    @classmethod
    def load(cls, path: Path) -> Recipe:
        """Read a recipe; a host file is replaced by what it holds."""
        return with_inline_host(super().load(path))


class JunctionStudy(RunFolder[JunctionRecipe]):
    """A junction and the bulk of its oxide."""

    model = JunctionRecipe


class ScreenStudy(RunFolder[ScreenRecipe]):
    """A screening: configurations in rounds, each decided on by the results of the one before."""

    model = ScreenRecipe

    @classmethod
    def load(cls, path: Path) -> ScreenRecipe:
        """Read a recipe; files of the host and the phases are replaced by what they hold."""
        return with_inline_phases(with_inline_host(super().load(path)))

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open an existing run folder; see `RunFolder.open`. A damaged decision is an error, whatever is asked."""
        study = super().open(folder)
        study.promotions  # noqa: B018
        return study

    @cached_property
    def jobs(self) -> tuple[Job, ...]:
        """Jobs of the first round and of those that were decided on; a study is opened again after a decision."""
        return plan_jobs(self.recipe, self.promotions)

    @property
    def promotions(self) -> tuple[Promotions, ...]:
        """Recorded decisions, in the order of the rounds, up to the first that is missing."""
        found: list[Promotions] = []
        for step in self.recipe.rounds[1:]:
            path = self.promotions_file(step.name)
            if not path.is_file():
                break
            found.append(load_record(Promotions, path))
        return tuple(found)

    def promotions_file(self, to: str) -> Path:
        """Where the decision on a round is kept."""
        return self.folder / f"promotions.{to}.json"


class ConvergenceStudy(RunFolder[ConvergenceRecipe]):
    """Settings varied one at a time around a study of pairs."""

    model = ConvergenceRecipe

    @classmethod
    def load(cls, path: Path) -> ConvergenceRecipe:
        """Read a recipe; a host file is replaced by what it holds."""
        recipe = super().load(path)
        return recipe.model_copy(update={"base": with_inline_host(recipe.base)})

    def group_of(self, job: Job) -> str:
        """One for all energies that begin in one relaxation: points of a mesh must have its settings, too."""
        return group_name(job.parent or job.path)


AnyStudy = Study | JunctionStudy | ScreenStudy | ConvergenceStudy
_STUDIES: dict[str, type[AnyStudy]] = {
    "pairs": Study,
    "junction": JunctionStudy,
    "screen": ScreenStudy,
    "convergence": ConvergenceStudy,
}


def open_study(folder: Path) -> AnyStudy:
    """Open a run folder of any kind; see `RunFolder.open`."""
    return _STUDIES[_kind(_summary(folder))].open(folder)


def create_study(folder: Path | None, recipe: Path, engine: str) -> AnyStudy:
    """Make or open the run folder of a recipe of any kind; see `RunFolder.create`."""
    kind = _STUDIES[kind_of_model(type(load_any(recipe)))]
    return kind.create(folder or Path("runs") / recipe.stem, recipe, engine)


def _summary(folder: Path) -> dict[str, Any]:
    if not (folder / SUMMARY).is_file():
        todo = "a run folder is made by: defectflow run RECIPE -o FOLDER"
        raise ParseError(f"is no run folder (it has no {SUMMARY})", where=str(folder), todo=todo)
    document = read_json(folder / SUMMARY)
    if not isinstance(document.get("engine"), str):
        raise ParseError("is damaged: it names no engine", where=str(folder / SUMMARY))
    return document


def _kind(document: Mapping[str, Any]) -> str:
    recipe = document.get("recipe")
    return (kind_of(recipe) if isinstance(recipe, dict) else None) or "pairs"
