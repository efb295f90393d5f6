"""Engines by name: those of the package and those of entry points in the group ``defectflow.engines``."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import entry_points
from typing import cast

from defectflow.engines.base import Engine
from defectflow.errors import InputError

_BUILT_IN = {
    "gpaw": "defectflow.engines.gpaw.engine:GpawEngine",
    "replay": "defectflow.engines.replay.engine:ReplayEngine",
    "vasp": "defectflow.engines.vasp.engine:VaspEngine",
}
_GROUP = "defectflow.engines"


def engine_names() -> list[str]:
    """Names that `get_engine` takes."""
    return sorted({*_BUILT_IN, *(e.name for e in entry_points(group=_GROUP))})


def get_engine(name: str) -> Engine:
    """Build the engine `name`.

    Raises
    ------
    InputError
        If there is none of that name.
    """
    if name in _BUILT_IN:
        module, attribute = _BUILT_IN[name].split(":")
        return cast(Engine, getattr(import_module(module), attribute)())
    for entry in entry_points(group=_GROUP):
        if entry.name == name:
            return cast(Engine, entry.load()())
    raise InputError(f'there is no engine "{name}"', where="--engine", todo=f"known: {', '.join(engine_names())}")
