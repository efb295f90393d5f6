"""What stands in an OUTCAR before the first SCF step: version, settings, atoms."""

from __future__ import annotations

import re
from dataclasses import dataclass

from defectflow.errors import ParseError
from defectflow.formats.elements import symbol
from defectflow.formats.numbers import finite

_TAG = re.compile(rb"\b([A-Z][A-Z0-9_]+) *= *([-+.\w]+)")
_ECHO = re.compile(rb"^ +([A-Z][A-Z0-9_]+) = *([^\n!#;]*)", re.MULTILINE)


@dataclass(frozen=True)
class OutcarHeader:
    """Version, atoms and settings of a run; see `defectflow.formats.outcar.Outcar` for the fields."""

    version: str
    species: tuple[str, ...]
    titles: tuple[str, ...]
    tags: dict[str, str]
    k_points: tuple[tuple[float, ...], ...]


def read_outcar_header(head: bytes) -> OutcarHeader:
    """Read the part of an OUTCAR before its first "-- Iteration".

    Raises
    ------
    ParseError
        If it lacks what every VASP writes there, or is damaged.
    """
    species, titles = _atoms(head)
    tags = _tags(head)
    return OutcarHeader(_version(head), species, titles, tags, _k_points(head, int(tags["NKPTS"])))


def required(found: re.Match[bytes] | None, what: str) -> bytes:
    """First group of a match that every OUTCAR has."""
    if found is None:
        raise ParseError(f"does not say {what}")
    return found.group(1)


def _tags(head: bytes) -> dict[str, str]:
    # VASP 6 echoes the INCAR first; what it used follows under this title.
    tags: dict[str, str] = {}
    for name, value in _TAG.findall(head, max(head.find(b"Dimension of arrays"), 0)):
        tags.setdefault(name.decode(), value.decode())
    echo = _echo(head)
    if "METAGGA" in echo:  # what is used stands beside a truth value of the same name, of another thing
        tags["METAGGA"] = echo["METAGGA"]
    tags = {**echo, **tags, **_more_tags(head)}
    for name in ("NIONS", "NKPTS", "NBANDS", "ISPIN", "NELM"):
        if not re.fullmatch(r"\d{1,9}", tags.get(name, "")):
            raise ParseError(f"does not say {name}, or says no number")
    for name in ("EDIFF", "NUPDOWN"):
        finite(tags.setdefault(name, "-1" if name == "NUPDOWN" else "").encode())
    return tags


def _echo(head: bytes) -> dict[str, str]:
    """The INCAR that VASP 6 writes down first: METAGGA, IVDW and ALGO may stand nowhere else."""
    start = head.find(b" INCAR:")
    end = head.find(b" POTCAR:", start)
    found = _ECHO.findall(head, start, end) if 0 <= start < end else []
    return {name.decode(): " ".join(value.decode("latin-1").split()) for name, value in found}


def _more_tags(head: bytes) -> dict[str, str]:
    """Lists, numbers of the POTCARs, the mesh and the processes, which do not stand as NAME = VALUE."""
    tags: dict[str, str] = {}
    for name in (b"LDAUL", b"LDAUU", b"LDAUJ"):
        if rows := re.findall(name + rb" *=([ \d.+-]*)", head):  # the first may be the echo of the INCAR
            tags[name.decode()] = " ".join(rows[-1].decode().split())
    for name in (b"ENMAX", b"EATOM"):  # of every POTCAR entry: releases differ under one TITEL
        found = re.findall(name + rb" *= *(-?[\d.]+)(?:;| eV)", head[: max(head.find(b"Dimension of arrays"), 0)])
        tags[f"POTCAR.{name.decode()}"] = " ".join(w.decode() for w in found)
    if (mesh := re.search(rb"generate k-points for: *([\d ]+)", head)) is not None:
        tags["KDIVISIONS"] = " ".join(mesh.group(1).decode().split())
    if (ranks := re.search(rb"running (?:on)? *(\d{1,9}) +(?:total cores|mpi-ranks|nodes)", head)) is not None:
        tags["RANKS"] = ranks.group(1).decode()
    return tags


def _k_points(head: bytes, wanted: int) -> tuple[tuple[float, ...], ...]:
    """Fractional coordinates and weight of every k-point; none where none were written."""
    at = head.find(b"k-points in reciprocal lattice and weights")
    if at < 0:
        return ()
    start = head.find(b"\n", at) + 1
    rows = [line.split() for line in head[start : start + 80 * wanted].split(b"\n")[:wanted]]
    if len(rows) != wanted or any(len(row) != 4 for row in rows):
        raise ParseError("the list of its k-points is cut off or damaged")
    return tuple(tuple(finite(word) for word in row) for row in rows)


def _version(head: bytes) -> str:
    found = re.search(rb"vasp\.(\d+\.\d+(?:\.\d+)?)", head)
    return required(found, "the version of VASP").decode()


def _atoms(head: bytes) -> tuple[tuple[str, ...], tuple[str, ...]]:
    titles = [t.split() for t in re.findall(rb"TITEL *= *([^\n]+)", head)]
    counts = required(re.search(rb"ions per type = *([\d ]+)", head), "ions per type").split()
    if len(titles) != len(counts) or any(len(t) < 2 for t in titles):
        raise ParseError(f"{len(titles)} POTCAR titles for {len(counts)} types of ions")
    if any(len(n) > 7 for n in counts):
        raise ParseError("over a million ions; the line of their numbers is damaged")
    symbols = [symbol(t[1]) for t in titles]
    species = tuple(s for s, n in zip(symbols, counts, strict=True) for _ in range(int(n)))
    return species, tuple(" ".join(w.decode("latin-1") for w in t) for t in titles)
