"""Jobs of a study of pairs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from defectflow.schema import Cell, Job, KMesh, PairCell, Recipe, Settings
from defectflow.schema.recipe import Bulk
from defectflow.schema.spin import Start
from defectflow.structures.build import build_pair_cells, far_sites, neighbour_sites, primitive_cell
from defectflow.structures.spins import start_coords


def pair_jobs(recipe: Recipe) -> tuple[Job, ...]:
    """Jobs of a study of pairs: the host's own run, then every pair and state."""
    pairs = [job for pair, start in build_pair_cells(recipe) for job in _pair_jobs(recipe, pair, start)]
    return (*_bulk_jobs(recipe), *pairs)


def pair_folder(pair: PairCell, sublattice: str) -> str:
    """Folder of a pair's spin state: ``pairs/C_O-C_O_s4_d6.01/AF``, with the start behind it if it is broken."""
    names = "-".join(f"{pair.cell.species[d]}_{sublattice}" for d in pair.dopants)
    start = "" if pair.start == "symmetric" else f".{pair.start}"
    return f"pairs/{names}_{pair.orbit.folder}/{pair.state}{start}"


def _bulk_jobs(recipe: Recipe) -> tuple[Job, ...]:
    if recipe.bulk is None:
        return ()
    cell = primitive_cell(recipe.host)
    anions = tuple(i for i, s in enumerate(cell.species) if s == recipe.pairs.sublattice)
    return bulk_jobs(cell, recipe.settings, recipe.bulk, anions)


def bulk_jobs(cell: Cell, settings: Settings, bulk: Bulk, sites: tuple[int, ...]) -> tuple[Job, Job]:
    """Density of the perfect crystal, and its bands on a mesh that holds the band edges."""
    static = Job("bulk/static", "static", cell, settings, bulk.kpoints, sites, spin_polarised=False)
    bands = replace(static, path="bulk/dos", stage="dos", kpoints=bulk.band_kpoints, parent="bulk/static")
    return (static, bands)


def _pair_jobs(recipe: Recipe, pair: PairCell, start: Start) -> list[Job]:
    settings = recipe.settings.model_copy(update={"symmetry": _symmetry_kept(recipe, pair.orbit.label)})
    moved = start_coords(pair, start)
    jobs: list[Job] = []
    for stage in recipe.stages:
        first, mesh = not jobs, _mesh(recipe, settings, stage)
        job = Job(
            path=f"{pair_folder(pair, recipe.pairs.sublattice)}/{stage}",
            stage=stage,
            cell=_start_cell(pair.cell, moved if first and stage == "relax" else None),
            # The mesh of the energies decides nothing of a relaxation: finer energies must not relax again.
            settings=settings.model_copy(update={"kpoints": mesh}) if stage == "relax" else settings,
            kpoints=mesh,
            sites=projected_sites(recipe, pair),
            spin_polarised=pair.state != "NM",
            parent=jobs[-1].path if jobs else None,
            seed_coords=moved if first and stage == "static" else None,
            geometry_of=_first_state(recipe, pair) if first and stage == "relax" else None,
        )
        jobs.append(job)
    return jobs


def _first_state(recipe: Recipe, pair: PairCell) -> str | None:
    """Path of the relaxation in whose geometry this state begins, None if it begins on the ideal sites."""
    first = recipe.spin.states[0]
    if recipe.relax.begin == "ideal sites" or pair.state == first:
        return None
    return f"{pair_folder(replace(pair, state=first), recipe.pairs.sublattice)}/relax"


def _symmetry_kept(recipe: Recipe, label: str) -> bool:
    # A seed in an undistorted cell only stays broken without symmetry, and then all starts of the pair go without it.
    # A relaxation begins in the distorted cell itself, and keeps what symmetry that has.
    seeded = "relax" not in recipe.stages and any(s.kind != "symmetric" and s.is_for(label) for s in recipe.spin.starts)
    return recipe.settings.symmetry and not seeded


def _start_cell(cell: Cell, coords: object) -> Cell:
    return cell if coords is None else cell.with_coords(np.asarray(coords))


def _mesh(recipe: Recipe, settings: Settings, stage: str) -> KMesh:
    chosen = {"relax": recipe.relax.kpoints, "dos": recipe.dos.kpoints}.get(stage)
    return chosen or settings.kpoints


def projected_sites(recipe: Recipe, pair: PairCell) -> tuple[int, ...]:
    """Dopants, their neighbours and the sites of their sublattice farthest from both, in this order."""
    return (*pair.dopants, *neighbour_sites(pair), *far_sites(pair, recipe.pairs.sublattice))
