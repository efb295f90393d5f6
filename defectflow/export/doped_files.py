"""Point defects of a screening as JSON that ``doped.core.DefectEntry.from_json`` reads.

Written without doped and read back with doped 3.2.1. Vacancies, substitutions and interstitials, one in a cell: doped
has no class for several sites at once.
"""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from defectflow.export.certified import facts
from defectflow.export.entries import entry_of
from defectflow.export.round_defects import SPLIT, RoundDefect, RoundDefects
from defectflow.schema.defects import INTERSTITIAL, VACANCY, VANADIUM, defect_words
from defectflow.schema.jsonio import make_folder, write_atomic

if TYPE_CHECKING:
    from pymatgen.core import PeriodicSite, Structure

SEVERAL = "doped has no class for a defect of several sites or one that shares a site"
CORRECTION = "kumagai_charge_correction"  # doped's own name for the extended FNV scheme


def write_doped(found: RoundDefects, folder: Path) -> tuple[list[Path], dict[str, str]]:
    """One ``<name>_<charge>.json`` each, and what could not be written with the reason, by path."""
    files, left_out, sites = [], dict(found.left_out), dict[str, list[str]]()
    for defect in found.defects:
        if (words := _single(defect)) is None:
            left_out[defect.it.path] = SEVERAL
            continue
        if defect.it.charge and (defect.correction is None or found.vbm is None):
            left_out[defect.it.path] = (
                "its correction or the VBM is not known: the recipe has no [charged] or no [bulk]"
            )
            continue
        name = _named(words, defect, sites)
        with warnings.catch_warnings():
            # pymatgen wants oxidation states that add up to a charge; ours is that of the cell.
            warnings.filterwarnings("ignore", message="Structure charge", category=UserWarning)
            text = json.dumps(_document(defect, found, words, name), indent=1, default=_plain)
        make_folder(folder)
        files.append(folder / f"{name}.json")
        write_atomic(files[-1], text.encode())
    return files, left_out


def _single(defect: RoundDefect) -> tuple[str, str] | None:
    """("v", "O"), ("C", "O") or ("O", "i") in doped's words; None for what it has no class for."""
    (name, n), *others = defect.configuration.composition.items()
    if others or n != 1 or name.endswith(SPLIT):
        return None
    inside, site = defect_words(name)
    return {VACANCY: "v", VANADIUM: "V"}.get(inside, inside), site


def _named(words: tuple[str, str], defect: RoundDefect, sites: dict[str, list[str]]) -> str:
    """``v_O_+2``; a second site of a kind is ``v_O_2_+2``, in all its charges."""
    kind = "_".join(words)
    labels = sites.setdefault(kind, [])
    if defect.configuration.label not in labels:
        labels.append(defect.configuration.label)
    number = labels.index(defect.configuration.label) + 1
    charge = f"{defect.it.charge:+d}" if defect.it.charge else "0"
    return "_".join([kind, *([str(number)] if number > 1 else []), charge])


def _document(defect: RoundDefect, found: RoundDefects, words: tuple[str, str], name: str) -> dict[str, Any]:
    bulk = found.pristine.result.cell.with_moments(np.zeros(len(found.pristine.result.cell))).to_pymatgen()
    correction = defect.correction
    return {
        "@module": "doped.core",
        "@class": "DefectEntry",
        "defect": _defect(bulk, defect, words),
        "charge_state": defect.it.charge,
        "sc_entry": entry_of(defect.it).as_dict(),
        "bulk_entry": entry_of(found.pristine).as_dict(),
        "sc_defect_frac_coords": defect.middle.tolist(),
        "corrections": {CORRECTION: correction.total} if correction else {},
        "corrections_metadata": {CORRECTION: _about(correction)} if correction else {},
        "calculation_metadata": {
            "defectflow": facts(defect.it),
            **({"vbm": found.vbm.energy, "gap": found.gap} if found.vbm else {}),
            **({"dielectric": found.dielectric.tolist()} if found.dielectric is not None else {}),
        },
        "name": name,
    }


def _about(correction: Any) -> dict[str, float]:
    return {
        "point_charge": correction.point_charge,
        "potential_alignment": correction.alignment,
        "scatter": correction.scatter,
    }


def _defect(bulk: Structure, defect: RoundDefect, words: tuple[str, str]) -> dict[str, Any]:
    kind = "Vacancy" if words[0] == "v" else "Interstitial" if words[1] == INTERSTITIAL else "Substitution"
    site = _site(bulk, defect, words)
    return {
        "@module": "doped.core",
        "@class": kind,
        "structure": bulk.as_dict(),
        "site": site.as_dict(),
        "oxi_state": "Undetermined",
    }


def _site(bulk: Structure, defect: RoundDefect, words: tuple[str, str]) -> PeriodicSite:
    """For a vacancy the atom that is gone, else the atom that came."""
    from pymatgen.core import PeriodicSite

    return PeriodicSite(words[1] if words[0] == "v" else words[0], defect.middle % 1.0, bulk.lattice)


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value.as_dict()
