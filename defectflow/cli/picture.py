"""A running study in lines of text, for a terminal of any size."""

from __future__ import annotations

import time
from dataclasses import dataclass
from math import isfinite, isnan, log10
from pathlib import Path
from typing import Any

from defectflow.cli.progress import clock
from defectflow.cli.shared import known_moment
from defectflow.cli.status import core_hours, counts
from defectflow.engines import Progress
from defectflow.run.overview import ENDED, Overview

Line = tuple[str, str]  # text and style
BARS, ASCII_BARS = "▁▂▃▄▅▆▇█", "_.-~=+*#"
WIDE = 110  # columns from which a running job takes one line
NOTES = 5  # last corrections and failures that are shown
_STYLES = {"done": "green", "running": "cyan", "failed": "red", "unconverged": "red", "lost": "red", "stale": "red"}


@dataclass(frozen=True)
class Note:
    """What went wrong or was corrected in a job, and when (seconds since 1970)."""

    path: str
    words: str
    bad: bool
    when: float


@dataclass(frozen=True)
class View:
    """A run folder at one moment.

    Attributes
    ----------
    title : str
        Name of the study and its engine.
    seen : Overview
    seconds_left : float
        See `defectflow.run.overview.seconds_left`.
    notes : tuple of Note
        Oldest first.
    when : float
        Seconds since 1970.
    """

    title: str
    seen: Overview
    seconds_left: float
    notes: tuple[Note, ...]
    when: float

    @property
    def ended(self) -> bool:
        """Whether no job is left to run and nobody runs the study."""
        return not self.seen.driver and all(r["state"] in (*ENDED, "lost") for r in self.seen.rows)


@dataclass(frozen=True)
class Size:
    """Columns and rows of a terminal, and the characters that its sparklines may use, lowest first."""

    width: int
    height: int
    bars: str = BARS

    @property
    def dots(self) -> str:
        """What stands for what was cut off."""
        return "…" if self.bars == BARS else "~"


def notes_of(rows: tuple[dict[str, Any], ...], folder: Path) -> tuple[Note, ...]:
    """Corrections, lost attempts and failures of all jobs, in the order in which their files were written."""
    found = []
    for row in rows:
        words = [(f"corrected, {c}", False) for c in row["corrections"]]
        words += [(f"lost an attempt: {w}", True) for w in row["lost"]]
        words += [(str(row["error"]), True)] if row["error"] else []
        if words:
            when = _written(folder / row["path"] / "job.json")
            found += [Note(row["path"], text, bad, when) for text, bad in words]
    return tuple(sorted(found, key=lambda n: n.when))


