"""Recipes of whatever kind."""

from __future__ import annotations

import tomllib
from pathlib import Path

from defectflow.schema.convergence import ConvergenceRecipe
from defectflow.schema.junction import JunctionRecipe
from defectflow.schema.recipe import Recipe
from defectflow.schema.recipe_file import checked_recipe, kind_of
from defectflow.schema.screen import ScreenRecipe

AnyRecipe = Recipe | JunctionRecipe | ScreenRecipe | ConvergenceRecipe
MODELS: dict[str | None, type[AnyRecipe]] = {
    "pairs": Recipe,
    "junction": JunctionRecipe,
    "screen": ScreenRecipe,
    "convergence": ConvergenceRecipe,
}


def load_any(path: Path) -> AnyRecipe:
    """Read and check a recipe of any kind; see `defectflow.schema.load_recipe`."""
    return checked_recipe(MODELS.get(_kind_in(path), Recipe), path)


def _kind_in(path: Path) -> str | None:
    try:
        return kind_of(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, RecursionError):
        return None  # the reader says what is wrong with it
