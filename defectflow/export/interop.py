"""Hand results to other programs: ASE, pymatgen, pydefect, doped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from defectflow.errors import AnalysisError, InputError
from defectflow.export.certified import ENERGY_STAGE, Certified, select
from defectflow.run import AnyStudy, ConvergenceStudy, JunctionStudy
from defectflow.run.collect import trusted_result
from defectflow.schema import CalcResult
from defectflow.schema.jsonio import make_folder

BROADENING = 0.1  # eV, where the recipe says nothing


@dataclass(frozen=True)
class HandOver:
    """How results are handed over.

    Attributes
    ----------
    to : str
        One of `TARGETS`.
    path : Path
        File or folder that is written.
    everything : bool
        Also energies whose certificate failed; it goes with them.
    broadening : float or None
        Of densities of states (eV); None for that of the recipe.
    force : bool
        Replace what is there.
    step : str
        Round of a screening, for programs on point defects; empty for the last one with results.
    """

    to: str
    path: Path
    everything: bool = False
    broadening: float | None = None
    force: bool = False
    step: str = ""


@dataclass(frozen=True)
class HandedOver:
    """Files that were written, and what was left out with the reason, by the path of its job or the name of a file."""

    files: tuple[Path, ...]
    left_out: dict[str, str]


def hand_over(study: AnyStudy, how: HandOver) -> HandedOver:
    """Write the results of a study for another program.

    Raises
    ------
    InputError
        If the program is not known, or a file is there already.
    AnalysisError
        If no energy may be used, or the program has no place for what this study holds.
    """
    if how.to not in TARGETS:
        raise InputError(f'cannot write for "{how.to}"', where="--to", todo=f"known: {', '.join(TARGETS)}")
    if how.path.exists() and not how.force:
        raise InputError("exists already; nothing was changed", where=str(how.path), todo="another name, or --force")
    return TARGETS[how.to](study, how)


def _ase(study: AnyStudy, how: HandOver) -> HandedOver:
    from defectflow.export.frames import write_ase_database, write_extxyz

    writers = {".db": write_ase_database, ".extxyz": write_extxyz, ".xyz": write_extxyz}
    if how.path.suffix not in writers:
        todo = f"end its name with one of {', '.join(writers)}"
        raise InputError("does not say which of ASE's formats is meant", where=str(how.path), todo=todo)
    return _one_file(study, how, writers[how.path.suffix])


def _entries(study: AnyStudy, how: HandOver) -> HandedOver:
    from defectflow.export.entries import write_entries

    return _one_file(study, how, write_entries)


def _one_file(study: AnyStudy, how: HandOver, write: Callable[[tuple[Certified, ...], Path], None]) -> HandedOver:
    chosen = select(study, how.everything)
    make_folder(how.path.parent)
    write(chosen.kept, how.path)
    return HandedOver((how.path,), chosen.left_out)


def _dos(study: AnyStudy, how: HandOver) -> HandedOver:
    from defectflow.export.complete_dos import write_dos_file

    chosen = select(study, how.everything)
    drawn = BROADENING if isinstance(study, JunctionStudy | ConvergenceStudy) else study.recipe.dos.broadening
    broadening = drawn if how.broadening is None else how.broadening
    files = []
    for it in chosen.kept:
        names = ["complete_dos.json", "complete_dos.uncertified.json"]
        path, other = (how.path / Path(it.path).parent / n for n in (names if it.certificate.passed else names[::-1]))
        write_dos_file(it, broadening, states_of(study, it), path)
        other.unlink(missing_ok=True)
        files.append(path)
    return HandedOver(tuple(files), chosen.left_out)


def states_of(study: AnyStudy, it: Certified) -> CalcResult | None:
    """Result of the DOS stage that follows an energy, None where there is none."""
    path = it.path.removesuffix(ENERGY_STAGE) + "dos"
    return trusted_result(study, path) if path in study.by_path else None


def _for_pydefect(study: AnyStudy, how: HandOver) -> HandedOver:
    from defectflow.export.pydefect_files import write_pydefect
    from defectflow.export.round_defects import round_defects

    if how.everything:
        what = "pydefect's calc_results.json has no place that says an energy is not valid, so none goes there"
        raise AnalysisError(what, where="--all", todo="leave --all away, or use --to entries or doped")
    found = round_defects(study, how.step, False, "pydefect")
    _refuse_filled(how)
    files, left_out = write_pydefect(found, study.recipe.name, how.path)
    return HandedOver(tuple(files), left_out)


def _for_doped(study: AnyStudy, how: HandOver) -> HandedOver:
    from defectflow.export.doped_files import write_doped
    from defectflow.export.round_defects import round_defects

    found = round_defects(study, how.step, how.everything, "doped")
    _refuse_filled(how)
    files, left_out = write_doped(found, how.path)
    return HandedOver(tuple(files), left_out)


def _refuse_filled(how: HandOver) -> None:
    """A defect that was left out this time must not be found where an earlier export put it."""
    if how.path.is_dir() and any(how.path.iterdir()):
        todo = "choose a new folder: files of an earlier export would mix with these"
        raise InputError("is not empty", where=str(how.path), todo=todo)


TARGETS: dict[str, Callable[[AnyStudy, HandOver], HandedOver]] = {
    "ase": _ase,
    "entries": _entries,
    "dos": _dos,
    "pydefect": _for_pydefect,
    "doped": _for_doped,
}
