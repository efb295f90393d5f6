"""Dopant pairs in oxides: from a recipe to certified FM/AF energies, exchange constants and spin-resolved DOS.

>>> import defectflow
>>> recipe = defectflow.load_recipe(defectflow.resource("workflows", "quick.toml"))
>>> [pair.images for pair in defectflow.pair_audit(recipe)]
[1, 2, 2, 4, 8]
"""

from __future__ import annotations

TYPE_CHECKING = False  # typing itself is slow to import
if TYPE_CHECKING:
    from typing import Any

__version__ = "0.1.0"

# Loaded on first use: `import defectflow` costs no pymatgen, no numpy and no pydantic.
_PUBLIC = {
    "CalcResult": "defectflow.schema",
    "Cell": "defectflow.schema",
    "DefectFlowError": "defectflow.errors",
    "PairCell": "defectflow.schema",
    "Recipe": "defectflow.schema",
    "Study": "defectflow.run",
    "build_pair_cells": "defectflow.structures",
    "compare_study": "defectflow.analyse.compare",
    "distinct_pairs": "defectflow.structures",
    "exchange": "defectflow.analyse.exchange",
    "load_recipe": "defectflow.schema",
    "pair_audit": "defectflow.structures",
    "resource": "defectflow.resources",
    "run_recipe": "defectflow.pipeline",
    "verify_pair": "defectflow.analyse.verify",
}

__all__ = ["__version__", *sorted(_PUBLIC)]  # noqa: PLE0604  (names of the table above)


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'defectflow' has no attribute '{name}'")
    from importlib import import_module

    return getattr(import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return list(__all__)
