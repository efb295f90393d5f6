"""Tables of a page: a caption, columns, and rows of texts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

MINUS = "\N{MINUS SIGN}"
NONE = "\N{EN DASH}"  # a cell without a value
ALARMS = ("FAILED", "failed", "unconverged", "lost", "stale", "OPPOSITE ORDER", "NOT converged")
SHORT = 26  # letters of a cell that is not broken over lines
DELTA = f"E(AF) {MINUS} E(FM)"


@dataclass(frozen=True)
class Grid:
    """A table; the first cell of every row is its heading. `numeric` columns are set flush right."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: frozenset[int] = frozenset()

    def look(self, column: int, cell: str) -> str:
        """Class of a cell in the style sheet."""
        if column in self.numeric:
            return "number"
        if cell in ALARMS:
            return "bad"
        if self.columns[column].endswith("(SHA-256)"):
            return "hash"
        return "short" if len(cell) < SHORT else "words"


def grid(caption: str, columns: str, rows: Iterable[tuple[str, ...]], numeric: Iterable[int] = ()) -> Grid:
    """Table with columns named in one text, split at ``|``."""
    names = tuple(name.strip() for name in columns.split("|"))
    return Grid(caption, names, tuple(rows), frozenset(numeric))


def signed(value: float | None, digits: int) -> str:
    """A number with its sign and a true minus, without a negative zero; a dash where there is none."""
    if value is None:
        return NONE
    return f"{round(value, digits) + 0.0:+.{digits}f}".replace("-", MINUS)


def plain(value: float | None, digits: int) -> str:
    """The same without a plus."""
    return signed(value, digits).removeprefix("+")
