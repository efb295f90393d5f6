"""The zero of energy of a defect cell's DOS: its own Fermi level, the host's VBM, or a junction's Fermi level."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from defectflow.analyse.alignment import Reference, above_vbm, cell_fermi, host_vbm
from defectflow.errors import AnalysisError
from defectflow.pipeline.junction import line_ups, shipped_line_up
from defectflow.run import JunctionStudy, Study
from defectflow.run.collect import trusted_result
from defectflow.schema import CalcResult, StateEntry
from defectflow.schema.host import Host
from defectflow.schema.jsonio import load_record, read_json
from defectflow.schema.lineup import LineUp
from defectflow.structures.crystal import Crystal, crystal_of
from defectflow.structures.host import host_structure

FAR = 50.0  # eV; beyond it a level is in other units


def junction_reference(study: Study, entry: StateEntry, choice: str) -> Reference:
    """Fermi level of a junction on the scale of one spin state; the model's E_F is nothing else.

    Raises
    ------
    AnalysisError
        If `choice` names another zero of energy.
    """
    if choice in ("fermi", "vbm"):
        todo = 'expected "junction", a junction\'s run folder, or a reference file (JSON)'
        raise AnalysisError("is no junction's Fermi level", where=f"--reference {choice}", todo=todo)
    return reference_for(study, entry, choice)


def reference_for(study: Study, entry: StateEntry, choice: str) -> Reference:
    """Zero of energy of one spin state.

    Parameters
    ----------
    choice : str
        "fermi" of the cell, "vbm" of the host, "junction" (the shipped line-up), the run folder of a junction,
        or a JSON file with a line-up or with a level above the host's VBM.

    Raises
    ------
    AnalysisError
        If the study has no bulk run to align to.
    ParseError
        If the file is no reference record.
    """
    result = known_result(entry)
    if choice == "fermi":
        return cell_fermi(result)
    vbm = host_vbm(result, entry.far, _bulk(study))
    return vbm if choice == "vbm" else above_host(vbm, choice, study.recipe.host)


def cell_levels(study: Study, entry: StateEntry, choice: str) -> dict[str, Any]:
    """Host VBM, the cell's own and the junction's Fermi level (eV, on the cell's scale), as a JSON row."""
    level = junction_reference(study, entry, choice)
    vbm, cell = (reference_for(study, entry, c) for c in ("vbm", "fermi"))
    return {
        "name": entry.name,
        "pair": entry.pair.orbit.label,
        "state": entry.pair.state,
        "vbm": vbm.energy,
        "vbm_uncertainty": vbm.uncertainty,
        "cell_fermi": cell.energy,
        "junction_fermi": level.energy,
        "uncertainty": level.uncertainty,
        "junction_minus_cell": level.energy - cell.energy,
        "source": level.source,
    }


def chosen_line_up(choice: str) -> LineUp:
    """Line-up that is shipped ("junction"), of a junction's run folder (its first state), or of a file.

    Raises
    ------
    DefectFlowError
        If there is none.
    """
    if choice == "junction":
        return shipped_line_up()[0]
    if Path(choice).is_dir():
        return line_ups(JunctionStudy.open(Path(choice)))[0]
    return load_record(LineUp, Path(choice))


def above_host(vbm: Reference, choice: str, host: Host) -> Reference:
    """Level that `choice` names, by its height above the host's VBM.

    Raises
    ------
    AnalysisError
        If it is that of another crystal, or the file is no reference record.
    """
    if choice != "junction" and not Path(choice).is_dir():
        document = read_json(Path(choice))
        if document.get("record") != LineUp.__name__:
            return _external(vbm, Path(choice), document)
    line = chosen_line_up(choice)
    oxide, here = Crystal(line.oxide, line.space_group, line.formula_volume), crystal_of(host_structure(host))
    if not here.is_like(oxide):
        what = f"is the line-up of a junction with {oxide}; the study's host is {here}"
        raise AnalysisError(
            what, where=f"--reference {choice}", todo="run a junction of that host: defectflow junction run"
        )
    return above_vbm(vbm, f"E_F of {line.name}", (line.adopted, line.uncertainty), line.source)


def _external(vbm: Reference, path: Path, document: dict[str, object]) -> Reference:
    try:
        above, error = _number(document["fermi_minus_vbm"]), _number(document["uncertainty"])
        name, source = document["name"], document["source"]
        if not (isinstance(name, str) and isinstance(source, str)):
            raise TypeError("name and source must be texts")
        if not (abs(above) <= FAR and 0 <= error <= FAR):  # False for NaN, too
            raise ValueError(f"fermi_minus_vbm and uncertainty are in eV, at most {FAR:g}, the latter not negative")
    except (KeyError, TypeError, ValueError) as wrong:
        todo = 'expected keys: "name", "fermi_minus_vbm" (eV), "uncertainty" (eV), "source"'
        raise AnalysisError(f"is no reference record ({wrong!r})", where=str(path), todo=todo) from None
    return above_vbm(vbm, name, (above, error), source)


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{value!r} is no number")
    return float(value)


def _bulk(study: Study) -> CalcResult:
    paths = [j.path for j in study.jobs if j.path == "bulk/dos"]
    if not paths:
        raise AnalysisError("the study has no bulk run", todo="add a [bulk] table to its recipe and run it again")
    return trusted_result(study, paths[0])


def known_result(entry: StateEntry) -> CalcResult:
    """Result of a spin state.

    Raises
    ------
    AnalysisError
        If it has none, with the reason.
    """
    if entry.result is None:
        raise AnalysisError(f"{entry.name} has no result: {entry.missing}")
    return entry.result
