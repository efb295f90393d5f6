"""What a running study shows: jobs done, SCF step, energy change, time left. Also kept in the run folder's log."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from defectflow.cli.shared import known_moment

if TYPE_CHECKING:
    from rich.live import Live

    from defectflow.run.options import Snapshot

QUIET_SECONDS = 30.0  # between two lines where the output is no terminal


@contextmanager
def stop_on_signal() -> Iterator[Callable[[], bool]]:
    """Give a function that tells whether Ctrl-C, SIGTERM or SIGHUP (the user logged out) came.

    Python raises KeyboardInterrupt wherever it stands, also where it gets lost; the driver asks instead.
    """
    came = threading.Event()
    before = {s: signal.signal(s, lambda *_: came.set()) for s in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield came.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def counting(what: str, total: int | None, quiet: bool) -> Iterator[Callable[[int, str], None]]:
    """Give a function that shows how many of `total` steps are done, and a remark, while a computation runs.

    It writes to a terminal only, and never to the standard output.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    hidden = quiet or not sys.stderr.isatty()
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=hidden) as bar:
        task = bar.add_task(what, total=total)

        def show(done: int, remark: str) -> None:
            bar.update(task, completed=done, description=f"{what} {remark}".rstrip())

        yield show


@contextmanager
def watching(folder: Path, jobs: int, quiet: bool = False) -> Iterator[Callable[[Snapshot], None]]:
    """Give a function that shows snapshots: a live table on a terminal, lines elsewhere, the log alone if quiet."""
    if quiet:
        yield _Quiet(folder, jobs).show
        return
    if not sys.stdout.isatty():
        yield _Lines(folder, jobs).show
        return
    from rich.live import Live

    with Live(refresh_per_second=4) as live:
        yield _Table(folder, jobs, live).show


class _Watch:
    def __init__(self, folder: Path, jobs: int) -> None:
        self.log, self.jobs, self.started, self.seen = folder / "run.log", jobs, time.monotonic(), dict[str, str]()

    def changes(self, snapshot: Snapshot) -> list[str]:
        """Log and return lines on jobs that ended since the last look."""
        ended = {p: s for p, s in snapshot.states.items() if s not in ("waiting", "submitted")}
        new = {p: s for p, s in ended.items() if self.seen.get(p) != s}
        self.seen |= new
        lines = [f"{s:12s} {p}{_seconds(s, snapshot.seconds.get(p))}" for p, s in new.items()]
        if lines:
            with self.log.open("a", encoding="utf-8") as log:
                log.writelines(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {line}\n" for line in lines)
        return lines

    def headline(self, snapshot: Snapshot) -> str:
        """Jobs done, time used, time left."""
        done = sum(s not in ("waiting", "submitted") for s in snapshot.states.values())
        left = _time_left(snapshot, self.jobs)
        used = time.monotonic() - self.started
        return f"{done}/{len(snapshot.states)} jobs, {clock(used)} used, about {clock(left) if left else '?'} left"


class _Quiet(_Watch):
    def show(self, snapshot: Snapshot) -> None:
        self.changes(snapshot)


class _Lines(_Watch):
    _last = 0.0

    def show(self, snapshot: Snapshot) -> None:
        for line in self.changes(snapshot):
            print(line, flush=True)
        if (snapshot.running or snapshot.queue) and time.monotonic() - self._last > QUIET_SECONDS:
            self._last = time.monotonic()
            print(f"-- {self.headline(snapshot)}; " + "; ".join(_running_lines(snapshot)), flush=True)


class _Table(_Watch):
    def __init__(self, folder: Path, jobs: int, live: Live) -> None:
        super().__init__(folder, jobs)
        self.live = live

    def show(self, snapshot: Snapshot) -> None:
        from rich.text import Text

        for line in self.changes(snapshot):
            self.live.console.print(line, highlight=False, markup=False)
        self.live.update(Text("\n".join([self.headline(snapshot), *_running_lines(snapshot)])))


def _running_lines(snapshot: Snapshot) -> list[str]:
    lines = []
    for path, p in snapshot.running.items():
        if p is None:
            lines.append(f"{path}: starting")
        else:
            step = f"step {p.ionic_step}.{p.scf_step}"
            numbers = f"E = {p.energy:.4f} eV, dE = {p.energy_change:+.1e}, M = {known_moment(p.moment)} muB"
            lines.append(f"{path}: {step}, {numbers}")
    return [*lines, f"waiting: {snapshot.queue}"] if snapshot.queue else lines


def _time_left(snapshot: Snapshot, jobs: int) -> float | None:
    # Short host runs say nothing about the pairs.
    ended = [s for path, s in snapshot.seconds.items() if path.startswith(("pairs/", "junction/"))]
    waiting = sum(s in ("waiting", "submitted") for s in snapshot.states.values())
    return waiting * sum(ended) / len(ended) / min(jobs, max(waiting, 1)) if ended else None


def clock(seconds: float) -> str:
    """Seconds as a reader likes them."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def _seconds(state: str, value: float | None) -> str:
    if value is None:
        return " (had been done)" if state == "done" else ""
    return f" in {clock(value)}"
