"""The last table of site moments of an OUTCAR, from its end, with hardly anything imported."""

from __future__ import annotations

from defectflow.errors import ParseError
from defectflow.formats.numbers import finite
from defectflow.formats.stream import naming, open_stream, read_bytes

TYPE_CHECKING = False  # typing itself takes longer to import than a table of moments to read
if TYPE_CHECKING:
    from mmap import mmap
    from pathlib import Path

    Text = mmap | bytes


def read_site_moments(path: Path) -> tuple[tuple[float, ...], ...]:
    """Moments of the last table (muB), atom by atom: one number, or x, y, z. Works on a running job.

    Returns
    -------
    tuple
        Empty if there is no table (LORBIT < 10, or no spin).

    Raises
    ------
    ParseError
        If the table is cut off or damaged.
    """
    with naming(path):
        return last_moments(mapped(path))


def mapped(path: Path) -> Text:
    """Content of a file: mapped where it is plain, so that only what is looked at is read; else unpacked."""
    with open_stream(path) as file:
        plain = file.__class__.__name__ == "BufferedReader"
        if not plain or b"\r\n" in file.read(4096):  # from a system whose lines end in two characters
            return read_bytes(path).replace(b"\r\n", b"\n")
        from mmap import ACCESS_READ, mmap

        try:
            return mmap(file.fileno(), 0, access=ACCESS_READ)
        except ValueError:
            raise ParseError("is empty", where=str(path)) from None


def last_moments(text: Text) -> tuple[tuple[float, ...], ...]:
    """Moments of the last tables in the text of an OUTCAR."""
    at = text.rfind(b" magnetization (x)")
    if at < 0:
        return ()
    axes = [_table(text, at)]
    for axis in (b" magnetization (y)", b" magnetization (z)"):
        if (after := text.find(axis, at)) >= 0:
            axes.append(_table(text, after))
    if len({len(axis) for axis in axes}) != 1:
        raise ParseError("the tables of moments have different lengths; the file is damaged")
    return tuple(zip(*axes, strict=True))


def _table(text: Text, at: int) -> list[float]:
    """Last column of a table of ions, which ends with a line of dashes or, for one ion, with an empty one."""
    rows: list[float] = []
    start = text.find(b"-----", at)
    start = text.find(b"\n", start) + 1
    while start > 0:
        end = text.find(b"\n", start)
        words = bytes(text[start : max(end, start)]).split()
        if not words or words[0].startswith(b"---"):
            return rows
        if words[0] != b"%d" % (len(rows) + 1) or len(words) < 4:
            raise ParseError(f"row {len(rows) + 1} of the table of moments is damaged")
        rows.append(finite(words[-1]))
        start = end + 1
    raise ParseError("the table of moments is cut off")
