"""OSZICAR: one line for each SCF step and one for each ionic step."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from defectflow.errors import ParseError
from defectflow.formats.numbers import finite, fortran
from defectflow.formats.stream import naming, read_bytes

if TYPE_CHECKING:
    from pathlib import Path

_SCF = re.compile(rb"^ *[A-Z]{2,4} *: *(\d{1,9}) +(\S+) +(\S+)", re.MULTILINE)
# A step of molecular dynamics has temperature and total energy in front.
_IONIC = re.compile(rb"^ *\d+ +(?:T= *\S+ +E= *\S+ +)?F= *(\S+?) *E0= *(\S+)(.*)$", re.MULTILINE)
_MOMENT = re.compile(rb"mag= *([^\n]+)")


@dataclass(frozen=True)
class Oszicar:
    """Ionic steps of a run, and its last SCF step.

    Attributes
    ----------
    free_energies, e0 : tuple of float
        F and E0 of every finished ionic step (eV per cell).
    moments : tuple of tuple of float
        Total moment of every finished ionic step (muB), one number or x, y, z; empty without spin.
    scf_steps : int
        SCF steps of all ionic steps together.
    scf_step : int
        Number of the last SCF step in its ionic step, 0 if there is none.
    scf_energy, scf_change : float
        Its energy and the change to the step before (eV per cell).
    """

    free_energies: tuple[float, ...]
    e0: tuple[float, ...]
    moments: tuple[tuple[float, ...], ...]
    scf_steps: int
    scf_step: int
    scf_energy: float
    scf_change: float


def read_oszicar(path: Path) -> Oszicar:
    """Read an OSZICAR, also one that is still growing: a last line without its end is passed over.

    Raises
    ------
    ParseError
        If a line holds something that is no number.
    """
    text = read_bytes(path).rpartition(b"\n")[0]
    with naming(path):
        return _oszicar(text)


Step = tuple[int, int, float, float, float | None]


def read_steps(path: Path) -> list[Step]:
    """Ionic and SCF step, energy and its change (eV per cell), last known total moment (muB; None where none is yet).

    The moment stands in the line that ends an ionic step; one that goes on has that of the step before. SCF lines
    without numbers, as a diverging start leaves them, are passed over.

    Raises
    ------
    ParseError
        If the file cannot be read, or the moment of an ionic step is no number.
    """
    blocks = _IONIC.split(read_bytes(path).rpartition(b"\n")[0])  # text, then three groups for each ionic line
    steps: list[Step] = []
    moment = None
    with naming(path):
        for ionic, at in enumerate(range(0, len(blocks), 4), start=1):
            if at + 3 < len(blocks) and (mark := _MOMENT.search(blocks[at + 3])):
                moment = finite(mark.group(1).split()[-1])
            for n, *numbers in _SCF.findall(blocks[at]):
                with contextlib.suppress(ParseError):
                    energy, change = map(fortran, numbers)
                    steps.append((ionic, int(n), energy, change, moment))
    return steps


def _oszicar(text: bytes) -> Oszicar:
    ionic, scf = _IONIC.findall(text), _SCF.findall(text)
    if len(ionic) != text.count(b"E0="):
        raise ParseError("the line of an ionic step is damaged")
    marks = [m for line in ionic if (m := _MOMENT.search(line[2]))]
    number, energy, change = scf[-1] if scf else (b"0", b"0", b"0")
    return Oszicar(
        free_energies=tuple(finite(line[0]) for line in ionic),
        e0=tuple(finite(line[1]) for line in ionic),
        moments=tuple(tuple(finite(word) for word in m.group(1).split()) for m in marks),
        scf_steps=len(scf),
        scf_step=int(number),
        scf_energy=fortran(energy),
        scf_change=fortran(change),
    )
