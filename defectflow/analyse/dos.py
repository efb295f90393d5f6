"""Spin-resolved densities of states, and the states around a reference energy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from defectflow.analyse.alignment import Reference
from defectflow.errors import AnalysisError
from defectflow.schema import CalcResult
from defectflow.schema.cell import Floats

BLOCK = 4_000_000  # Gaussians at a time, which bounds the memory of their sum to some 100 MB
DEGENERATE = 0.01  # eV; bands of the two spins whose energies over the mesh are closer than this are spin-degenerate


@dataclass(frozen=True, eq=False)
class Dos:
    """Density of states of one cell.

    Attributes
    ----------
    energies : (ne,) float
        Relative to the reference (eV).
    total : (spin, ne) float
        States per eV and cell in each spin channel, up first; both positive.
    groups : dict of str to (spin, ne) float
        The part on groups of atoms (per group, weights as in `Projections`).
    reference : Reference
        The zero of energy.
    fermi : float
        Fermi level of the cell relative to the reference (eV).
    broadening : float
        Standard deviation of the Gaussian (eV).
    """

    energies: Floats
    total: Floats
    groups: dict[str, Floats]
    reference: Reference
    fermi: float
    broadening: float


@dataclass(frozen=True)
class Level:
    """One band of one spin channel.

    Attributes
    ----------
    spin : str
        "up" or "down".
    band : int
        Counted from 1.
    energy : float
        Mean over the mesh, relative to the reference (eV).
    lowest, highest : float
        Over the mesh (eV).
    occupation : float
        Mean over the mesh, 0 to 1.
    dopant_weight : float
        Mean projection on both dopants (see `Projections`).
    per_dopant : (float, float)
        The same on each of them.
    orbitals : dict of str to float
        The same by orbital ("s", "p", "d").
    crosses : bool
        Whether the reference lies between `lowest` and `highest`, widened by the smearing width and the
        reference's uncertainty: closer than that the run cannot tell. With few k-points a band has no width.
    spin_degenerate : bool
        Whether a band of the other spin has the same energies over the mesh, and so the same DOS. Not at the same
        k-points: where a rotation relates the two sublattices of an AF state, E_up(k) is E_down of the rotated k.
    """

    spin: str
    band: int
    energy: float
    lowest: float
    highest: float
    occupation: float
    dopant_weight: float
    per_dopant: tuple[float, float]
    orbitals: dict[str, float]
    crosses: bool
    spin_degenerate: bool


def dos(
    result: CalcResult,
    reference: Reference,
    groups: dict[str, tuple[int, ...]],
    window: tuple[float, float],
    broadening: float,
) -> Dos:
    """Gaussian-broadened DOS around a reference.

    Parameters
    ----------
    groups : dict of str to tuple of int
        Atoms whose projections are added up; each must be among the result's projected sites.
    window : (float, float)
        Energies relative to the reference (eV).
    broadening : float
        Standard deviation of the Gaussian (eV); the grid has five points per broadening or finer.

    Raises
    ------
    AnalysisError
        If a group names a site without projections.
    """
    points = int(np.ceil((window[1] - window[0]) / broadening * 5)) + 1
    energies = np.linspace(*window, points)
    weights = {"": np.ones_like(result.eigenvalues)}
    weights |= {name: _group_weight(result, sites) for name, sites in groups.items()}
    curves = _broadened(result, np.stack(list(weights.values())), energies + reference.energy, broadening)
    named = dict(zip(weights, curves, strict=True))
    fermi = float(result.fermi.max()) - reference.energy
    return Dos(energies, named.pop(""), named, reference, fermi, broadening)


def site_orbital_dos(result: CalcResult, energies: Floats, broadening: float) -> Floats:
    """Gaussian-broadened projections, shape (site, orbital, spin, ne), in states per eV; sites as in `Projections`.

    Parameters
    ----------
    energies : (ne,) float
        On the scale of the eigenvalues (eV).
    broadening : float
        Standard deviation of the Gaussian (eV).
    """
    weights = np.moveaxis(result.projections.weights.astype(float), (3, 4), (0, 1))
    flat = weights.reshape(-1, *result.eigenvalues.shape)
    shape = (*weights.shape[:2], 2, len(energies))
    return _broadened(result, flat, energies, broadening).reshape(shape) if len(flat) else np.zeros(shape)


def total_dos(result: CalcResult, energies: Floats, broadening: float) -> Floats:
    """The same of all states, shape (spin, ne)."""
    return np.asarray(_broadened(result, np.ones((1, *result.eigenvalues.shape)), energies, broadening)[0])


def _broadened(result: CalcResult, weights: Floats, energies: Floats, sigma: float) -> Floats:
    # (group, spin, energy): sum over k and bands of w_k * weight * normalised Gaussian; a cell without spin
    # polarisation puts half of its two electrons per band in either channel.
    factor = result.k_weights[None, None, :, None] * weights / (sigma * np.sqrt(2 * np.pi))
    blocks = []
    for part in np.array_split(energies, -(-len(energies) * result.eigenvalues.size // BLOCK)):
        gauss = np.exp(-0.5 * ((part[:, None, None, None] - result.eigenvalues) / sigma) ** 2)
        blocks.append(np.einsum("gskb,eskb->gse", factor, gauss, optimize=True))
    curves = np.concatenate(blocks, axis=2)
    return curves if result.n_spins == 2 else np.repeat(curves, 2, axis=1)


def _group_weight(result: CalcResult, sites: tuple[int, ...]) -> Floats:
    return np.asarray(_site_weights(result, sites).sum(axis=(3, 4)), float)


def _site_weights(result: CalcResult, sites: tuple[int, ...]) -> Floats:
    known = result.projections.sites.tolist()
    if missing := [s for s in sites if s not in known]:
        raise AnalysisError(f"no projections on sites {missing}", todo=f"this run projected on {known}")
    return np.asarray(result.projections.weights[..., [known.index(s) for s in sites], :])


def levels_around(
    result: CalcResult, reference: Reference, dopants: tuple[int, int], window: float
) -> tuple[Level, ...]:
    """Bands that come within `window` (eV) of the reference, lowest first, up before down."""
    eigenvalues = result.eigenvalues - reference.energy
    weights = _site_weights(result, dopants)
    margin = reference.uncertainty + result.settings.smearing.width
    levels = []
    for spin in range(result.n_spins):
        low, high = eigenvalues[spin].min(axis=0), eigenvalues[spin].max(axis=0)
        for band in np.flatnonzero((low < window) & (high > -window)):
            levels.append(_level(result, eigenvalues, (spin, int(band)), weights, margin))
    return tuple(sorted(levels, key=lambda v: (round(v.energy, 6), v.spin == "down")))


def _level(result: CalcResult, e: Floats, which: tuple[int, int], weights: Floats, margin: float) -> Level:
    spin, band = which
    k = result.k_weights
    on = np.einsum("k,kmo->mo", k, weights[spin, :, band])
    first, second = (float(w) for w in on.sum(axis=1))
    low, high = float(e[spin, :, band].min()), float(e[spin, :, band].max())
    partner = result.n_spins == 1 or _same_in_other_spin(e, which, k)
    return Level(
        spin=("up", "down")[spin],
        band=band + 1,
        energy=float(k @ e[spin, :, band]),
        lowest=low,
        highest=high,
        occupation=float(k @ result.occupations[spin, :, band]),
        dopant_weight=first + second,
        per_dopant=(first, second),
        orbitals=dict(zip(result.projections.orbitals, on.sum(axis=0).tolist(), strict=True)),
        crosses=low - margin <= 0 <= high + margin,
        spin_degenerate=partner,
    )


def _same_in_other_spin(e: Floats, which: tuple[int, int], k_weights: Floats) -> bool:
    spin, band = which
    near = np.flatnonzero(np.abs(k_weights @ (e[1 - spin] - e[spin, :, band, None])) < DEGENERATE)
    return any(_apart(e[spin, :, band], e[1 - spin, :, other], k_weights) < DEGENERATE for other in near)


def _apart(one: Floats, other: Floats, weights: Floats) -> float:
    """Largest distance of two bands, each sorted by its energy over the mesh (eV)."""
    (first, at_first), (second, at_second) = (_sorted(band, weights) for band in (one, other))
    ends = np.unique(np.round(np.concatenate([[0.0, weights.sum()], at_first, at_second]), 9))
    middles = (ends[1:] + ends[:-1]) / 2
    return float(np.abs(first[np.searchsorted(at_first, middles)] - second[np.searchsorted(at_second, middles)]).max())


def _sorted(band: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Energies, lowest first, and the part of the zone at which the next one begins."""
    order = np.argsort(band)
    return band[order], np.cumsum(weights[order])[:-1]


def states_within(result: CalcResult, reference: Reference, window: float) -> tuple[float, float]:
    """States per cell within `window` (eV) of the reference, up and down, unbroadened."""
    near = np.abs(result.eigenvalues - reference.energy) <= window
    counts = np.einsum("k,skb->s", result.k_weights, near)
    return float(counts[0]), float(counts[-1])
