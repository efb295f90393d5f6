"""Presets: YAML files with an optional ``parent`` that they refine."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from defectflow.errors import InputError
from defectflow.resources import resource


def load_preset(engine: str, profile: str) -> dict[str, Any]:
    """Merged preset ``templates/<engine>/<profile>.yaml``; nested tables are merged key by key.

    Raises
    ------
    InputError
        If a file is missing or is no table, or its parents go in a circle.
    """
    return _load(engine, f"{profile}.yaml", ())


def _load(engine: str, name: str, seen: tuple[str, ...]) -> dict[str, Any]:
    if name in seen:
        raise InputError(f"parents go in a circle: {' -> '.join((*seen, name))}", where=f"templates/{engine}")
    path = resource("templates", str(PurePosixPath(engine, name)))
    table = dict(_read(path, path.stat().st_mtime_ns))
    parent = table.pop("parent", None)
    return _merge(_load(engine, parent, (*seen, name)), table) if parent else table


@lru_cache(maxsize=64)
def _read(path: Path, changed: int) -> dict[str, Any]:
    # `changed` is part of the key, so that an edited preset is read again; nobody may change the table itself.
    table = yaml.safe_load(path.read_text(encoding="utf-8"))
    if not isinstance(table, dict):
        raise InputError("a preset is a table of keys", where=str(path))
    return table


def _merge(base: dict[str, Any], refined: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in refined.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _merge(merged[key], value) if both else value
    return merged
