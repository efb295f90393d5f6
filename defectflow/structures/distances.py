"""Distances between the sites of a supercell, and the shells that they form."""

from __future__ import annotations

import numpy as np

from defectflow.structures.sites import Floats, Ints, lattice_points

SAME_LENGTH = 1e-3  # A


def nearest_distances(lattice: Floats, coords: Floats) -> Floats:
    """Shortest distance of any two sites (A), (n, n); on the diagonal that of a site and its nearest image."""
    shifts = _shifts(lattice)
    lengths = np.linalg.norm(shifts, axis=1)
    found = np.array([_from(site, coords, lattice, shifts) for site in coords])
    np.fill_diagonal(found, lengths[lengths > SAME_LENGTH].min())
    return found


def distances_from(point: Floats, lattice: Floats, coords: Floats) -> Floats:
    """Shortest distance of each site from a point (fractional) (A), (n,)."""
    return _from(point, coords, lattice, _shifts(lattice))


def _shifts(lattice: Floats) -> Floats:
    return lattice_points(lattice, float(np.linalg.norm(lattice, axis=1).sum()) / 2)


def _from(site: Floats, coords: Floats, lattice: Floats, shifts: Floats) -> Floats:
    offset = coords - site
    vectors = (offset - np.rint(offset)) @ lattice
    return np.asarray(np.linalg.norm(vectors[:, None] + shifts, axis=2).min(axis=1))


def steps(lengths: Floats) -> Floats:
    """The different lengths (A), rising."""
    rising = np.sort(lengths, axis=None)
    return np.asarray(rising[np.append(True, np.diff(rising) > SAME_LENGTH)[: len(rising)]])


def shell_lengths(distance: Floats) -> Floats:
    """The different distances between different sites (A), nearest first."""
    return steps(distance[~np.eye(len(distance), dtype=bool)])


def shell_numbers(distance: Floats, lengths: Floats) -> Ints:
    """Number of each distance among the lengths, nearest is 1."""
    return np.asarray(np.searchsorted(lengths - SAME_LENGTH, distance))
