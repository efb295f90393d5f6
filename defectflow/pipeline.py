"""The whole chain: recipe -> structures -> inputs -> run -> parse -> analyse -> export."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

from defectflow.analyse.alignment import Reference, cell_fermi, host_vbm
from defectflow.analyse.compare import PairComparison, compare_study
from defectflow.analyse.dos import Dos, Level, dos, levels_around, states_within
from defectflow.analyse.verify import verify_state
from defectflow.engines import get_engine
from defectflow.errors import AnalysisError, DefectFlowError
from defectflow.executors import LocalExecutor
from defectflow.export.tables import comparison_row, to_csv
from defectflow.materials import PublishedOrder, published_order
from defectflow.run import RunOptions, Study, run_study
from defectflow.run.collect import collect, trusted_result
from defectflow.schema import CalcResult, Recipe, StateEntry
from defectflow.schema.jsonio import read_json, write_atomic
from defectflow.structures.build import pair_audit

if TYPE_CHECKING:
    from defectflow.export.plots import DosPanel


@dataclass(frozen=True)
class Outcome:
    """What `run_recipe` leaves: states by job path, the comparison, the files written."""

    states: dict[str, str]
    comparisons: tuple[PairComparison, ...]
    files: tuple[Path, ...]


def run_recipe(recipe: Path, folder: Path, engine_name: str, jobs: int | None, options: RunOptions) -> Outcome:
    """Run or go on with a study and write its table and figures.

    Parameters
    ----------
    jobs : int or None
        Calculations side by side; None for as many as there are cores.

    Raises
    ------
    DefectFlowError
        If the recipe, the folder or the engine cannot be used. A failed calculation is no error here: it is
        in the states, and its pair has no certificate.
    """
    get_engine(engine_name).available()
    return finish_study(Study.create(folder, recipe, engine_name), jobs, options)


def finish_study(study: Study, jobs: int | None, options: RunOptions) -> Outcome:
    """Run what is not done of an opened study, and write its table and figures; see `run_recipe`."""
    engine = get_engine(study.engine_name)
    engine.available()
    with LocalExecutor(jobs) as executor:
        states = run_study(study, engine, executor, options)
    return Outcome(states, compare_study(collect(study)), tuple(write_figures(study)))


def write_figures(study: Study) -> list[Path]:
    """Table, energy, geometry and DOS figures of a study into its folder ``figures``."""
    from defectflow.export import plots

    entries = collect(study)
    comparisons = compare_study(entries)
    folder = study.folder / "figures"
    folder.mkdir(exist_ok=True)
    table = folder / "pairs.csv"
    write_atomic(table, to_csv([comparison_row(c) for c in comparisons]).encode())
    orbits = pair_audit(study.recipe)
    files = [table, *plots.save(plots.geometry_figure(orbits, entries[0].pair.cell.lattice), folder / "geometry")]
    if any(c.exchange for c in comparisons):
        figure = plots.energy_figure(comparisons, published_for(study.recipe))
        files += plots.save(figure, folder / "energies")
    if drawable := [e for e in entries if has_dos(study, e)]:
        files += write_dos(study, "fermi", drawable, folder / "dos")
    return files


def has_dos(study: Study, entry: StateEntry) -> bool:
    """Whether there is a trusted result whose states can be drawn."""
    try:
        return dos_result(study, entry) is not None
    except DefectFlowError:
        return False


def published_for(recipe: Recipe) -> PublishedOrder | None:
    """What is published on the system of a recipe, None if nothing is on record."""
    rows = recipe.supercell.rows
    diagonal = (rows[0][0], rows[1][1], rows[2][2])
    off_diagonal = any(rows[i][j] for i in range(3) for j in range(3) if i != j)
    if recipe.host.material is None or off_diagonal:
        return None
    return published_order(recipe.host.material, recipe.pairs.dopants, diagonal)


def reference_for(study: Study, entry: StateEntry, choice: str) -> Reference:
    """Zero of energy of one spin state: "fermi", "vbm", or a JSON file with a level above the host's VBM.

    Raises
    ------
    AnalysisError
        If the study has no bulk run to align to.
    ParseError
        If the file is no reference record.
    """
    result = _result(entry)
    if choice == "fermi":
        return cell_fermi(result)
    vbm = host_vbm(result, entry.far, _bulk(study))
    return vbm if choice == "vbm" else _external(vbm, Path(choice))


def _external(vbm: Reference, path: Path) -> Reference:
    document = read_json(path)
    try:
        above, error = float(document["fermi_minus_vbm"]), float(document["uncertainty"])
        name, source = str(document["name"]), str(document["source"])
        if not (isfinite(above) and 0 <= error < inf):
            raise ValueError("fermi_minus_vbm must be finite, uncertainty finite and not negative")
    except (KeyError, TypeError, ValueError) as wrong:
        todo = 'expected keys: "name", "fermi_minus_vbm" (eV), "uncertainty" (eV), "source"'
        raise AnalysisError(f"is no reference record ({wrong!r})", where=str(path), todo=todo) from None
    return Reference(name, vbm.energy + above, (vbm.uncertainty**2 + error**2) ** 0.5, f"{source}; {vbm.source}")


def _bulk(study: Study) -> CalcResult:
    paths = [j.path for j in study.jobs if j.path == "bulk/dos"]
    if not paths:
        raise AnalysisError("the study has no bulk run", todo="add a [bulk] table to its recipe and run it again")
    return trusted_result(study, paths[0])


def _result(entry: StateEntry) -> CalcResult:
    if entry.result is None:
        raise AnalysisError(f"{entry.name} has no result: {entry.missing}")
    return entry.result


def entry_dos(study: Study, entry: StateEntry, choice: str) -> Dos:
    """DOS of one spin state: total, both dopants apart, their neighbours, far sites."""
    options = study.recipe.dos
    host = study.recipe.pairs.sublattice
    first, second = (entry.pair.cell.species[d] for d in entry.pair.dopants)
    groups = {
        f"{first} (1)": entry.pair.dopants[:1],
        f"{second} (2)": entry.pair.dopants[1:],
        "neighbours": entry.near,
        f"far {host}": entry.far,
    }
    return dos(
        dos_result(study, entry), reference_for(study, entry, choice), groups, options.window, options.broadening
    )


def dos_result(study: Study, entry: StateEntry) -> CalcResult:
    """Result whose states are shown: that of the DOS stage if the study has one."""
    if "dos" not in study.recipe.stages:
        return _result(entry)
    return trusted_result(study, entry.path.removesuffix("static") + "dos")


def entry_levels(study: Study, entry: StateEntry, choice: str) -> tuple[tuple[Level, ...], tuple[float, float]]:
    """Levels around the reference, and the states per cell (up, down) within the recipe's count window."""
    reference, window = reference_for(study, entry, choice), study.recipe.dos.count_window
    result = dos_result(study, entry)
    return levels_around(result, reference, entry.pair.dopants, window), states_within(result, reference, window)


