"""The states of all jobs in one file, ``jobs.jsonl``, so that thousands of them are seen at a glance.

``job.json`` of each job stays the truth; the index is made anew from them whenever a driver starts, which then adds a
line at each change. Whoever reads it takes the last line of a job.
"""

from __future__ import annotations

import json
import math
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
    """Make it anew; its first line says how many jobs there are."""
    lines = [json.dumps(row) + "\n" for row in rows]
    write_atomic(folder / INDEX, "".join([json.dumps({"jobs": len(lines)}) + "\n", *lines]).encode())


def add_to_index(folder: Path, row: dict[str, Any]) -> None:
    """One line, if there is an index."""
    if (folder / INDEX).is_file():
        with (folder / INDEX).open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")


def read_index(folder: Path) -> dict[str, dict[str, Any]]:
    """Last line of every job by its path.

    Lines that are being written or were damaged are passed over; where a job is missing then, or there is no index, the
    answer is empty, and the jobs themselves are to be asked.
    """
    try:
        lines = (folder / INDEX).read_text(encoding="utf-8", errors="replace").split("\n")
        number = json.loads(lines[0])["jobs"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    rows: dict[str, dict[str, Any]] = {}
    for line in lines[1:]:
        row = _row(line)
        if row is not None:
            rows[row["path"]] = row
    return rows if len(rows) == number else {}


def _row(line: str) -> dict[str, Any] | None:
    try:
        row = json.loads(line)
    except ValueError:
        return None
    good = isinstance(row, dict) and isinstance(row.get("path"), str) and isinstance(row.get("state"), str)
    if not good or not all(isinstance(row.get(k, []), list) for k in ("corrections", "lost")):
        return None
    numbers = [row.get(k, 0) for k in ("attempts", "seconds", "core_seconds")]
    return row if all(isinstance(n, int | float) and math.isfinite(n) for n in numbers) else None
