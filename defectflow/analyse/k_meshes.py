"""Whether two runs have the same k-points, by mesh where both say theirs, else point by point."""

from __future__ import annotations

import numpy as np

from defectflow.schema import RunSummary
from defectflow.schema.cell import Floats

LIKE_POINTS = 1e-3  # an OUTCAR prints weights of k-points to three decimals


def mesh_reasons(first: RunSummary, second: RunSummary) -> list[str]:
    """Why two energies may not be subtracted, as far as k-points go.

    Meshes of one kind may be reduced to different points (another symmetry); lists of points have to be the same.
    """
    a, b = _mesh(first), _mesh(second)
    if a and b:
        keys = [k for k in a if k in b]
        same = all(a[k] == b[k] for k in keys)
        return [] if same else [f"k mesh differs: {' '.join(a[k] for k in keys)} and {' '.join(b[k] for k in keys)}"]
    missing = first.path if not a else second.path
    if first.n_kpoints != second.n_kpoints:
        return [f"the k mesh of {missing} is not known and the numbers of k-points differ: give its vasprun.xml"]
    if _points_known(first, second) and not _same_points(first.k_points, second.k_points):
        return [f"the k-points differ, and the k mesh of {missing} is not known: give its vasprun.xml if it has one"]
    return []


def mesh_remarks(first: RunSummary, second: RunSummary) -> list[str]:
    """What could not be compared, or differs without harm."""
    meshes = bool(_mesh(first) and _mesh(second))
    if not meshes and not _points_known(first, second):
        return ["neither k meshes nor k-points can be compared (no vasprun.xml); the numbers of k-points can"]
    if meshes and first.n_kpoints != second.n_kpoints:
        return ["the same mesh was reduced to different numbers of k-points (different symmetry)"]
    return []


def _mesh(run: RunSummary) -> dict[str, str]:
    """Texts that make a regular mesh; empty for a list of points.

    Scheme and shift are told by where the points lie between those of a mesh through Gamma, as OUTCARs name neither.
    """
    given = run.k_mesh
    words = given.get("divisions", "").split()
    if given.get("param", "").lower().startswith("list") or not (words or "mesh" in given):
        return {}
    if len(words) == 3 and all(word.isdigit() for word in words):
        steps = run.k_points[:, :3] * np.array(words, float)
        shifts = np.unique(np.round(np.abs(steps - np.round(steps)), 2), axis=0)
        if len(shifts) == 1:
            return {"divisions": " ".join(words), "shift": f"shifted by {' '.join(f'{x:g}' for x in shifts[0])}"}
    return {key: given[key] for key in ("mesh", "param", "divisions", "usershift") if key in given}


def _points_known(first: RunSummary, second: RunSummary) -> bool:
    return bool(len(first.k_points) and len(second.k_points))


def _same_points(first: Floats, second: Floats) -> bool:
    a, b = (points[np.lexsort(np.round(points[:, :3], 4).T)] for points in (first, second))
    return a.shape == b.shape and bool(np.abs(a - b).max() < LIKE_POINTS)
