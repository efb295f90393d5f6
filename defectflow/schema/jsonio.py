"""Records to and from disk: a JSON document and, for the arrays, an NPZ beside it.

The round trip is exact: floats are written with all their digits and arrays in their own dtype. The JSON
holds the SHA-256 of the NPZ, so a pair of files of which one was cut off is never believed.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import hashlib
import io
import json
import os
import types
import typing
import zipfile
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from pydantic import BaseModel, ValidationError

from defectflow.errors import DefectFlowError, InputError, ParseError

SCHEMA_VERSION = 1
T = TypeVar("T")


def save_record(record: Any, path: Path) -> None:
    """Write a dataclass record to ``path`` (JSON) and ``path`` with suffix ``.npz``; each file appears whole."""
    arrays: dict[str, Any] = {}
    document: dict[str, Any] = {"schema": SCHEMA_VERSION, "record": type(record).__name__}
    document["data"] = _encode(record, "", arrays)
    document["data_sha256"] = _digest(document["data"])
    if arrays:
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **arrays)
        document["npz_sha256"] = hashlib.sha256(buffer.getvalue()).hexdigest()
        write_atomic(path.with_suffix(".npz"), buffer.getvalue())
    write_atomic(path, json.dumps(document, indent=1, allow_nan=False).encode())


def load_record(cls: type[T], path: Path) -> T:
    """Read a record of type `cls` that `save_record` wrote.

    Raises
    ------
    ParseError
        If a file is missing, cut off, damaged, of another schema version or of another record.
    """
    document = read_json(path)
    found = (document.get("schema"), document.get("record"))
    if found != (SCHEMA_VERSION, cls.__name__):
        raise ParseError(f"holds {found}, expected {(SCHEMA_VERSION, cls.__name__)}", where=str(path))
    if document.get("data_sha256") != _digest(document.get("data")):
        raise ParseError("was changed after it was written (checksum differs)", where=str(path))
    try:
        arrays = _load_arrays(path.with_suffix(".npz"), document["npz_sha256"]) if "npz_sha256" in document else {}
        return typing.cast(T, _decode(cls, document["data"], arrays))
    except (AttributeError, KeyError, TypeError, ValueError, IndexError, ValidationError) as error:
        raise ParseError(f"is damaged: {error!r}", where=str(path)) from None
    except DefectFlowError as error:
        raise ParseError(error.what, where=error.where or str(path)) from None


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object; a missing, cut-off or foreign file is a ParseError."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"), parse_constant=_no_constant)
    except OSError as error:
        raise ParseError(f"cannot be read ({error.strerror})", where=str(path)) from None
    except (ValueError, RecursionError) as error:
        raise ParseError(f"is not valid JSON, perhaps cut off ({error})", where=str(path)) from None
    if not isinstance(document, dict):
        raise ParseError("holds no JSON object", where=str(path))
    return document


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no number of a record")


def _digest(data: Any) -> str:
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()


def make_folder(path: Path) -> None:
    """Make a folder for results, if it is not there.

    Raises
    ------
    InputError
        If it is a file.
    """
    if path.exists() and not path.is_dir():
        raise InputError("is a file; a folder is expected", where=str(path), todo="choose another with -o")
    path.mkdir(parents=True, exist_ok=True)


def write_atomic(path: Path, data: bytes) -> None:
    """Write to a temporary name and rename, so that a reader sees the old file or the new one, never half.

    Raises
    ------
    OSError
        If it cannot be written, with the name of the file; nothing of it is left.
    """
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "is no regular file and is not replaced", str(path))
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise type(error)(error.errno, error.strerror, str(path)) from None


def _load_arrays(path: Path, sha256: str) -> dict[str, Any]:
    try:
        data = path.read_bytes()
        if hashlib.sha256(data).hexdigest() != sha256:
            raise ParseError("does not belong to its JSON file (checksum differs)", where=str(path))
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (OSError, zipfile.BadZipFile) as error:
        raise ParseError(f"cannot be read ({error})", where=str(path)) from None


def _encode(value: Any, key: str, arrays: dict[str, Any]) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", by_alias=True)
    if dataclasses.is_dataclass(value):
        fields = [f.name for f in dataclasses.fields(value)]
        return {name: _encode(getattr(value, name), f"{key}.{name}".lstrip("."), arrays) for name in fields}
    if isinstance(value, np.ndarray):
        arrays[key] = value
        return {"npz": key}
    if isinstance(value, dict):
        return {str(k): _encode(v, f"{key}.{k}", arrays) for k, v in value.items()}
    if isinstance(value, tuple | list):
        return [_encode(v, f"{key}.{i}", arrays) for i, v in enumerate(value)]
    return value.item() if isinstance(value, np.generic) else value


@cache
def _hints(cls: type) -> dict[str, Any]:
    return typing.get_type_hints(cls)


def _decode(hint: Any, value: Any, arrays: dict[str, Any]) -> Any:
    if isinstance(hint, types.UnionType):
        return None if value is None else _decode(typing.get_args(hint)[0], value, arrays)
    if typing.get_origin(hint) in (tuple, dict):
        return _decode_container(hint, value, arrays)
    if isinstance(value, dict) and set(value) == {"npz"}:
        return arrays[value["npz"]]
    if dataclasses.is_dataclass(hint):
        fields = {k: _decode(_hints(typing.cast(Any, hint))[k], v, arrays) for k, v in value.items()}
        return typing.cast(Any, hint)(**fields)
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        return hint.model_validate(value, by_alias=True)
    return float(value) if hint is float else value


def _decode_container(hint: Any, value: Any, arrays: dict[str, Any]) -> Any:
    inner = typing.get_args(hint)
    if typing.get_origin(hint) is dict:
        return {inner[0](k): _decode(inner[1], v, arrays) for k, v in value.items()}
    kinds = [inner[0]] * len(value) if inner[-1] is Ellipsis else inner
    return tuple(_decode(k, v, arrays) for k, v in zip(kinds, value, strict=True))
