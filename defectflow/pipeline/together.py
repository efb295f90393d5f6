"""States of several studies of the same pairs, as if one study held them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from defectflow.analyse.compare import PairComparison
from defectflow.errors import InputError
from defectflow.export.states import state_rows, states_figure
from defectflow.export.tables import to_csv
from defectflow.run import Study
from defectflow.run.collect import collect
from defectflow.schema import StateEntry
from defectflow.schema.dotted import dotted_keys
from defectflow.schema.jsonio import make_folder, write_atomic

ASKED = ("host", "supercell")  # what decides an energy beside the geometry that a start leads to


def collect_together(studies: Sequence[Study]) -> tuple[StateEntry, ...]:
    """Every state of every study, each with the study's name; a result that two of them hold counts once.

    Two results of the same inputs (another version of the code, a run that had not converged) both count.

    Raises
    ------
    InputError
        If one has another engine, host, cell, dopants or settings than the first: its energies are on another scale.
    """
    first, *others = studies
    for other in others:
        _check_same(first, other)
    once: dict[object, StateEntry] = {}
    for entry in (replace(e, study=s.recipe.name) for s in studies for e in collect(s)):
        once.setdefault((entry.result.input_hash, entry.result.e0) if entry.result else entry.name, entry)
    return tuple(once.values())


def _check_same(first: Study, other: Study) -> None:
    wanted, found = _asked(first), _asked(other)
    key = next((k for k in wanted | found if wanted.get(k) != found.get(k)), None)
    if key is not None:
        what = f"{key} is {found.get(key, 'not set')}, in {first.folder} {wanted.get(key, 'not set')}"
        todo = "energies of unlike settings say nothing beside each other; leave this folder out"
        raise InputError(what, where=str(other.folder), todo=todo)


def _asked(study: Study) -> dict[str, Any]:
    recipe = study.recipe.model_dump(mode="json", by_alias=True)
    others = {
        "settings": study.recipe.settings.deciding().model_dump(mode="json", by_alias=True),
        "relaxed": "relax" in recipe["stages"],
        "engine": study.engine_name,
        "pairs": {k: recipe["pairs"][k] for k in ("dopants", "sublattice")},
        "spin": {"moments": list(study.recipe.spin.pair_moments)},
        "relax": {"kpoints": recipe["relax"]["kpoints"]},
    }
    return dotted_keys({key: recipe[key] for key in ASKED} | others)


def write_states(comparisons: tuple[PairComparison, ...], folder: Path) -> list[Path]:
    """Figure (PDF, SVG) and CSV of all states of the pairs that have both orders."""
    from defectflow.export.plots import save

    make_folder(folder)
    table = folder / "states.csv"
    write_atomic(table, to_csv(state_rows(comparisons)).encode())
    return [table, *save(states_figure(comparisons), folder / "states")]
