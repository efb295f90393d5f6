"""Frozen records: what passes between the rooms of the package.

Each is loaded on first use: a cell costs no pydantic.
"""

TYPE_CHECKING = False  # typing itself is slow to import
if TYPE_CHECKING:
    from typing import Any

    from defectflow.schema.cell import Cell, PairCell, PairOrbit
    from defectflow.schema.entry import StateEntry
    from defectflow.schema.job import Correction, Job, JobInputs, JobState
    from defectflow.schema.recipe import Recipe, load_recipe
    from defectflow.schema.result import CalcResult, Convergence, Projections
    from defectflow.schema.settings import KMesh, Settings, Smearing
    from defectflow.schema.summary import RunSummary

_HOMES = {
    "CalcResult": "result",
    "Cell": "cell",
    "Convergence": "result",
    "Correction": "job",
    "Job": "job",
    "JobInputs": "job",
    "JobState": "job",
    "KMesh": "settings",
    "PairCell": "cell",
    "PairOrbit": "cell",
    "Projections": "result",
    "Recipe": "recipe",
    "RunSummary": "summary",
    "Settings": "settings",
    "Smearing": "settings",
    "StateEntry": "entry",
    "load_recipe": "recipe",
}

__all__ = [
    "CalcResult",
    "Cell",
    "Convergence",
    "Correction",
    "Job",
    "JobInputs",
    "JobState",
    "KMesh",
    "PairCell",
    "PairOrbit",
    "Projections",
    "Recipe",
    "RunSummary",
    "Settings",
    "Smearing",
    "StateEntry",
    "load_recipe",
]


def __getattr__(name: str) -> "Any":
    if name not in _HOMES:
        raise AttributeError(f"module 'defectflow.schema' has no attribute '{name}'")
    from importlib import import_module

    return getattr(import_module(f"defectflow.schema.{_HOMES[name]}"), name)
