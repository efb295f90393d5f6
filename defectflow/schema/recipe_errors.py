"""Turn pydantic's complaints into messages that name the file, the key and the nearest valid key."""

from __future__ import annotations

import difflib
import types
import typing
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from defectflow.errors import RecipeError


def explain(error: ValidationError, model: type[BaseModel], path: Path) -> RecipeError:
    """One RecipeError for all that is wrong in `path`, one line each."""
    lines = [_line(item, model) for item in error.errors(include_url=False)]
    unique = list(dict.fromkeys(lines))
    head = "1 problem" if len(unique) == 1 else f"{len(unique)} problems"
    return RecipeError(f"{head}\n  " + "\n  ".join(unique), where=str(path))


def _line(item: Any, model: type[BaseModel]) -> str:
    extra = item["type"] == "extra_forbidden"
    last = len(item["loc"]) - 1
    loc = tuple(str(p) for n, p in enumerate(item["loc"]) if (extra and n == last) or not _is_union_tag(p))
    key = ".".join(loc) or "the recipe"
    if extra:
        return f"{key}: unknown key{_nearest(loc, model)}"
    if item["type"] == "missing":
        return f"{key}: this key is missing"
    message = item["msg"].removeprefix("Value error, ")
    shown = repr(item.get("input"))
    if item["type"] == "value_error" or len(shown) > 60:
        return f"{key}: {message}"
    return f"{key}: {message} (got {shown})"


def _is_union_tag(part: object) -> bool:
    # pydantic adds the name of the union's branch, e.g. "tuple[int, int, int]", which is no key.
    return isinstance(part, str) and ("[" in part or part in {"int", "float", "str"})


def _nearest(loc: tuple[str, ...], model: type[BaseModel]) -> str:
    keys = _keys_at(loc[:-1], model)
    close = difflib.get_close_matches(loc[-1], keys, n=1, cutoff=0.5)
    hint = f'; nearest valid key: "{close[0]}"' if close else ""
    return f"{hint} (valid here: {', '.join(keys)})"


def _keys_at(loc: tuple[str, ...], model: type[BaseModel]) -> list[str]:
    for part in loc:
        if part.isdigit():
            continue
        field = model.model_fields.get(part)
        found = _model_in(field.annotation) if field else None
        if found is None:
            return []
        model = found
    return [f.alias or name for name, f in model.model_fields.items()]


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        return annotation if issubclass(annotation, BaseModel) else None
    for inner in typing.get_args(annotation):
        if (found := _model_in(inner)) is not None:
            return found
    return None
