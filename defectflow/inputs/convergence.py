"""Points and jobs of a convergence study: the base recipe with one value of one key changed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

from pydantic import ValidationError

from defectflow.errors import RecipeError
from defectflow.inputs.pairs import pair_jobs
from defectflow.schema import Job, Recipe
from defectflow.schema.convergence import Axis, ConvergenceRecipe
from defectflow.schema.quantity import IN_RECIPE

BASE = "base"


@dataclass(frozen=True)
class Point:
    """One value of one axis.

    Attributes
    ----------
    axis : str
        Name of the axis.
    label : str
        The value, to be read.
    folder : str
        Where its energies lie; points of equal settings share one.
    relax_folder : str
        Where its relaxations lie: another point's, if the two differ in the mesh of the energies alone.
    value : object
        The value as the checked recipe holds it.
    recipe : Recipe
        Of its pairs.
    """

    axis: str
    label: str
    folder: str
    relax_folder: str
    value: object
    recipe: Recipe


def axis_points(recipe: ConvergenceRecipe, axis: Axis) -> tuple[Point, ...]:
    """Points of one axis, in the order of its values.

    Raises
    ------
    RecipeError
        If the base recipe does not know the key, or does not take a value.
    """
    return tuple(_point(recipe.base, axis, value) for value in axis.values)


def convergence_jobs(recipe: ConvergenceRecipe) -> tuple[Job, ...]:
    """Jobs of all points; what two axes share is run once."""
    points = [p for axis in recipe.axes for p in axis_points(recipe, axis)]
    jobs = {job.path: job for point in points for job in point_jobs(point)}
    return tuple(jobs.values())


def point_jobs(point: Point) -> tuple[Job, ...]:
    """Jobs of one point."""
    return tuple(_job_at(point, job) for job in pair_jobs(point.recipe))


def path_at(point: Point, path: str) -> str:
    """Path of a job of the point's recipe within the convergence study."""
    folder = point.relax_folder if path.endswith("/relax") else point.folder
    return f"{folder}/{path.removeprefix('pairs/')}"


def _job_at(point: Point, job: Job) -> Job:
    parent, geometry_of = (path and path_at(point, path) for path in (job.parent, job.geometry_of))
    return replace(job, path=path_at(point, job.path), parent=parent, geometry_of=geometry_of)


def setting_at(recipe: Recipe, key: str) -> object:
    """What a recipe has under a dotted key.

    Raises
    ------
    RecipeError
        If it knows no such key.
    """
    node: Any = recipe
    for part in key.split("."):
        node = node.get(part) if isinstance(node, Mapping) else getattr(node, part, None)
        if node is None:
            raise RecipeError("the base recipe sets no such key", where=f'axes.key = "{key}"', todo="name one it sets")
    return node


def _point(base: Recipe, axis: Axis, value: object) -> Point:
    setting_at(base, axis.key)
    chosen = {**axis.fixed, axis.key: value}
    select = {} if axis.select is None else {"pairs": base.pairs.model_copy(update={"select": axis.select})}
    recipe = _with(base, chosen, axis).model_copy(update={"bulk": None, **select})
    found = setting_at(recipe, axis.key)
    label = value if isinstance(value, str) else _words(found)
    relaxing = set(chosen) - ({"settings.kpoints"} if recipe.relax.kpoints else set())
    return Point(axis.name, label, _folder(base, recipe, chosen), _folder(base, recipe, relaxing), found, recipe)


def _with(base: Recipe, chosen: Mapping[str, object], axis: Axis) -> Recipe:
    # By way of the document, so that a value is checked and its unit read as in any recipe.
    document = base.model_dump(mode="json", by_alias=True, exclude_none=True) | {"sources": {}}
    changed = reduce(lambda d, item: _set(d, item[0].split("."), item[1]), chosen.items(), document)
    try:
        return Recipe.model_validate(changed, context={IN_RECIPE: False})
    except ValidationError as error:
        what = error.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")
        raise RecipeError(f"does not fit: {what}", where=f'axes "{axis.name}", {axis.key}') from None


def _set(document: Mapping[str, Any], key: list[str], value: object) -> dict[str, Any]:
    head, *rest = key
    return {**document, head: _set(document.get(head, {}), rest, value) if rest else value}


def _folder(base: Recipe, recipe: Recipe, chosen: Iterable[str]) -> str:
    found = {key: setting_at(recipe, key) for key in chosen}
    changed = {key: value for key, value in found.items() if value != setting_at(base, key)}
    words = [f"{key.split('.')[-1]}={_words(value)}" for key, value in sorted(changed.items())]
    return re.sub(r"[^A-Za-z0-9.=+_]+", "-", "+".join(words)).strip("-") or BASE


def _words(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.12g}"  # two values that differ must not share a folder
    return "+".join(map(str, value)) if isinstance(value, tuple) else str(value)
