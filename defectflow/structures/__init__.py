"""Cells, sites, pairs, configurations and spin patterns.

Each is loaded on first use: enumeration costs no pymatgen.
"""

TYPE_CHECKING = False  # typing itself is slow to import
if TYPE_CHECKING:
    from typing import Any

    from defectflow.structures.build import build_pair_cells, pair_audit, primitive_cell
    from defectflow.structures.host import host_structure, supercell
    from defectflow.structures.pairs import distinct_pairs
    from defectflow.structures.select import select_pairs

_HOMES = {
    "build_pair_cells": "build",
    "distinct_pairs": "pairs",
    "host_structure": "host",
    "pair_audit": "build",
    "primitive_cell": "build",
    "select_pairs": "select",
    "supercell": "host",
}

__all__ = [
    "build_pair_cells",
    "distinct_pairs",
    "host_structure",
    "pair_audit",
    "primitive_cell",
    "select_pairs",
    "supercell",
]


def __getattr__(name: str) -> "Any":
    if name not in _HOMES:
        raise AttributeError(f"module 'defectflow.structures' has no attribute '{name}'")
    from importlib import import_module

    return getattr(import_module(f"defectflow.structures.{_HOMES[name]}"), name)
