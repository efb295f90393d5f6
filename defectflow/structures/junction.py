"""Metal(001)/oxide(001)/metal junctions with two equivalent interfaces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, cast

import numpy as np

from defectflow.errors import RecipeError, StructureError
from defectflow.materials import Material, material
from defectflow.schema.cell import Cell, Floats
from defectflow.schema.junction import Impurity, JunctionRecipe, Stacking
from defectflow.schema.layers import JunctionCell, Layer
from defectflow.structures.matching import Ints, Match, match_squares

CENTRED = np.array([0.5, 0.5])  # from one layer to the next in rocksalt, bcc and fcc (001), in primitive vectors
# Where the first metal layer sits, from the anion of the oxide layer it faces, in the oxide's primitive vectors.
_SITE: dict[Stacking, Floats] = {
    "anion-top": np.array([0.0, 0.0]),
    "cation-top": np.array([0.5, 0.5]),
    "hollow": np.array([0.5, 0.0]),
}
_SIDES: tuple[Literal["left"], Literal["right"]] = ("left", "right")


@dataclass(frozen=True, eq=False)
class _Sheet:
    """Atoms of one layer: their in-plane fractional coordinates in the common cell, and its height (A)."""

    kind: Literal["metal", "oxide", "inserted"]
    side: Literal["left", "right"]
    depth: int
    height: float
    species: tuple[str, ...]
    plane: Floats
    moment: float


def build_junction(recipe: JunctionRecipe, state: str) -> JunctionCell:
    """Junction of a recipe in one state of its electrodes.

    The right half is the left half mirrored at the barrier's middle, shifted in the plane where the barrier has an
    even number of layers; so the two interfaces are equivalent.

    Parameters
    ----------
    state : str
        "P" or "AP": the right electrode's moments along or against those of the left one.

    Raises
    ------
    StructureError
        If the strain is over the limit, or the metal of a superlattice cannot end at both interfaces alike.
    RecipeError
        If the oxide is unknown or no rocksalt.
    """
    oxide = _rocksalt(recipe)
    _check_elements(recipe, oxide)
    side = (recipe.oxide.lattice_constant or oxide.lattice_constant) / np.sqrt(2)
    match = _repeated(_match(recipe, side), recipe.interface.repeat)
    spacing = _oxide_spacing(recipe, side, match)
    barrier = _barrier(recipe, oxide, match, spacing)
    sheets = [*barrier, *_outside(recipe, match, barrier, state)]
    length = _length(recipe, sheets)
    if recipe.geometry.kind == "superlattice":
        _check_registry(recipe, match, sheets)
        sheets = [*barrier, *_around(_outside(recipe, match, barrier, state), length)]
    bulk = _bulk(oxide, match, spacing)
    cell, layers = _stacked(sheets, match, length)
    return JunctionCell(cell, layers, state, match.strain, recipe.interface.strained, bulk)


def _rocksalt(recipe: JunctionRecipe) -> Material:
    try:
        oxide = material(recipe.oxide.material)
    except RecipeError as error:
        todo = "add it, with its source, to materials/hosts.toml"
        raise RecipeError(error.what, where="oxide.material", todo=todo) from None
    if oxide.prototype != "rocksalt":
        raise RecipeError(f"{oxide.name} is {oxide.prototype}; a rocksalt oxide is expected", where="oxide.material")
    return oxide


def _check_elements(recipe: JunctionRecipe, oxide: Material) -> None:
    others = [("electrode.element", recipe.electrode.element)]
    others += [(f"impurities.{n}.element", i.element) for n, i in enumerate(recipe.impurities)]
    for where, element in others:
        if element in oxide.species:
            raise StructureError(f"{element} is an element of the oxide itself", where=where)
    deepest = (recipe.oxide.layers + 1) // 2
    if too_deep := [i.depth for i in recipe.impurities if i.depth > deepest]:
        what = f"depth {too_deep[0]} is beyond the barrier's middle (layer {deepest})"
        raise StructureError(what, where="impurities", todo="count from the other side")


def _metal_side(recipe: JunctionRecipe) -> float:
    electrode = recipe.electrode
    return electrode.lattice_constant / (np.sqrt(2) if electrode.prototype == "fcc" else 1.0)


def _match(recipe: JunctionRecipe, side: float) -> Match:
    limits = (recipe.interface.max_strain, recipe.interface.max_area)
    return match_squares(side, _metal_side(recipe), recipe.interface.strained, limits)


def _repeated(match: Match, times: tuple[int, int]) -> Match:
    wide = np.diag(times)
    return Match(wide @ match.lattice, wide @ match.oxide, wide @ match.metal, match.strain)


def _area_ratio(recipe: JunctionRecipe, match: Match, which: str) -> float:
    """Area per atom of the free crystal over that in the junction."""
    stretched = (1 + match.strain[0]) * (1 + match.strain[1])
    return 1 / stretched if recipe.interface.strained == which else 1.0


def _oxide_spacing(recipe: JunctionRecipe, side: float, match: Match) -> float:
    return recipe.oxide.spacing or float(side / np.sqrt(2) * _area_ratio(recipe, match, "oxide"))


def _metal_spacing(recipe: JunctionRecipe, match: Match) -> float:
    equal_volume = recipe.electrode.lattice_constant / 2 * _area_ratio(recipe, match, "electrode")
    return recipe.electrode.spacing or float(equal_volume)


def _points(origin: Floats, transformation: Ints) -> Floats:
    """All lattice points `origin` + integers of a crystal, as fractions of the common cell, shape (n, 2)."""
    reach = int(np.abs(transformation).sum())
    grid = np.stack(np.meshgrid(*[np.arange(-reach, reach + 1)] * 2, indexing="ij"), -1).reshape(-1, 2)
    inside = _wrapped((origin + grid) @ np.linalg.inv(transformation))
    return np.unique(inside, axis=0)


def _wrapped(fractions: Floats) -> Floats:
    wrapped = np.round(fractions % 1.0, 9) % 1.0
    return np.asarray(wrapped)


def _barrier(recipe: JunctionRecipe, oxide: Material, match: Match, spacing: float) -> list[_Sheet]:
    """Oxide layers around height zero, with the anions that the recipe replaces."""
    n = recipe.oxide.layers
    sheets = []
    for i in range(n):
        anions, cations = _points(i * CENTRED, match.oxide), _points((i + 1) * CENTRED, match.oxide)
        side, depth = _SIDES[2 * i >= n], min(i, n - 1 - i) + 1
        names = _anions(recipe, match, oxide.species[1], (anions, i))
        species = (*names, *[oxide.species[0]] * len(cations))
        height = (i - (n - 1) / 2) * spacing
        sheets.append(_Sheet("oxide", side, depth, height, species, np.vstack([anions, cations]), 0.0))
    return sheets


def _anions(recipe: JunctionRecipe, match: Match, anion: str, layer: tuple[Floats, int]) -> tuple[str, ...]:
    """Elements on the anion sites of layer number `layer[1]`, those that the recipe replaces included."""
    points, index = layer
    names = np.array([anion] * len(points), dtype=object)
    for impurity in recipe.impurities:
        for side in _SIDES if impurity.side == "both" else (impurity.side,):
            at = impurity.depth - 1
            if index == (at if side == "left" else recipe.oxide.layers - 1 - at):
                chosen = slice(None) if impurity.fill == "all" else _one(recipe, match, points, (at, side))
                names[chosen] = impurity.element
    return tuple(names.tolist())


def _one(recipe: JunctionRecipe, match: Match, points: Floats, where: tuple[int, str]) -> int:
    """The anion that one dopant replaces: near the origin on the left, its image by inversion on the right."""
    at, side = where
    place = _points(at * CENTRED, match.oxide)[0]
    if side == "right":
        place = (2 * _SITE[recipe.interface.stacking] + _shift(recipe)) @ np.linalg.inv(match.oxide) - place
    away = points - place
    return int(np.argmin(np.linalg.norm(away - np.round(away), axis=1)))


def _shift(recipe: JunctionRecipe) -> Floats:
    """From the barrier's first to its last layer, in the oxide's primitive vectors."""
    return np.asarray((recipe.oxide.layers - 1) % 2 * CENTRED)


def _inserted(recipe: JunctionRecipe, side: str) -> list[Impurity]:
    return [i for i in recipe.impurities if i.depth == 0 and i.side in (side, "both")]


def _outside(recipe: JunctionRecipe, match: Match, barrier: list[_Sheet], state: str) -> list[_Sheet]:
    """Metal, and layers inserted before it, on both sides; of a superlattice all of it on the right."""
    moments = {"left": recipe.electrode.moment, "right": recipe.electrode.moment * (1 if state == "P" else -1)}
    sheets = []
    for side in _SIDES:
        metal = recipe.electrode.layers
        if recipe.geometry.kind == "superlattice":
            metal = metal if side == "right" else 0
        sheets += _electrode(recipe, match, barrier, (side, metal, moments[side]))
    return sheets


def _electrode(
    recipe: JunctionRecipe, match: Match, barrier: list[_Sheet], half: tuple[Literal["left", "right"], int, float]
) -> list[_Sheet]:
    side, count, moment = half
    away = 1 if side == "right" else -1
    edge = barrier[-1 if side == "right" else 0]
    # The anion of the layer that is faced; the metal's layers follow in the metal's own stacking.
    faced = _SITE[recipe.interface.stacking] + (_shift(recipe) if side == "right" else 0.0)
    start = faced @ np.linalg.inv(match.oxide)
    sheets, height, steps = [], edge.height, 0
    for impurity in _inserted(recipe, side):
        height += away * cast(float, impurity.distance)
        plane = _points(start @ match.metal + steps * CENTRED, match.metal)
        sheets.append(_Sheet("inserted", side, 1, height, (impurity.element,) * len(plane), plane, 0.0))
        steps += 1
    spacing = _metal_spacing(recipe, match)
    for n in range(count):
        height += away * (recipe.interface.distance if n == 0 else spacing)
        plane = _points(start @ match.metal + (steps + n) * CENTRED, match.metal)
        species = (recipe.electrode.element,) * len(plane)
        sheets.append(_Sheet("metal", side, n + 1, height, species, plane, moment))
    return sheets


def _length(recipe: JunctionRecipe, sheets: list[_Sheet]) -> float:
    heights = [s.height for s in sheets]
    closing = recipe.geometry.vacuum or recipe.interface.distance
    return max(heights) - min(heights) + closing


def _check_registry(recipe: JunctionRecipe, match: Match, sheets: list[_Sheet]) -> None:
    """The last metal layer of a period must face the next barrier as the first one faces this barrier."""
    barrier = [s for s in sheets if s.kind == "oxide"]
    wanted = _electrode(recipe, match, barrier, ("left", 1, 0.0))[-1].plane
    found = max((s for s in sheets if s.kind == "metal"), key=lambda s: s.height).plane
    if wanted.shape != found.shape or not np.allclose(wanted, found, atol=1e-6):
        todo = "make electrode.layers and oxide.layers both even or both odd, or use a slab"
        raise StructureError("the two interfaces of the superlattice would differ", where="electrode.layers", todo=todo)


def _around(sheets: list[_Sheet], length: float) -> list[_Sheet]:
    """The metal of a period cut in its middle, so that the barrier has half of it on either side."""
    metal = [s for s in sheets if s.kind == "metal"]
    far = {id(s): len(metal) - n for n, s in enumerate(metal)}  # layers from the left interface of the next period
    moved = []
    for s in sheets:
        if s.kind == "metal" and far[id(s)] < s.depth:
            moved.append(_Sheet(s.kind, "left", far[id(s)], s.height - length, s.species, s.plane, s.moment))
        else:
            moved.append(s)
    return moved


def _stacked(sheets: list[_Sheet], match: Match, length: float) -> tuple[Cell, tuple[Layer, ...]]:
    """Cell with the barrier's middle at half its length, atoms by height."""
    lattice = np.zeros((3, 3))
    lattice[:2, :2], lattice[2, 2] = match.lattice, length
    ordered = sorted(sheets, key=lambda s: s.height)
    plane = np.vstack([s.plane for s in ordered])
    z = np.concatenate([np.full(len(s.plane), s.height / length + 0.5) for s in ordered])
    moments = np.concatenate([np.full(len(s.plane), s.moment) for s in ordered])
    species = tuple(name for s in ordered for name in s.species)
    ends = np.cumsum([len(s.plane) for s in ordered])
    layers = tuple(
        Layer(s.kind, s.side, s.depth, tuple(range(end - len(s.plane), end)))
        for s, end in zip(ordered, ends.tolist(), strict=True)
    )
    return Cell(lattice, species, np.column_stack([plane, z]), moments), layers


def _bulk(oxide: Material, match: Match, spacing: float) -> Cell:
    """Two layers of the oxide with the junction's in-plane lattice: the reference of its band edges."""
    lattice = np.zeros((3, 3))
    lattice[:2, :2] = np.linalg.inv(match.oxide) @ match.lattice
    lattice[2, 2] = 2 * spacing
    coords = np.array([[0, 0, 0], [0.5, 0.5, 0], [0.5, 0.5, 0.5], [0, 0, 0.5]], float)
    anion, cation = oxide.species[1], oxide.species[0]
    return Cell(lattice, (anion, cation, anion, cation), coords, np.zeros(4))
