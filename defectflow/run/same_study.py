"""Whether a folder may hold a study: an empty one, or the run folder of the same study."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel

from defectflow.errors import InputError
from defectflow.executors.tracks import DRIVER
from defectflow.run.index import INDEX
from defectflow.run.lease import LOCK
from defectflow.schema.jsonio import read_json

SUMMARY = "study.json"
RECIPE = "study.toml"
# What a run folder holds before a job is prepared; where no inputs could be made, the corrected recipe may have it.
UNUSED = (SUMMARY, RECIPE, INDEX, DRIVER)


def check_folder(folder: Path, summary: Mapping[str, object], model: type[BaseModel]) -> None:
    """Refuse a folder that belongs to another recipe or engine, or holds other files.

    Raises
    ------
    InputError
        With what is different; nothing is changed.
    """
    if (folder / SUMMARY).is_file():
        if any(p.name not in UNUSED and not _left_by_creation(p) for p in folder.iterdir()):
            _same_study(read_json(folder / SUMMARY), summary, folder, model)
    elif folder.exists() and any(not _left_by_creation(p) for p in folder.iterdir()):
        raise InputError("is neither empty nor a run folder", where=str(folder), todo="choose another with -o")


def _left_by_creation(path: Path) -> bool:
    # Of a run that was killed before its first file was complete.
    return path.name == LOCK or path.name.startswith(f".{SUMMARY}.")


def _calculated(recipe: object) -> object:
    # What changes neither a job nor its hash may be edited in a study that is under way.
    if not isinstance(recipe, dict):
        return recipe
    shown = {"question", "caveats", "sources", "dos"}
    drawn = recipe.get("dos")
    mesh = drawn.get("kpoints") if isinstance(drawn, dict) else None
    return {k: v for k, v in recipe.items() if k not in shown} | {"dos.kpoints": mesh}


def _as_written_now(recipe: object, model: type[BaseModel]) -> object:
    # A folder of an earlier version lacks the keys that came later; they have their defaults.
    try:
        return model.model_validate(recipe, by_alias=True).model_dump(mode="json", by_alias=True)
    except ValueError:
        return recipe


def _same_study(
    there: Mapping[str, object], wanted: Mapping[str, object], folder: Path, model: type[BaseModel]
) -> None:
    for key, known in (("engine", there.get("engine")), ("recipe", _as_written_now(there.get("recipe"), model))):
        if _calculated(known) != _calculated(wanted[key]):
            raise InputError(
                f"was made with another {key}; mixing them in one folder would hide different settings",
                where=str(folder),
                todo="choose another with -o (and --reuse this one), or go on with this: defectflow resume RUN",
            )
