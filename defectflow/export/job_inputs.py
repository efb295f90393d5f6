"""The input files of all jobs of a study, in folders to copy to a cluster."""

from __future__ import annotations

import shutil
from pathlib import Path

from defectflow.engines import get_engine
from defectflow.errors import InputError
from defectflow.inputs import pair_folder, plan_jobs
from defectflow.schema import Recipe
from defectflow.schema.jsonio import write_atomic
from defectflow.schema.kinds import AnyRecipe
from defectflow.structures.build import build_pair_cells


def write_inputs(recipe: AnyRecipe, folder: Path, engine: str) -> list[Path]:
    """Write the inputs of every job and return the folders.

    They are ``pairs/<label>/<state>/<stage>`` and ``bulk/<stage>``; of a junction ``junction/<state>/<stage>``.
    Starts of broken symmetry lie under ``starts/<name>/``. Stages after a relaxation hold the geometry it starts
    from: what it ends with is known only then.

    Raises
    ------
    InputError
        If a file is there already, or the engine refuses a job; nothing is written then.
    """
    code = get_engine(engine)
    places = _places(recipe) if isinstance(recipe, Recipe) else {}
    texts = {folder / places.get(job.path, job.path): code.make_inputs(job).files for job in plan_jobs(recipe)}
    if there := [path for path in texts if path.exists()]:
        raise InputError("exists already; nothing was changed", where=str(there[0]), todo="choose another folder")
    try:
        for place, files in texts.items():
            place.mkdir(parents=True)
            for name, text in files:
                write_atomic(place / name, text.encode())
            code.complete_inputs(place)
    except BaseException:
        for place in texts:
            shutil.rmtree(place, ignore_errors=True)
        raise
    return list(texts)


def _places(recipe: Recipe) -> dict[str, str]:
    places = {}
    for pair, _ in build_pair_cells(recipe):
        start = "" if pair.start == "symmetric" else f"starts/{pair.start}/"
        for stage in recipe.stages:
            path = f"{pair_folder(pair, recipe.pairs.sublattice)}/{stage}"
            places[path] = f"{start}pairs/{pair.orbit.label}/{pair.state}/{stage}"
    return places
