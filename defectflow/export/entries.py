"""Results as pymatgen's computed entries."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from defectflow.export.certified import Certified, facts, parameters
from defectflow.schema.jsonio import write_atomic

if TYPE_CHECKING:
    from pymatgen.core import Structure
    from pymatgen.entries.computed_entries import ComputedStructureEntry


def structure_of(it: Certified) -> Structure:
    """Final geometry with the charge of the cell; ``magmom`` (muB) and ``forces`` (eV/A) are site properties."""
    structure = it.result.cell.with_moments(it.result.site_moments).to_pymatgen()
    structure.add_site_property("forces", it.result.forces.tolist())
    if it.charge:
        structure.set_charge(it.charge)
    return structure


def entry_of(it: Certified) -> ComputedStructureEntry:
    """E0 of the cell (eV), ``parameters`` of the calculation, and in ``data`` the certificate and what came out.

    It has no ``run_type`` and no ``potcar_symbols``: corrections that were fitted to other settings do not apply.
    """
    from pymatgen.entries.computed_entries import ComputedStructureEntry

    return ComputedStructureEntry(
        structure_of(it), it.result.e0, parameters=parameters(it), data=facts(it), entry_id=it.path
    )


def write_entries(energies: tuple[Certified, ...], path: Path) -> None:
    """JSON list that ``monty.serialization.loadfn`` reads."""
    import warnings

    from monty.json import MontyEncoder

    with warnings.catch_warnings():
        # pymatgen wants oxidation states that add up to a charge; ours is that of the cell.
        warnings.filterwarnings("ignore", message="Structure charge", category=UserWarning)
        text = MontyEncoder(indent=1).encode([entry_of(it) for it in energies])
    write_atomic(path, text.encode())
