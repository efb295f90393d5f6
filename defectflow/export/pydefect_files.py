"""A screening as the folders that pydefect reads: unitcell, perfect cell, defects, energies of the phases."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from defectflow.analyse.charged import as_calc_results
from defectflow.errors import AnalysisError
from defectflow.export.certified import Certified, facts, parameters
from defectflow.export.round_defects import RoundDefect, RoundDefects, names
from defectflow.schema.jsonio import make_folder, write_atomic

ABOUT = "defectflow.json"  # what pydefect has no place for: path, certificate, settings


def write_pydefect(found: RoundDefects, title: str, folder: Path) -> tuple[list[Path], dict[str, str]]:
    """Write ``unitcell/``, ``defect/perfect/``, ``defect/<name>_<charge>/`` and ``cpd/``; what could not be written.

    Raises
    ------
    AnalysisError
        If pydefect is not installed.
    """
    make_entry = _pydefect()
    perfect, called = as_calc_results(found.pristine.result), names(found.defects)
    files = _cell(folder / "defect" / "perfect", perfect, found.pristine)
    for defect in found.defects:
        name = called[defect.configuration.label]
        place = folder / "defect" / f"{name}_{defect.it.charge}"
        files += _cell(place, as_calc_results(defect.it.result), defect.it)
        entry = _entry(make_entry, defect, name, perfect.structure)
        files.append(_write(place / "defect_entry.json", json.dumps(entry, indent=1)))
    unitcell, missing = _unitcell(found, title)
    if unitcell:
        files.append(_write(folder / "unitcell" / "unitcell.yaml", _yaml(unitcell)))
    energies = {f: {"energy": e, "source": path} for f, (e, path) in found.phases.items()}
    files.append(_write(folder / "cpd" / "composition_energies.yaml", _yaml(energies)))
    return files, {**found.left_out, **missing}


def _pydefect() -> Any:
    import logging

    logging.disable(logging.WARNING)  # it prints its settings when it is imported
    try:
        from pydefect.input_maker.defect_entry import make_defect_entry
    except ImportError as missing:
        todo = "pip install 'defectflow[charged]' brings it"
        raise AnalysisError(f"its files are written by pydefect itself ({missing})", todo=todo) from None
    finally:
        logging.disable(logging.NOTSET)
    return make_defect_entry


def _entry(make_entry: Any, defect: RoundDefect, name: str, perfect: Any) -> dict[str, Any]:
    made = make_entry(name, defect.it.charge, perfect, defect.start.to_pymatgen())
    document: dict[str, Any] = json.loads(json.dumps(made.as_dict(), default=np.ndarray.tolist))
    # Of several sites pydefect would take the middle without regard to images.
    return {**document, "defect_center": defect.middle.tolist()}


def _cell(place: Path, results: Any, it: Certified) -> list[Path]:
    about = {**facts(it), "parameters": parameters(it)}
    return [
        _write(place / "calc_results.json", json.dumps(results.as_dict(), indent=1, default=np.ndarray.tolist)),
        _write(place / ABOUT, json.dumps(about, indent=1)),
    ]


def _unitcell(found: RoundDefects, title: str) -> tuple[dict[str, Any], dict[str, str]]:
    if found.vbm is None or found.electronic is None or found.ionic is None:
        why = "the recipe has no [bulk] for the VBM" if found.vbm is None else "no [charged] for the dielectric tensor"
        return {}, {"unitcell.yaml": why}
    document = {
        "system": title,
        "vbm": found.vbm.energy,
        "cbm": found.vbm.energy + found.gap,
        "ele_dielectric_const": found.electronic.tolist(),
        "ion_dielectric_const": found.ionic.tolist(),
    }
    return document, {}


def _yaml(document: dict[str, Any]) -> str:
    import yaml

    return yaml.safe_dump(document, sort_keys=False)


def _write(path: Path, text: str) -> Path:
    make_folder(path.parent)
    write_atomic(path, text.encode())
    return path
