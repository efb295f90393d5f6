"""The perfect crystal and its supercells."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from warnings import catch_warnings, filterwarnings

import numpy as np
from ase.data import chemical_symbols

from defectflow.errors import RecipeError, StructureError
from defectflow.materials import material
from defectflow.schema.host import Host, InlineStructure
from defectflow.schema.recipe import Recipe
from defectflow.schema.screen import ScreenRecipe

if TYPE_CHECKING:
    from pymatgen.core import Structure


R = TypeVar("R", Recipe, ScreenRecipe)
# What pymatgen raises on files that are no structures; its own errors derive from Exception or ValueError.
_UNREADABLE = (ValueError, ArithmeticError, LookupError, AssertionError, TypeError, AttributeError, MemoryError)
MOST_ATOMS = 1000


def host_structure(host: Host) -> Structure:
    """Cell of the host: the conventional one of a material or prototype, the cell as given of a file.

    Supercell matrices and distances over a refer to this cell and to its first lattice vector.

    Raises
    ------
    StructureError
        If a structure file is missing or cannot be read, or the structure is disordered or overlapping.
    RecipeError
        If the material is unknown or the species do not fit the prototype.
    """
    if host.material is not None:
        known = material(host.material)
        return _prototype(known.prototype, known.species, host.lattice_constant or known.lattice_constant)
    if host.prototype is not None and host.species is not None and host.lattice_constant is not None:
        return _prototype(host.prototype, host.species, host.lattice_constant)
    return _checked(_from_file(Path(host.file)) if host.file else _inline(host.structure))


def host_from(structure: Any) -> Host:
    """Host of a recipe from a pymatgen ``Structure`` or ASE ``Atoms``."""
    from defectflow.schema import Cell

    cell = Cell.from_pymatgen(structure) if hasattr(structure, "frac_coords") else Cell.from_ase(structure)
    inline = {"lattice": cell.lattice.tolist(), "species": cell.species, "coords": cell.coords.tolist()}
    return Host.model_validate({"structure": inline})


def with_inline_host(recipe: R) -> R:
    """The recipe with a host file replaced by the structure it holds, so that a study stands on its own."""
    if recipe.host.file is None:
        return recipe
    sources = {k.replace("host.file", "host.structure"): v for k, v in recipe.sources.items()}
    return recipe.model_copy(update={"host": host_from(host_structure(recipe.host)), "sources": sources})


def supercell(structure: Structure, matrix: Any) -> Structure:
    """Repeat `structure`; the rows of the 3x3 integer `matrix` are the new lattice vectors in the old ones."""
    return structure.make_supercell(np.array(matrix), in_place=False, to_unit_cell=True)


def _prototype(name: str, species: tuple[str, ...], a: float) -> Structure:
    from ase.build import bulk
    from pymatgen.io.ase import AseAtomsAdaptor

    try:
        atoms = bulk("".join(species), name, a=a, cubic=True)
    except (ValueError, KeyError, RuntimeError) as error:
        raise RecipeError(f"species {species} do not make a {name}: {error}", where="host.species") from None
    return _checked(AseAtomsAdaptor.get_structure(atoms))


def _from_file(path: Path) -> Structure:
    from pymatgen.core import Structure
    from pymatgen.core.structure import StructureError as Unfit

    try:
        there = path.is_file()
    except (OSError, ValueError):
        there = False
    if not there:
        raise StructureError("no such structure file", where=str(path))
    try:
        text = path.read_text(encoding="utf-8")
        with catch_warnings():  # a POSCAR without symbols would become one of H and He
            filterwarnings("error", "Elements in POSCAR cannot be determined")
            return Structure.from_str(text, fmt="cif" if path.suffix.lower() == ".cif" else "poscar")
    except (*_UNREADABLE, Unfit, UserWarning) as error:
        todo = "a CIF (.cif) or a POSCAR with a line of element symbols is expected"
        raise StructureError(f"cannot be read as a structure: {error}", where=str(path), todo=todo) from None


def _check_numbers(structure: Structure) -> None:
    # Symmetry and neighbour codes crash on what this refuses.
    if not 1 <= len(structure) <= MOST_ATOMS:
        raise StructureError(f"a host has 1 to {MOST_ATOMS} atoms, not {len(structure)}")
    numbers = np.concatenate([structure.lattice.matrix.ravel(), structure.frac_coords.ravel()])
    if not np.isfinite(numbers).all() or np.abs(numbers).max() > 1e4:
        raise StructureError("the host has a coordinate that is not finite or larger than 10 000")
    if abs(float(np.linalg.det(structure.lattice.matrix))) < 1.0:
        raise StructureError("the lattice vectors of the host span less than 1 cubic Angstrom")
    for site in structure:
        for symbol in site.species.elements:
            if symbol.symbol not in chemical_symbols[1:]:
                raise StructureError(f'"{symbol.symbol}" is no chemical element')


def _inline(given: InlineStructure | None) -> Structure:
    from pymatgen.core import Structure
    from pymatgen.core.structure import StructureError as Unfit

    assert given is not None  # Host has made sure that exactly one source is given
    try:
        return Structure(given.lattice, list(given.species), given.coords)
    except (*_UNREADABLE, Unfit) as error:
        raise StructureError(f"not a structure: {error}", where="host.structure") from None


def _checked(structure: Structure) -> Structure:
    _check_numbers(structure)
    if not structure.is_ordered:
        raise StructureError("the host has sites of partial occupation; give an ordered structure")
    if len(structure) > 1 and structure.distance_matrix[np.triu_indices(len(structure), 1)].min() < 0.5:
        raise StructureError("two atoms of the host are closer than 0.5 A")
    return structure
