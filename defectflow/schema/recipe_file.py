"""Recipe files: which kind one is, reading it into its record, and what all kinds check."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import ValidationError

from defectflow.errors import InputError, RecipeError, StructureError
from defectflow.schema.quantity import IN_RECIPE
from defectflow.schema.recipe_errors import explain
from defectflow.schema.settings import Record
from defectflow.schema.toml import read_toml

R = TypeVar("R", bound=Record)

# What a recipe is of, by its key `kind` (without it: of pairs), and where to read on.
KINDS = {
    "pairs": ("a study of pairs", "defectflow run --help"),
    "junction": ("a junction", "defectflow junction --help"),
    "screen": ("a screening", "defectflow screen --help"),
    "chain": ("a transport chain", "defectflow transport --help"),
    "convergence": ("a convergence study", "defectflow converge --help"),
}


def kind_of(document: Mapping[str, Any]) -> str | None:
    """Key into `KINDS` of a recipe as it was read; None if it says nothing of the sort."""
    kind = document.get("kind") or ("pairs" if "pairs" in document else None)
    return kind if isinstance(kind, str) and kind in KINDS else None


def kind_of_model(model: type[Record]) -> str:
    """The same of a recipe's class."""
    field = model.model_fields.get("kind")
    return str(get_args(field.annotation)[0]) if field else "pairs"


def checked_recipe(model: type[R], path: Path) -> R:
    """Read a recipe of one kind; see `load_recipe`."""
    document = read_toml(path, "recipe", "make one: defectflow init NAME")
    found, wanted = kind_of(document), kind_of_model(model)
    if found is not None and found != wanted:
        what = f"is the recipe of {KINDS[found][0]}, not of {KINDS[wanted][0]}"
        raise RecipeError(what, where=str(path), todo=f"see: {KINDS[found][1]}")
    try:
        return model.model_validate(_absolute_file(document, path.parent), context={IN_RECIPE: True})
    except ValidationError as error:
        raise explain(error, model, path) from None


@contextmanager
def named_by(path: Path) -> Iterator[None]:
    """Let what is wrong with a recipe's values, found only when cells and jobs are made of them, name its file."""
    try:
        yield
    except (RecipeError, StructureError, InputError) as error:
        if str(path) in error.where or "/" in error.where:  # it names a file already
            raise
        where = f"{path}: {error.where}" if error.where else str(path)
        raise type(error)(error.what, where=where, todo=error.todo) from None


def _absolute_file(document: dict[str, Any], folder: Path) -> dict[str, Any]:
    # A file is named relative to the recipe that names it, so a study can be moved as one folder.
    phases = document.get("references")
    if isinstance(phases, list):
        document = {**document, "references": [_absolute(phase, folder) for phase in phases]}
    if isinstance(document.get("host"), dict):
        return {**document, "host": _absolute(document["host"], folder)}
    if isinstance(document.get("base"), str):
        path = Path.cwd() / folder / document["base"]
        return {**document, "base": _absolute_file(read_toml(path, "recipe", "base names a recipe"), path.parent)}
    return document


def _absolute(table: Any, folder: Path) -> Any:
    if not isinstance(table, dict) or not isinstance(table.get("file"), str):
        return table
    return {**table, "file": str(Path.cwd() / folder / table["file"])}


def check_sources(recipe: Record, sources: dict[str, str]) -> None:
    """Raise ValueError if a source is given for a key that the recipe does not set."""
    document = recipe.model_dump(by_alias=True)
    for key in sources:
        node: Any = document
        for part in key.split("."):
            node = node.get(part) if isinstance(node, dict) else None
        if node is None:
            raise ValueError(f'sources names "{key}", which this recipe does not set')
