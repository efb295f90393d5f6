"""The states of all jobs in one file, ``jobs.jsonl``, so that thousands of them are seen at a glance.

``job.json`` of each job stays the truth; the index is made anew from them whenever a driver starts, which then adds a
line at each change. Whoever reads it takes the last line of a job.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from defectflow.schema import JobState
from defectflow.schema.jsonio import write_atomic

INDEX = "jobs.jsonl"


def row_of(path: str, state: JobState | None) -> dict[str, Any]:
    """What the index holds of a job."""
    if state is None:
        return {"path": path, "state": "waiting"}
    return {
        "path": path,
        "state": state.state,
        "attempts": state.attempts,
        "seconds": state.seconds,
        "core_seconds": state.core_seconds,
        "corrections": [str(c) for c in state.corrections],
        "lost": list(state.lost),
        "error": state.error,
    }


def write_index(folder: Path, rows: Iterable[dict[str, Any]]) -> None:
    """Make it anew."""
    write_atomic(folder / INDEX, "".join(json.dumps(row) + "\n" for row in rows).encode())


def add_to_index(folder: Path, row: dict[str, Any]) -> None:
    """One line, if there is an index."""
    if (folder / INDEX).is_file():
        with (folder / INDEX).open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")


def read_index(folder: Path) -> dict[str, dict[str, Any]]:
    """Last line of every job by its path; empty if there is no index. A line that is being written is passed over."""
    try:
        lines = (folder / INDEX).read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError:
        return {}
    rows: dict[str, dict[str, Any]] = {}
    for line in lines:
        try:
            row = json.loads(line)
            rows[row["path"]] = row
        except (ValueError, KeyError, TypeError):
            continue
    return rows
