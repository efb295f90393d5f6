"""Files as streams of bytes, whatever packed them, and a scanner that keeps only a window of one in memory."""

from __future__ import annotations

from defectflow.errors import ParseError

TYPE_CHECKING = False  # typing itself takes longer to import than a table of moments to read
if TYPE_CHECKING:
    import re
    from collections.abc import Callable
    from pathlib import Path
    from typing import IO

    Find = Callable[[bytes, int], tuple[int, int] | None]

CHUNK = 1 << 18
LIMIT = 1 << 29  # bytes; no text that is read whole, and no block of one, is larger in earnest
_PACKED = {b"\x1f\x8b": "gzip", b"BZh": "bz2", b"\xfd7zXZ\x00": "lzma", b"]\x00\x00": "lzma"}
SUFFIXES = ("", ".gz", ".bz2", ".xz", ".lzma")


class naming:  # noqa: N801  (read as a function: with naming(path))
    """Gives every ParseError raised inside the name of the file, where it has none."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, ParseError) and not error.where:
            raise ParseError(error.what, where=str(self.path), todo=error.todo) from None


class open_stream:  # noqa: N801  (read as a function: with open_stream(path) as file)
    """Open a file that may be packed by gzip, bzip2 or xz, told by its first bytes and not by its name.

    Raises
    ------
    ParseError
        If it cannot be read, or its packing is cut off or damaged; also while the caller reads from it. Errors
        of the caller that name no file get the name of this one.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: IO[bytes] | None = None

    def __enter__(self) -> IO[bytes]:
        try:
            self._file = open(self.path, "rb")
            head = self._file.read(6)
            packing = next((name for magic, name in _PACKED.items() if head.startswith(magic)), None)
            if packing is None:
                self._file.seek(0)
            else:
                self._file.close()
                self._file = __import__(packing).open(self.path, "rb")
        except OSError as error:
            raise self._error(error) from None
        assert self._file is not None
        return self._file

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if self._file is not None:
            self._file.close()
        if isinstance(error, EOFError | OSError) or type(error).__module__ in ("zlib", "_lzma"):
            raise self._error(error) from None
        naming(self.path).__exit__(kind, error, trace)

    def _error(self, error: BaseException | None) -> ParseError:
        why = getattr(error, "strerror", None) or error
        return ParseError(f"cannot be read ({why})", where=str(self.path))


def read_bytes(path: Path, limit: int = LIMIT) -> bytes:
    """Whole content, unpacked; a ParseError if it is over `limit` bytes."""
    with open_stream(path) as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise ParseError(f"holds more than {limit >> 20} MB of text", where=str(path))
    return data


def find_file(folder: Path, name: str) -> Path | None:
    """File `name` in `folder`, plain or packed, None if there is none; the plain one is preferred."""
    return next((p for suffix in SUFFIXES if (p := folder / f"{name}{suffix}").is_file()), None)


class Scanner:
    """Moves forward through a stream; what lies behind is forgotten.

    Parameters
    ----------
    where : str
        Name of the file for messages.
    """

    def __init__(self, stream: IO[bytes], where: str) -> None:
        self.where = where
        self._stream, self._window, self._at = stream, b"", 0

    def until(self, token: bytes, limit: int = LIMIT, expected: int = 0) -> bytes:
        """Bytes before the next `token`, which is passed over.

        Where the token stands behind `expected` bytes, these are taken without a search: the caller, who knows the
        length of a block, must then make sure that there is no token in it.

        Raises
        ------
        ParseError
            If the file ends before it, or more than `limit` bytes lie before it.
        """
        if expected and self._holds(expected + len(token)) and self._window.startswith(token, self._at + expected):
            self._at += expected + len(token)
            return self._window[self._at - expected - len(token) : self._at - len(token)]

        def find(window: bytes, at: int) -> tuple[int, int] | None:
            found = window.find(token, at)
            return None if found < 0 else (found, found + len(token))

        return self._take(find, token, limit)[0]

    def end(self) -> None:
        """Make sure that nothing but blanks follows.

        Raises
        ------
        ParseError
            If anything else does.
        """
        if (self._window[self._at :] + self._stream.read(CHUNK)).strip():
            todo = "two runs wrote into one file; keep that of each"
            raise ParseError("goes on behind its end", where=self.where, todo=todo)

    def _holds(self, size: int) -> bool:
        """Whether the window holds that many bytes from here on; reads more if not."""
        while len(self._window) - self._at < size:
            chunk = self._stream.read(CHUNK)
            if not chunk:
                return False
            self._window, self._at = self._window[self._at :] + chunk, 0
        return True

    def match(self, pattern: re.Pattern[bytes], limit: int = LIMIT) -> tuple[bytes, bytes]:
        """Bytes before the next match of `pattern` (of at most 64 bytes), and the match, which is passed over."""

        def find(window: bytes, at: int) -> tuple[int, int] | None:
            found = pattern.search(window, at)
            return None if found is None else found.span()

        return self._take(find, b"</modeling>".ljust(64), limit)

    def _take(self, find: Find, token: bytes, limit: int) -> tuple[bytes, bytes]:
        parts: list[bytes] = []
        while (found := find(self._window, self._at)) is None:
            # What is searched for may lie across two chunks: its length is kept, the rest put aside once.
            keep = max(self._at, len(self._window) - len(token) + 1)
            parts.append(self._window[self._at : keep])
            self._at = keep
            if len(parts) * CHUNK > limit + CHUNK:
                raise ParseError(f'has no "{token.decode().strip()}" within {limit >> 20} MB', where=self.where)
            self._read(token)
        parts.append(self._window[self._at : found[0]])
        self._at = found[1]
        return b"".join(parts), self._window[found[0] : found[1]]

    def skip(self, token: bytes) -> None:
        """Move behind the next `token` without keeping what lies before it."""
        while (found := self._window.find(token, self._at)) < 0:
            self._at = max(self._at, len(self._window) - len(token) + 1)
            self._read(token)
        self._at = found + len(token)

    def _read(self, token: bytes) -> None:
        chunk = self._stream.read(CHUNK)
        if not chunk:
            what = f'is cut off: it ends before "{token.decode().strip() or "the end of a line"}"'
            raise ParseError(what, where=self.where, todo="the run was stopped or is still going on")
        self._window, self._at = self._window[self._at :] + chunk, 0
