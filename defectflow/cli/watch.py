"""``defectflow watch``: a live picture of a running study, from any machine that sees its folder."""

from __future__ import annotations

import os
import select
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from defectflow.cli.shared import RunFolder, console

if TYPE_CHECKING:
    from rich.text import Text

    from defectflow.cli.picture import Line, Size, View
    from defectflow.run.overview import Queue

Show = Callable[["View"], None]
ASK_SCHEDULER = 30.0  # s between two questions to a scheduler, which others use too
GRAIN = 0.2  # s after which a signal or a key is seen
COLUMNS = 100  # where there is no terminal and the environment does not say
_PAPER = 60  # lines of a picture that is printed once
_NOBODY: Queue = ((), "")


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command()(watch)


def watch(
    folder: RunFolder,
    every: Annotated[float, typer.Option("--every", min=0.2, max=3600, help="Seconds between two looks.")] = 2.0,
    once: Annotated[bool, typer.Option("--once", help="Print one picture and end.")] = False,
) -> None:
    """Watch a study run: states, SCF steps, time left, last corrections and failures. It changes nothing there.

    It ends by itself when every job has ended and nobody runs the study, with the exit status of `status`; q ends it
    with 0, Ctrl-C with 130. The bars behind a running job are log10 of its energy changes, a full one for the largest.
    """
    from defectflow.cli.progress import stop_on_signal
    from defectflow.cli.status import exit_status

    watcher = _Watcher(folder)
    if once:
        view = watcher.look(last=True)
        _print_picture(view)
        raise typer.Exit(exit_status(view.seen))
    with stop_on_signal() as stopped, _screen() as show, _keys() as pressed:
        key = _follow(watcher, show, every, lambda: "stop" if stopped() else pressed())
        if not key:
            show(view := watcher.look(last=True))
    raise typer.Exit({"stop": 130, "q": 0}[key] if key else exit_status(view.seen))


def _follow(watcher: _Watcher, show: Show, every: float, asked: Callable[[], str]) -> str:
    """Show until the study has ended (empty answer), or somebody asks to end ("stop", "q")."""
    while True:
        view = watcher.look()
        show(view)
        if view.ended:
            return ""
        seen = time.monotonic()
        while time.monotonic() - seen < every:
            if key := asked():
                return key


class _Watcher:
    """Looks at a run folder, with what need not be made anew at every look."""

    def __init__(self, folder: Path) -> None:
        from defectflow.engines import get_engine
        from defectflow.run import open_study

        self.study = open_study(folder)
        self.engine = get_engine(self.study.engine_name)
        self.asked, self.queue = -inf, _NOBODY
        self._remember()

    def look(self, last: bool = False) -> View:
        """The study now; at the last look also whether the results are those of today's inputs, as `status` does."""
        from defectflow.cli.picture import View, notes_of
        from defectflow.run.overview import overview, queue_of, seconds_left

        self._follow_rounds()
        if time.monotonic() - self.asked >= ASK_SCHEDULER:
            self.asked, self.queue = time.monotonic(), queue_of(self.study.folder)
        seen = overview(self.study, self.engine, None if last else False, only_look=True, queue=self.queue)
        title = f"{self.study.recipe.name} ({self.study.engine_name}) in {self.study.folder}"
        return View(title, seen, seconds_left(seen), notes_of(seen.rows, self.study.folder), time.time())

    def _remember(self) -> None:
        from defectflow.run import ScreenStudy

        self.rounds = self.study.promotions if isinstance(self.study, ScreenStudy) else ()

    def _follow_rounds(self) -> None:
        """Open a screening again after a decision: it has new jobs then."""
        from defectflow.run import ScreenStudy

        if isinstance(self.study, ScreenStudy) and self.study.promotions != self.rounds:
            self.study = ScreenStudy.open(self.study.folder)
            self._remember()


def _is_terminal() -> bool:
    if sys.stdout is None:  # closed by whoever started this
        return False
    return sys.stdout.isatty() and os.environ.get("TERM", "dumb") not in ("dumb", "unknown", "")


@contextmanager
def _screen() -> Iterator[Show]:
    """Give a function that shows a view: live on a terminal, elsewhere lines on what changed."""
    if not _is_terminal():
        yield _Lines().show
        return
    from rich.live import Live

    with Live(auto_refresh=False, vertical_overflow="crop") as live:
        yield lambda view: live.update(_styled(_picture_for(view, *live.console.size)), refresh=True)


def _picture_for(view: View, width: int, height: int) -> list[Line]:
    from defectflow.cli.picture import picture

    return picture(view, _size(width, height))


def _size(width: int, height: int) -> Size:
    from defectflow.cli.picture import ASCII_BARS, BARS, Size

    unicode = (getattr(sys.stdout, "encoding", None) or "").lower().replace("-", "").startswith("utf")
    return Size(max(20, width), max(6, height), BARS if unicode else ASCII_BARS)


def _styled(lines: list[Line]) -> Text:
    from rich.text import Text

    text = Text(no_wrap=True, overflow="crop")
    for n, (line, style) in enumerate(lines):
        text.append("\n" * (n > 0) + line, style=style or None)
    return text


def _print_picture(view: View) -> None:
    out = console()
    width = out.width if _is_terminal() else int(os.environ.get("COLUMNS", COLUMNS))
    for line, style in _picture_for(view, width, _PAPER):
        out.print(line, style=style or None)


class _Lines:
    """Prints what has changed since the last look."""

    def __init__(self) -> None:
        self.states: dict[str, str] = {}
        self.notes: set[tuple[str, str]] = set()
        self.driver: str | None = None

    def show(self, view: View) -> None:
        from defectflow.cli.picture import headline, note_text

        changed = [r for r in view.seen.rows if self.states.get(r["path"]) != r["state"]]
        first = not self.states
        new = [n for n in view.notes if (n.path, n.words) not in self.notes]
        lines = [] if first else [f"{r['state']:12s} {r['path']}" for r in changed]
        lines += [note_text(n) for n in new]
        if view.seen.driver != self.driver:
            lines.append(f"driver: {view.seen.driver or 'none'}")
        if changed:
            lines.append(headline(view))
        clock = time.strftime("%H:%M:%S", time.localtime(view.when))
        for line in [view.title] * first + lines:
            print(f"{clock} {line}", flush=True)
        self.states |= {r["path"]: r["state"] for r in changed}
        self.notes |= {(n.path, n.words) for n in new}
        self.driver = view.seen.driver


@contextmanager
def _keys() -> Iterator[Callable[[], str]]:
    """Give a function that waits a moment and tells whether q was pressed; the terminal is left as it was."""
    if not _has_keyboard():
        yield _no_key
        return
    import termios
    import tty

    before = termios.tcgetattr(sys.stdin)

    def pressed() -> str:
        if not _has_keyboard():  # it was sent to the background
            return _no_key()
        # At each look, as a shell that stopped and continued us may have reset it; what was typed before is kept.
        tty.setcbreak(sys.stdin, termios.TCSANOW)
        ready, _, _ = select.select([sys.stdin], [], [], GRAIN)
        return "q" if ready and b"q" in os.read(sys.stdin.fileno(), 64).lower() else ""

    try:
        yield pressed
    finally:
        if _has_keyboard():
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def _no_key() -> str:
    time.sleep(GRAIN)
    return ""


def _has_keyboard() -> bool:
    # A process in the background that touched the terminal would be stopped.
    try:
        return sys.stdin.isatty() and os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except (OSError, ValueError, AttributeError):
        return False
