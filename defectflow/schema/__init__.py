"""Frozen records: what passes between the rooms of the package."""

from defectflow.schema.cell import Cell, PairCell, PairOrbit
from defectflow.schema.entry import StateEntry
from defectflow.schema.job import Correction, Job, JobInputs, JobState
from defectflow.schema.recipe import Recipe, load_recipe
from defectflow.schema.result import CalcResult, Convergence, Projections
from defectflow.schema.settings import KMesh, Settings, Smearing
from defectflow.schema.summary import RunSummary

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
