"""From the recipe of a screening to its configurations, and to the spin orders and charges they are run in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from defectflow.errors import StructureError
from defectflow.schema.cell import Cell, Floats
from defectflow.schema.configuration import Configuration, ConfigurationState
from defectflow.schema.defects import INTERSTITIAL, defect_words
from defectflow.schema.family import Family, Near
from defectflow.schema.screen import ScreenRecipe
from defectflow.structures.burnside import burnside_count
from defectflow.structures.cases import families_of
from defectflow.structures.configurations import Limits, distinct_configurations
from defectflow.structures.distances import distances_from, nearest_distances
from defectflow.structures.doped import configuration_cell
from defectflow.structures.host import host_structure
from defectflow.structures.moments import orders_of
from defectflow.structures.origin import fewest_points
from defectflow.structures.parts import Part, in_order
from defectflow.structures.placement import Placement
from defectflow.structures.sites import Ints
from defectflow.structures.split import split_cells
from defectflow.structures.symmetry import SiteGroup, site_group
from defectflow.structures.voids import largest_void

_MOST_ORIGINS = 24
_TOO_NEAR = 0.5  # A


def families(recipe: ScreenRecipe) -> tuple[Family, ...]:
    """Families of the search, then those of the named cases."""
    return (*recipe.search, *(f for case in recipe.cases for f in families_of(case)))


def build_states(recipe: ScreenRecipe) -> tuple[ConfigurationState, ...]:
    """Every configuration in every order and charge, each once, in the order of the recipe.

    Raises
    ------
    StructureError
        If a family has no configuration, or there are more than ``most`` in all.
    """
    _check_moments(recipe)
    found: dict[str, ConfigurationState] = {}
    labels: set[str] = set()
    for family in families(recipe):
        for placed, degeneracy in _placements(recipe, family):
            for configuration in _configurations(recipe, family, placed, degeneracy):
                labels.add(configuration.label)
                _check_number(recipe, len(labels))
                for state in _states(recipe, family, configuration, placed):
                    _check_same(found.setdefault(state.folder, state), state)
    return tuple(found.values())


def _check_same(there: ConfigurationState, state: ConfigurationState) -> None:
    """Two families may ask for the same state, not for two of one name."""
    if not np.allclose(there.cell.moments, state.cell.moments):
        what = f"{state.folder} is asked for twice, with different moments"
        raise StructureError(what, where="search", todo="give each its own recipe, or one moment")


def _check_moments(recipe: ScreenRecipe) -> None:
    """A moment that nothing carries would be ignored: refuse it."""
    words = {w for f in families(recipe) for d in f.dopants for w in (d, defect_words(d)[0])}
    known = sorted(words | set(_host(recipe).species))
    if stray := sorted(set(recipe.moments) - set(known)):
        todo = f"the recipe has {', '.join(known)}"
        raise StructureError(f'nothing carries the moment of "{stray[0]}"', where="moments", todo=todo)


def _check_number(recipe: ScreenRecipe, number: int) -> None:
    if number > recipe.most:
        todo = "narrow the search (defectflow screen plan --count-only), or raise most"
        raise StructureError(f"there are more than {recipe.most} configurations", where="most", todo=todo)


def count(recipe: ScreenRecipe) -> list[tuple[str, int]]:
    """Name and distinct configurations of every composition; limits are counted by looking at each."""
    found = []
    for family in families(recipe):
        for mix in family.compositions:
            whole, parts = _whole(recipe, family, mix), _parts(mix)
            group, limits = _restricted(whole, _kept(whole, family)), _limits(family, whole)
            name = " ".join(f"{k}:{n}" for k, n in mix.items())
            name += f" (sites; split along {family.split})" if family.split else ""
            found.append((name, burnside_count(group, parts) if limits.none else _listed(recipe, group, parts, limits)))
    return found


def _listed(recipe: ScreenRecipe, group: SiteGroup, parts: tuple[Part, ...], limits: Limits) -> int:
    number = 0
    for batch in distinct_configurations(group, parts, limits):
        number += len(batch)
        _check_number(recipe, number)
    return number


def pristine(recipe: ScreenRecipe) -> Cell:
    """The supercell without defects, with the moments of the host's own atoms."""
    group = site_group(_host(recipe), recipe.supercell.rows, [_host(recipe).species[0]])
    bare = Cell(group.lattice, group.species, group.coords, np.zeros(len(group.species)))
    return bare.with_moments(np.array([recipe.moments.get(s, 0.0) for s in bare.species]))


def _host(recipe: ScreenRecipe) -> Cell:
    return Cell.from_pymatgen(host_structure(recipe.host))


def _parts(mix: dict[str, int]) -> tuple[Part, ...]:
    return in_order([Part(*defect_words(name), count) for name, count in mix.items()])


def _limits(family: Family, whole: SiteGroup) -> Limits:
    """The limits of a family; shells are counted among all sites, also where it takes only some of them."""
    return Limits(family.nearest or 0.0, family.diameter or float("inf"), family.shells or ()).among(whole)


def _whole(recipe: ScreenRecipe, family: Family, mix: dict[str, int]) -> SiteGroup:
    host, elements = _host(recipe), sorted({defect_words(name)[1] for name in mix})
    extra = None
    if INTERSTITIAL in elements:
        extra = largest_void(host) if family.interstitial is None else _free(host, np.array([family.interstitial]))
    return site_group(host, recipe.supercell.rows, elements, extra)