def write_dos(study: Study, choice: str, entries: list[StateEntry], stem: Path) -> list[Path]:
    """DOS figure and, beside it, a CSV with exactly the curves that it shows."""
    from defectflow.export import plots

    panels = [_panel(study, entry, choice) for entry in entries]
    table = stem.with_name(f"{stem.name}.csv")
    write_atomic(table, to_csv([row for p in panels for row in _curve_rows(p)]).encode())
    return [table, *plots.save(plots.dos_figure(panels), stem)]


def _panel(study: Study, entry: StateEntry, choice: str) -> DosPanel:
    from defectflow.export.plots import DosPanel

    column = entry.pair.state + ("" if entry.pair.start == "symmetric" else f" {entry.pair.start}")
    passed = verify_state(entry).passed
    title = f"pair {entry.pair.orbit.label}, {column}" + ("" if passed else ": FAILED its certificate")
    curves = entry_dos(study, entry, choice)
    return DosPanel(title, entry.pair.orbit.label, column, curves, tuple(curves.groups)[:2])


def _curve_rows(panel: DosPanel) -> list[dict[str, Any]]:
    d = panel.dos
    curves = {"total": d.total, **d.groups}
    rows = []
    for n, energy in enumerate(d.energies):
        row: dict[str, Any] = {"pair": panel.row, "state": panel.column, "energy_eV": float(energy)}
        for name, (up, down) in curves.items():
            row |= {f"{name} up": float(up[n]), f"{name} down": float(down[n])}
        rows.append(row)
    return rows


def failed_jobs(study: Study, states: dict[str, str]) -> dict[str, str]:
    """Jobs that are not done, with the reason."""
    found = {}
    for path, state in states.items():
        if state != "done":
            entry = study.state(path)
            found[path] = entry.error if entry and entry.error else state
    return found
