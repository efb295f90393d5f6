"""Cells, sites, pairs and spin patterns."""

from defectflow.structures.build import build_pair_cells, pair_audit, pristine_cell
from defectflow.structures.host import host_structure, supercell
from defectflow.structures.pairs import distinct_pairs
from defectflow.structures.select import select_pairs

__all__ = [
    "build_pair_cells",
    "distinct_pairs",
    "host_structure",
    "pair_audit",
    "pristine_cell",
    "select_pairs",
    "supercell",
]