def _free(host: Cell, place: Floats) -> Floats:
    """An interstitial position, if it is not that of an atom."""
    distance = distances_from(place[0], host.lattice, host.coords)
    if distance.min() < _TOO_NEAR:
        atom = host.species[int(distance.argmin())]
        what = f"is {distance.min():.2f} A from {atom}; an interstitial atom needs room"
        raise StructureError(what, where="search.interstitial", todo="leave it out for the largest void of the host")
    return place


def _kept(group: SiteGroup, family: Family) -> Ints:
    return np.arange(len(group.sites)) if family.near is None else _near(group, family.near)


def _near(group: SiteGroup, near: Near) -> Ints:
    """Sites that are close to some atoms: a set that the group keeps."""
    others = [i for i, s in enumerate(group.species) if s in near.elements]
    if not others:
        known = ", ".join(sorted(set(group.species)))
        what = f"the cell has no {' or '.join(near.elements)}"
        raise StructureError(what, where="search.near.elements", todo=f"it holds {known}")
    both = np.concatenate([group.sites, others])
    distance = nearest_distances(group.lattice, group.coords[both])[: len(group.sites), len(group.sites) :]
    kept = np.flatnonzero(distance.min(axis=1) <= near.within)
    if not len(kept):
        names = " or ".join(near.elements)
        what = f"no site is within {near.within:g} A of {names}: the nearest is {distance.min():.2f} A"
        raise StructureError(what, where="search.near.within")
    return kept


def _restricted(group: SiteGroup, kept: Ints) -> SiteGroup:
    """The same group on some sites only, numbered anew."""
    if len(kept) == len(group.sites):
        return group
    number = np.full(len(group.sites), -1, dtype=np.int16)
    number[kept] = np.arange(len(kept))
    return replace(group, sites=group.sites[kept], table=np.unique(number[group.table[:, kept]], axis=0))


def _placements(recipe: ScreenRecipe, family: Family) -> Iterator[tuple[Placement, int]]:
    """Distinct placements of a family with their degeneracies, as a stream."""
    for mix in family.compositions:
        group, parts = _whole(recipe, family, mix), _parts(mix)
        kept = _kept(group, family)
        there = False
        for batch in distinct_configurations(_restricted(group, kept), parts, _limits(family, group)):
            for sites, degeneracy in zip(kept[batch.sites].tolist(), batch.degeneracy.tolist(), strict=True):
                there = True
                yield Placement(group, parts, tuple(sites)), degeneracy
        if not there:
            names = " ".join(f"{k}:{n}" for k, n in mix.items())
            raise StructureError(f"no configuration of {names} keeps the limits", where="search", todo="widen them")


def _configurations(recipe: ScreenRecipe, family: Family, placed: Placement, degeneracy: int) -> list[Configuration]:
    cell, dopants = configuration_cell(placed.group, placed.parts, placed.sites)
    if not len(cell):
        raise StructureError("no atom is left in the cell", where="search.dopants", todo="take fewer vacancies")
    one = Configuration(
        label=placed.label + _place_words(family),
        composition={part.label: part.count for part in placed.parts},
        degeneracy=degeneracy,
        cell=cell,
        dopants=dopants,
        defects=placed.defects,
        centres=placed.centres,
        distance=placed.distance,
        origin=np.zeros(3),
    )
    return [one] if family.split is None else _split(recipe, family.split, one)


def _place_words(family: Family) -> str:
    """Part of a label: an interstitial position that is not the host's largest void."""
    return "" if family.interstitial is None else "-at." + ".".join(f"{x:.4f}" for x in family.interstitial)


def _split(recipe: ScreenRecipe, digits: str, one: Configuration) -> list[Configuration]:
    """The dopant and the atom it would replace on one site, in every distinct direction."""
    partner = defect_words(one.defects[0])[1]
    composition = {f"{one.defects[0]}_split": 1}
    return [
        replace(one, label=f"{one.label}-{partner}.{name}", cell=cell, dopants=(index,), composition=composition)
        for name, cell, index in split_cells(one.cell, one.dopants[0], partner, _host(recipe).lattice, digits)
    ]


def _states(
    recipe: ScreenRecipe, family: Family, configuration: Configuration, placed: Placement
) -> list[ConfigurationState]:
    orders = orders_of(recipe, family, configuration, placed)
    bare = [configuration.cell.with_moments(order.moments) for order in orders]
    moved = _moved(configuration, fewest_points(bare, _origins(configuration.centres)))
    return [
        ConfigurationState(moved, order.name, charge, moved.cell.with_moments(order.moments), order.carriers)
        for order in orders
        for charge in family.charges
    ]


def _origins(centres: Floats) -> list[Floats]:
    """Sites that were changed, and the middles of two of them."""
    offsets = [b - a for n, a in enumerate(centres) for b in centres[n + 1 :]]
    starts = [a for n, a in enumerate(centres) for _ in centres[n + 1 :]]
    middles = [a + (o - np.rint(o)) / 2 for a, o in zip(starts, offsets, strict=True)]
    return [*centres, *middles][:_MOST_ORIGINS]


def _moved(configuration: Configuration, origin: Floats) -> Configuration:
    coords, centres = (c - origin for c in (configuration.cell.coords, configuration.centres))
    coords, centres = (c - np.floor(c + 1e-9) for c in (coords, centres))
    return replace(configuration, cell=configuration.cell.with_coords(coords), centres=centres, origin=origin)
