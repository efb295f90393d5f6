"""Cells of the phases that fix chemical potentials."""

from __future__ import annotations

import numpy as np

from defectflow.errors import RecipeError
from defectflow.materials.phases import Phase, is_known, known_phase
from defectflow.schema.cell import Cell
from defectflow.schema.host import Host
from defectflow.schema.screen import ReferencePhase, ScreenRecipe
from defectflow.structures.host import host_from, host_structure

_SIDES = (1.0, 1.05, 1.1)  # of the box of an atom: no two p levels may be equal by symmetry


def phase_cell(reference: ReferencePhase) -> Cell:
    """Cell of a reference phase with the moments it starts from.

    Raises
    ------
    RecipeError
        If the phase is unknown, or a crystal was given a box or a molecule a mesh.
    """
    if reference.file is not None or reference.structure is not None:
        if is_known(reference.phase):
            what = f'"{reference.phase}" is a phase of this package'
            raise RecipeError(what, where="references.phase", todo="give the phase of a file another name")
        return Cell.from_pymatgen(host_structure(Host(file=reference.file, structure=reference.structure)))
    phase = known_phase(reference.phase)
    if (phase.kind == "crystal") != (reference.box is None):
        needs = "kpoints" if phase.kind == "crystal" else 'box = "9 A"'
        raise RecipeError(
            f"{phase.name} is a{'n' * (phase.kind == 'atom')} {phase.kind}: give {needs}", where="references"
        )
    cell = _crystal(phase) if reference.box is None else _boxed(phase, reference.box)
    return cell.with_moments(np.full(len(cell), phase.moment / len(cell)))


def with_inline_phases(recipe: ScreenRecipe) -> ScreenRecipe:
    """The recipe with files of phases replaced by the structures they hold, so that a study stands on its own."""
    references = tuple(_inline(r) if r.file else r for r in recipe.references)
    return recipe.model_copy(update={"references": references})


def _inline(reference: ReferencePhase) -> ReferencePhase:
    structure = host_from(host_structure(Host(file=reference.file))).structure
    return reference.model_copy(update={"file": None, "structure": structure})


def _crystal(phase: Phase) -> Cell:
    from ase.build import bulk

    if phase.lattice is None or phase.species is None or phase.coords is None:
        return Cell.from_ase(bulk(phase.element or phase.name))
    return Cell(np.array(phase.lattice), phase.species, np.array(phase.coords), np.zeros(len(phase.species)))


def _boxed(phase: Phase, box: float) -> Cell:
    from ase import Atoms
    from ase.build import molecule

    atoms = Atoms(phase.element) if phase.kind == "atom" else molecule(phase.name)
    atoms.set_cell(np.multiply(box, _SIDES if phase.kind == "atom" else 1.0) * np.eye(3))
    atoms.center()
    return Cell.from_ase(atoms)
