"""PAW sets: which flavour of which element, from which library; their text goes to VASP and nowhere else."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import yaml

from defectflow.errors import EngineError, InputError, ParseError
from defectflow.formats.stream import find_file, read_bytes
from defectflow.resources import resource
from defectflow.schema import Settings
from defectflow.schema.jsonio import write_atomic

# Folders of one release each, newest first, by the names that VASP, pymatgen and users give them.
FOLDERS = (
    "POT_GGA_PAW_PBE_64", "POT_GGA_PAW_PBE_54", "POT_GGA_PAW_PBE_52", "POT_GGA_PAW_PBE",
    "potpaw_PBE.64", "potpaw_PBE.54", "potpaw_PBE.52", "potpaw_PBE", "POT_PAW_PBE_64", "POT_PAW_PBE_54", ".",
)  # fmt: skip
_TITEL = re.compile(rb"TITEL\s*=\s*([^\n;]+)")
_ZVAL = re.compile(rb"ZVAL\s*=\s*([\d.]+)")
_ENMAX = re.compile(rb"ENMAX\s*=\s*([\d.]+)")
SETUP = (
    "set it up: pmg config -p /path/to/potpaw_PBE.54 PSP_DIR && pmg config --add PMG_VASP_PSP_DIR PSP_DIR"
    " (or export PMG_VASP_PSP_DIR=/path with a folder POT_GGA_PAW_PBE_54 in it)"
)


@dataclass(frozen=True)
class Potential:
    """One PAW set, without its text.

    Attributes
    ----------
    flavour : str
        "Mg_pv".
    titel : str
        "PAW_PBE Mg_pv 13Apr2007".
    zval : float
        Valence electrons.
    enmax : float
        Cutoff that it was made for (eV).
    sha256 : str
        Of the file's text; empty where no library is set up.
    """

    flavour: str
    titel: str
    zval: float
    enmax: float
    sha256: str


def flavours(settings: Settings, species: Iterable[str]) -> dict[str, str]:
    """Flavour of every element in the order given: the recipe's choice, else the element's own name."""
    chosen = settings.potentials.get("vasp", {})
    return {element: chosen.get(element, element) for element in dict.fromkeys(species)}


def listed(element: str, flavour: str) -> Potential:
    """The set as templates/vasp/potentials.yaml has it.

    Raises
    ------
    InputError
        If it is not there.
    """
    found = _table().get(element, {})
    if flavour not in found:
        known = ", ".join(found) or f"none for {element}"
        todo = f"known without a POTCAR library: {known}; or {SETUP}"
        raise InputError(
            f"the valence of {flavour} is not known", where=f"settings.potentials.vasp.{element}", todo=todo
        )
    row = found[flavour]
    return Potential(flavour, row["titel"], float(row["zval"]), float(row["enmax"]), "")


@cache
def _table() -> dict[str, dict[str, dict[str, Any]]]:
    text = resource("templates", "vasp/potentials.yaml").read_text(encoding="utf-8")
    table: dict[str, dict[str, dict[str, Any]]] = yaml.safe_load(text)
    return table


def library() -> Path | None:
    """Folder of the POTCAR library: ``PMG_VASP_PSP_DIR`` of the environment, else of pymatgen's settings."""
    place = os.environ.get("PMG_VASP_PSP_DIR")
    if place is None:
        from pymatgen.core import SETTINGS

        place = SETTINGS.get("PMG_VASP_PSP_DIR")
    return Path(place).expanduser() if place else None


def require_library() -> Path:
    """The library's folder.

    Raises
    ------
    EngineError
        If none is set up, or its folder is not there; with the command that sets it up.
    """
    place = library()
    if place is None:
        raise EngineError("no POTCAR library is set up", todo=SETUP)
    if not place.is_dir():
        raise EngineError("the POTCAR library is no folder", where=str(place), todo=SETUP)
    return place


