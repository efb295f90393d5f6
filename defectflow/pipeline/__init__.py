"""The whole chain: recipe -> structures -> inputs -> run -> parse -> analyse -> export."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from defectflow.analyse.compare import PairComparison
from defectflow.analyse.crossing import Crossing, crossing
from defectflow.analyse.dos import Dos, Level, dos, levels_around, states_within
from defectflow.analyse.verify import verify_state
from defectflow.engines import get_engine
from defectflow.errors import DefectFlowError
from defectflow.executors import LocalExecutor, TaskExecutor
from defectflow.export.tables import comparison_row, to_csv
from defectflow.materials import PublishedOrder, published_order
from defectflow.pipeline.convergence import compared
from defectflow.pipeline.reference import known_result, reference_for
from defectflow.run import AnyStudy, RunOptions, Study, options_at, run_study
from defectflow.run.cluster import cluster_tag, require_parsl
from defectflow.run.collect import collect, trusted_result
from defectflow.schema import CalcResult, Recipe, StateEntry
from defectflow.schema.jsonio import write_atomic
from defectflow.schema.site import Site
from defectflow.structures.build import pair_audit

if TYPE_CHECKING:
    from defectflow.export.plots import DosPanel


NEAR = 1.5  # eV; how far around a junction's Fermi level dopant states are listed


@dataclass(frozen=True)
class Outcome:
    """What `run_recipe` leaves: states by job path, the comparison, the files written."""

    states: dict[str, str]
    comparisons: tuple[PairComparison, ...]
    files: tuple[Path, ...]


def run_recipe(
    recipe: Path, folder: Path, engine_name: str, jobs: int | None, options: RunOptions, site: Site | None = None
) -> Outcome:
    """Run or go on with a study and write its table and figures.

    Parameters
    ----------
    jobs : int or None
        Calculations side by side; None for as many as there are cores.
    site : Site or None
        Where they run; None for this machine.

    Raises
    ------
    DefectFlowError
        If the recipe, the folder or the engine cannot be used. A failed calculation is no error here: it is
        in the states, and its pair has no certificate.
    """
    return finish_study(Study.create(folder, recipe, engine_name), jobs, options, site)


def finish_study(
    study: Study, jobs: int | None, options: RunOptions, site: Site | None = None, figures: bool = True
) -> Outcome:
    """Run what is not done of an opened study, and write its table and figures; see `run_recipe`."""
    states = run_jobs(study, jobs, options, site)
    files = write_figures(study) if figures and "stopped" not in states.values() else []
    return Outcome(states, compared(study), tuple(files))


def run_jobs(study: AnyStudy, jobs: int | None, options: RunOptions, site: Site | None = None) -> dict[str, str]:
    """Run what is not done, `jobs` side by side here or as a site says, and return the state of every job."""
    engine = get_engine(study.engine_name)
    if site is None or not site.batch:
        engine.available()  # on a site it is the compute nodes that must have it: defectflow doctor --site
    chosen = options if site is None else options_at(site, study.engine_name, options)
    with executor_for(study, jobs, site) as executor:
        return run_study(study, engine, executor, chosen)


def executor_for(study: AnyStudy, jobs: int | None, site: Site | None) -> TaskExecutor:
    """Give this machine, an allocation of a site, or its scheduler through Parsl.

    Raises
    ------
    EngineError
        If Parsl is needed and not installed.
    """
    if site is None or not site.batch:
        return LocalExecutor(jobs)
    require_parsl()
    from defectflow.executors.parsl import ParslExecutor

    return ParslExecutor(site, study.folder, cluster_tag(study.folder))


def write_figures(study: Study, folder: Path | None = None) -> list[Path]:
    """Table, energy, geometry and DOS figures of a study into a folder, its own ``figures`` if none is given."""
    from defectflow.export import plots

    entries = collect(study)
    comparisons = compared(study)
    folder = folder or study.folder / "figures"
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
    drop_old(folder, ("energies", "dos"), files)
    return files


def drop_old(folder: Path, stems: tuple[str, ...], made: Sequence[Path]) -> None:
    """Remove figures and tables of an earlier call that this one did not make: their results are no longer there."""
    names = [f"{stem}.{suffix}" for stem in stems for suffix in ("pdf", "svg", "csv")]
    for path in {folder / name for name in names} - set(made):
        path.unlink(missing_ok=True)


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


def entry_dos(study: Study, entry: StateEntry, choice: str) -> Dos:
    """DOS of one spin state: total, both dopants apart, their neighbours, far sites."""
    options, zero = study.recipe.dos, reference_for(study, entry, choice)
    groups = dos_groups(entry, study.recipe.pairs.sublattice)
    return dos(dos_result(study, entry), zero, groups, options.window, options.broadening)


def dos_groups(entry: StateEntry, sublattice: str) -> dict[str, tuple[int, ...]]:
    """Atoms whose part of the DOS is shown: each dopant, their neighbours, far sites; the dopants first."""
    first, second = (entry.pair.cell.species[d] for d in entry.pair.dopants)
    return {
        f"{first} (1)": entry.pair.dopants[:1],
        f"{second} (2)": entry.pair.dopants[1:],
        "neighbours": entry.near,
        f"far {sublattice}": entry.far,
    }


def dos_result(study: Study, entry: StateEntry) -> CalcResult:
    """Result whose states are shown: that of the DOS stage if the study has one."""
    if "dos" not in study.recipe.stages:
        return known_result(entry)
    return trusted_result(study, entry.path.removesuffix("static") + "dos")


def entry_levels(study: Study, entry: StateEntry, choice: str) -> tuple[tuple[Level, ...], tuple[float, float]]:
    """Levels around the reference, and the states per cell (up, down) within the recipe's count window."""
    reference, window = reference_for(study, entry, choice), study.recipe.dos.count_window
    result = dos_result(study, entry)
    return levels_around(result, reference, entry.pair.dopants, window), states_within(result, reference, window)


def entry_crossing(study: Study, entry: StateEntry, choice: str) -> Crossing:
    """Dopant states around the reference, and how many of them it cuts over its uncertainty."""
    window = max(study.recipe.dos.count_window, NEAR)
    return crossing(dos_result(study, entry), reference_for(study, entry, choice), entry.pair.dopants, window)


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
    marked = _marked(study, entry, choice) if choice not in ("fermi", "vbm") else ((), ())
    return DosPanel(title, entry.pair.orbit.label, column, curves, tuple(curves.groups)[:2], marked)


def _marked(study: Study, entry: StateEntry, choice: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    levels = entry_crossing(study, entry, choice).levels
    up, down = (tuple(v.energy for v in levels if v.spin == spin) for spin in ("up", "down"))
    return up, down


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


def failed_jobs(study: AnyStudy, states: dict[str, str]) -> dict[str, str]:
    """Jobs that are not done, with the reason."""
    found = {}
    for path, state in states.items():
        if state != "done":
            entry = study.state(path)
            found[path] = entry.error if entry and entry.error else state
    return found
