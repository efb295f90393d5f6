"""A junction from its recipe to its line-up, its figures and the record that a defect study takes up."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from defectflow.analyse.aligned import Aligned
from defectflow.analyse.lineup import line_up
from defectflow.analyse.profile import profile
from defectflow.errors import AnalysisError
from defectflow.export.tables import to_csv
from defectflow.run import JunctionStudy
from defectflow.run.collect import trusted_result
from defectflow.schema import CalcResult
from defectflow.schema.jsonio import load_record, save_record, write_atomic
from defectflow.schema.lineup import LineUp, Profile
from defectflow.structures.junction import build_junction

SHIPPED = Path(__file__).resolve().parents[1] / "data" / "junction" / "co_mgo_co.json"


@dataclass(frozen=True, eq=False)
class State:
    """One state of a junction's electrodes with its line-up."""

    run: Aligned
    line: LineUp
    profile: Profile


def shipped_line_up() -> tuple[LineUp, Profile]:
    """The package's own result for Co/MgO(12 ML)/Co: made with GPAW, with its settings and convergence."""
    return load_record(LineUp, SHIPPED), load_record(Profile, SHIPPED.with_suffix(".profile.json"))


def junction_name(study: JunctionStudy) -> str:
    """As it is written on an axis: ``Co/MgO(12 ML)/Co``."""
    r = study.recipe
    return f"{r.electrode.element}/{r.oxide.material}({r.oxide.layers} ML)/{r.electrode.element}"


def junction_states(study: JunctionStudy) -> tuple[State, ...]:
    """All states of a junction, analysed.

    Raises
    ------
    DefectFlowError
        If a result is missing or does not pass the checks of `defectflow.analyse.lineup.line_up`.
    """
    return tuple(_state(study, state) for state in study.recipe.states)


def line_ups(study: JunctionStudy) -> tuple[LineUp, ...]:
    """Line-ups of all states of a junction."""
    return tuple(s.line for s in junction_states(study))


def _state(study: JunctionStudy, state: str) -> State:
    bulk, result = (_finished(study, path) for path in ("bulk/dos", f"junction/{state}/static"))
    run = Aligned(result, build_junction(study.recipe, state), bulk)
    source = f"run {study.recipe.name}, {result.code} {result.version}, input {result.input_hash[:12]}"
    line = line_up(run, junction_name(study), source)
    return State(run, line, profile(run, line, study.recipe.dos.window, study.recipe.dos.broadening))


def _finished(study: JunctionStudy, path: str) -> CalcResult:
    done = study.state(path)
    if done is None or done.state != "done":
        what = f"{path} is not done yet ({done.state if done else 'not started'})"
        raise AnalysisError(what, where=str(study.folder), todo=f"defectflow resume {study.folder}")
    return trusted_result(study, path)


def write_junction(study: JunctionStudy) -> tuple[tuple[LineUp, ...], list[Path]]:
    """Line-ups of all states, and their records and figures, written into the study's folder ``figures``."""
    states = junction_states(study)
    folder = study.folder / "figures"
    folder.mkdir(exist_ok=True)
    files = [path for s in states for path in write_state(s.line, s.profile, folder)]
    return tuple(s.line for s in states), files


def write_state(line: LineUp, shape: Profile, folder: Path) -> list[Path]:
    """Record, figures and their numbers of one state."""
    from defectflow.export import junction_plots as plots
    from defectflow.export.plots import save

    record = folder / f"lineup_{line.state}.json"
    save_record(line, record)
    save_record(shape, record.with_suffix(".profile.json"))
    potential, layers = folder / f"potential_{line.state}.csv", folder / f"layer_dos_{line.state}.csv"
    write_atomic(potential, to_csv(plots.potential_rows(shape)).encode())
    write_atomic(layers, to_csv(plots.layer_rows(shape)).encode())
    files = [record, potential, layers]
    files += save(plots.potential_figure(line, shape), folder / f"potential_{line.state}")
    files += save(plots.layer_figure(line, shape), folder / f"layer_dos_{line.state}")
    return files + save(plots.line_up_figure(line), folder / f"lineup_{line.state}")