def _written(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def picture(view: View, size: Size) -> list[Line]:
    """The whole of it, no wider and no higher than the terminal."""
    head = [(f"{view.title}, {time.strftime('%H:%M:%S', time.localtime(view.when))}", "bold"), *_summary(view, size)]
    notes = _notes(view, size)[: max(0, size.height - len(head) - 4)]
    running = _running(view, size, max(1, size.height - len(head) - len(notes) - 1))
    return [(cut(text, size), style) for text, style in [*head, *running, *notes]][: max(1, size.height - 1)]


def headline(view: View) -> str:
    """How many jobs are in each state."""
    return ", ".join(f"{n} {state}" for state, n in counts(view.seen).items())


def _summary(view: View, size: Size) -> list[Line]:
    seen = view.seen
    left = "unknown" if isnan(view.seconds_left) else f"about {clock(view.seconds_left)}"
    parts = [headline(view), f"driver: {seen.driver or 'none'}"]
    parts += [] if view.seconds_left == 0 else [f"time left: {left}"]
    parts.append(core_hours(seen))
    if seen.queue:
        waiting = sum(j.state != "running" for j in seen.queue)
        parts.append(f"scheduler jobs: {len(seen.queue) - waiting} running, {waiting} waiting")
    if seen.queue_unknown:
        parts.append(f"the scheduler cannot be asked from here: {seen.queue_unknown.splitlines()[0]}")
    return [(_bar(view, size), "green"), *((text, "") for text in _packed(parts, size.width))]


def _bar(view: View, size: Size) -> str:
    done, total = counts(view.seen).get("done", 0), len(view.seen.rows)
    room = max(4, min(40, size.width - 20))
    full = room * done // max(total, 1)
    marks = "█░" if size.bars == BARS else "#-"
    return f"{marks[0] * full}{marks[1] * (room - full)} {done}/{total} done"


def _packed(parts: list[str], width: int) -> list[str]:
    lines: list[str] = []
    for part in parts:
        if lines and len(lines[-1]) + 2 + len(part) <= width:
            lines[-1] += f"; {part}"
        else:
            lines.append(part)
    return lines


def _running(view: View, size: Size, room: int) -> list[Line]:
    rows = [row for row in view.seen.rows if row["state"] == "running"]
    each = 1 if size.width >= WIDE else 2
    shown = rows if len(rows) * each <= room else rows[: max(1, (room - 1) // each)]
    lines = [line for row in shown for line in _job(row, view.seen.traces.get(row["path"], ()), size)]
    more = len(rows) - len(shown)
    return [(text, _STYLES["running"]) for text in lines] + ([(f"and {more} more that run", "")] if more else [])


def _job(row: dict[str, Any], trace: tuple[Progress, ...], size: Size) -> list[str]:
    where = f" ({row['scheduler_job']})" if row["scheduler_job"] else ""
    numbers = f"{_step(row)}, {clock(row['seconds'])}"
    wide = size.width >= WIDE
    path = _end_of(row["path"] + where, size.width if not wide else size.width - len(numbers) - 24, size)
    room = size.width - len(numbers) - (len(path) + 4 if wide else 3)
    line = f"{numbers} {sparkline(trace, min(room, 40), size.bars)}"
    return [f"{path}  {line}"] if wide else [path, f"  {line}"]


def _step(row: dict[str, Any]) -> str:
    if row["scf_step"] is None:
        return "starting"
    step = f"{row['ionic_step']}.{row['scf_step']}"
    return f"step {step}, dE {row['energy_change']:+.1e} eV, M {known_moment(row['moment'])}"


def sparkline(trace: tuple[Progress, ...], width: int, bars: str = BARS) -> str:
    """log10 of the absolute energy changes of the last ionic step's SCF steps, scaled to what is shown."""
    now = trace[-1].ionic_step if trace else 0
    sizes = [abs(p.energy_change) for p in trace if p.ionic_step == now]
    logs = [log10(s) for s in sizes if s > 0 and isfinite(s)][-width:] if width > 0 else []
    if not logs:
        return ""
    low, top = min(logs), len(bars) - 1
    span = (max(logs) - low) or 1.0
    return "".join(bars[round((v - low) / span * top)] for v in logs)


def _notes(view: View, size: Size) -> list[Line]:
    lines = [(note_text(note), "red" if note.bad else "yellow") for note in view.notes[-NOTES:]]
    return [(_beginning(text, size), style) for text, style in lines]


def note_text(note: Note) -> str:
    """One line on it."""
    words = (note.words.splitlines() or [""])[0]
    return f"{note.path}: {words.removeprefix(note.path).removeprefix(': ')}"


def _beginning(text: str, size: Size) -> str:
    # On a narrow terminal the front of a path is worth less than what happened.
    path, _, words = text.partition(": ")
    return f"{_end_of(path, max(20, size.width // 2), size)}: {words}"


def _end_of(text: str, width: int, size: Size) -> str:
    return text if len(text) <= width else size.dots + text[len(text) - width + 1 :]


def cut(text: str, size: Size) -> str:
    """The text, no wider than the terminal."""
    return text if len(text) <= size.width else text[: size.width - 1] + size.dots
