"""What custodian changed, told by comparing the inputs before and after, and whether it changes the energy."""

from __future__ import annotations

import re
from pathlib import Path

from defectflow.errors import ParseError
from defectflow.formats.stream import read_bytes
from defectflow.schema import Correction
from defectflow.schema.keywords import expanded, is_neutral, same_values


def compare_inputs(before: dict[str, str], folder: Path) -> tuple[Correction, ...]:
    """Corrections of a run whose INCAR and KPOINTS were `before` and now lie in `folder`."""
    old, new = incar_dict(before["INCAR"]), incar_dict(read_bytes(folder / "INCAR").decode("latin-1"))
    tags = [t for t in sorted({*old, *new} - {"SYSTEM"}) if not _same(old.get(t), new.get(t))]
    found = [Correction(t, old.get(t, ""), new.get(t, ""), not is_neutral(t)) for t in tags]
    meshes = (kpoints_line(before["KPOINTS"]), kpoints_line(read_bytes(folder / "KPOINTS").decode("latin-1")))
    if meshes[0] != meshes[1]:
        found.append(Correction("KPOINTS", *meshes, changes_energy=True))
    return tuple(found)


def incar_dict(text: str) -> dict[str, str]:
    """Tags of an INCAR as texts, comments left out, ``n*value`` written out."""
    tags: dict[str, str] = {}
    for line in text.replace(";", "\n").splitlines():
        name, sign, value = line.split("#")[0].split("!")[0].partition("=")
        if sign and name.strip():
            tags[name.strip().upper()] = expanded(value)
    return tags


def _same(a: str | None, b: str | None) -> bool:
    if a is None or b is None:
        return a == b
    return same_values(a, b)


def kpoints_line(text: str) -> str:
    """Mesh of a KPOINTS file as ``6x6x6 gamma``.

    Raises
    ------
    ParseError
        If it holds no regular mesh.
    """
    lines = text.splitlines()
    mesh = lines[3].split()[:3] if len(lines) > 3 else []
    if lines[1:2] and lines[1].split()[:1] != ["0"]:
        mesh = []
    if len(mesh) != 3 or not all(re.fullmatch(r"[1-9]\d{0,2}", n) for n in mesh):
        raise ParseError("holds no regular mesh", where="KPOINTS")
    centring = "gamma" if lines[2].strip()[:1].upper() == "G" else "shifted"
    return f"{'x'.join(mesh)} {centring}"