def find_potcar(place: Path, flavour: str) -> Path:
    """File of a set in the library, whichever release holds it and however it is packed.

    Raises
    ------
    EngineError
        If no folder has it; the message lists the folders and the flavours that are there.
    """
    folders = [place / f for f in FOLDERS if (place / f).is_dir()]
    for folder in folders:
        for found in (find_file(folder / flavour, "POTCAR"), find_file(folder, f"POTCAR.{flavour}")):
            if found is not None:
                return found
    there = sorted({name for folder in folders for name in _flavours_in(folder, flavour.split("_")[0])})
    tried = ", ".join(f.name for f in folders if f != place) or "no folder of a PBE release"
    has = ", ".join(there) or "none of this element"
    todo = f"it has {has} (looked in {tried}); choose one in settings.potentials.vasp"
    raise EngineError(f"no POTCAR for {flavour}", where=str(place), todo=todo)


def try_find(place: Path, flavour: str) -> Path | None:
    """As `find_potcar`, None where it is not there."""
    try:
        return find_potcar(place, flavour)
    except EngineError:
        return None


@lru_cache(maxsize=256)
def head_of(path: Path, flavour: str, changed: int) -> Potential:
    """Head of a POTCAR; `changed` (its time stamp) makes an exchanged file be read again."""
    return read_potential(path, flavour)[0]


def known_zval(element: str, flavour: str) -> float | None:
    """Valence electrons by the package's table."""
    row = _table().get(element, {}).get(flavour)
    return None if row is None else float(row["zval"])


def _flavours_in(folder: Path, element: str) -> list[str]:
    names = [p.name.removeprefix("POTCAR.").split(".")[0] for p in folder.iterdir()]
    return [n for n in names if n == element or n.startswith(f"{element}_")]


def read_potential(path: Path, flavour: str) -> tuple[Potential, bytes]:
    """Head of a POTCAR, and its text for VASP.

    Raises
    ------
    ParseError
        If it is no PAW set of PBE, or another one than asked for.
    """
    text = read_bytes(path, 1 << 26)
    found = [pattern.search(text) for pattern in (_TITEL, _ZVAL, _ENMAX)]
    if not all(found) or b"End of Dataset" not in text[-200:]:
        raise ParseError("is no whole POTCAR (TITEL, ZVAL, ENMAX, End of Dataset)", where=str(path))
    titel, zval, enmax = (m.group(1).decode("latin-1").strip() for m in found if m)
    if not titel.startswith("PAW_PBE ") or titel.split()[1] != flavour:
        raise ParseError(f'is "{titel}", not PAW_PBE {flavour}', where=str(path))
    return Potential(flavour, titel, float(zval), float(enmax), hashlib.sha256(text).hexdigest()), text


def write_potcar(folder: Path, names: Iterable[str]) -> None:
    """Join the POTCAR from the library in the order of the POSCAR; ``potcar.json`` notes TITEL and hash of each part.

    Raises
    ------
    EngineError
        If no library is set up, or it lacks a flavour.
    """
    place = require_library()
    parts = [read_potential(find_potcar(place, name), name) for name in names]
    known = {p.flavour.split("_")[0]: f"{p.flavour} sha256:{p.sha256}" for p, _ in parts}
    write_atomic(folder / "potcar.json", json.dumps(known, indent=1).encode())
    write_atomic(folder / "POTCAR", b"".join(text for _, text in parts))


def check_cutoff(cutoff: float, potentials: Iterable[Potential]) -> None:
    """Refuse a cutoff (eV) below the largest ENMAX.

    Raises
    ------
    InputError
    """
    hardest = max(potentials, key=lambda p: p.enmax)
    if cutoff < hardest.enmax:
        what = f"ENCUT = {cutoff:g} eV is below ENMAX = {hardest.enmax:g} eV of {hardest.flavour}"
        raise InputError(what, where="settings.cutoff", todo=f"at least {hardest.enmax:g} eV, or a softer flavour")


def spec_text(flavour_names: Iterable[str]) -> str:
    """POTCAR.spec, as pymatgen writes it: one flavour a line, in the order of the POSCAR."""
    return "".join(f"{name}\n" for name in flavour_names)
