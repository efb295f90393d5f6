"""Find templates and workflows, in a checkout or in an installed wheel."""

from __future__ import annotations

from pathlib import Path

from defectflow.errors import InputError

_PACKAGE = Path(__file__).resolve().parent
_ROOTS = (_PACKAGE / "_share", _PACKAGE.parent)


def resource(kind: str, name: str) -> Path:
    """Path of ``kind/name``, where kind is ``templates`` or ``workflows``.

    Raises
    ------
    InputError
        If there is no such file; the message lists those that exist.
    """
    for root in _ROOTS:
        path = root / kind / name
        if ".." not in Path(name).parts and path.is_file():
            return path
    known = ", ".join(listing(kind, str(Path(name).parent))) or "none"
    raise InputError(f"there is no {kind[:-1]} '{name}'", todo=f"known: {known}")


def listing(kind: str, folder: str = ".") -> list[str]:
    """Names of the files in ``kind/folder``, sorted."""
    found: set[str] = set()
    for root in _ROOTS:
        found |= {p.name for p in (root / kind / folder).glob("*") if p.is_file()}
    return sorted(found)
