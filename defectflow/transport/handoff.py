"""From a pair's levels to the hand-off: degenerate bands as one, and the chain that comes nearest to them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import least_squares

from defectflow.errors import AnalysisError
from defectflow.schema.cell import Floats
from defectflow.schema.chain import Chain, checked_chain
from defectflow.schema.handoff import ChainFit, Handoff, HandoffLevel

DEGENERATE = 10.0  # meV
FAR = 4.0  # kT: a level farther from E_F is empty or full to two per cent


@dataclass(frozen=True)
class Centres:
    """The two spins: their length (half the moment in muB) and the signs of <S_z>."""

    spin_length: float
    signs: tuple[int, int]


def merge(bands: tuple[HandoffLevel, ...]) -> tuple[HandoffLevel, ...]:
    """Levels from single bands: neighbours of one spin within 10 meV become one level, lowest first."""
    found: list[list[HandoffLevel]] = []
    for spin in ("up", "down", "both"):
        for band in sorted((b for b in bands if b.spin == spin), key=lambda b: b.energy):
            if found and found[-1][0].spin == spin and band.energy - found[-1][-1].energy < DEGENERATE:
                found[-1].append(band)
            else:
                found.append([band])
    return tuple(sorted(map(_merged, found), key=lambda v: v.energy))


def _merged(bands: list[HandoffLevel]) -> HandoffLevel:
    def mean(values: list[float]) -> float:
        return float(np.mean(values))

    first, second = ([b.weights[m] for b in bands] for m in (0, 1))
    return HandoffLevel(
        spin=bands[0].spin,
        bands=tuple(n for b in bands for n in b.bands),
        degeneracy=len(bands),
        energy=mean([b.energy for b in bands]),
        width=max(b.energy + b.width / 2 for b in bands) - min(b.energy - b.width / 2 for b in bands),
        occupation=mean([b.occupation for b in bands]),
        weights=(mean(first), mean(second)),
        orbitals={k: mean([b.orbitals[k] for b in bands]) for k in bands[0].orbitals},
    )


def fit_chain(bands: tuple[HandoffLevel, ...], centres: Centres | None) -> ChainFit | None:
    """Fit {e0, asym, hopping, exchange} of two coupled levels to single bands of spin up and down (not merged).

    The lower half of each spin's bands is compared with the lower model level, the upper half with the upper one,
    and the projection-weighted mean energy of each centre and spin with the model's level there. None where a spin
    has fewer than two bands, a centre has no weight or no spin.
    """
    spins = [sorted((b for b in bands if b.spin == s), key=lambda b: b.energy) for s in ("up", "down")]
    weights = [np.array([b.weights for b in of]).reshape(-1, 2) for of in spins]
    if centres is None or any(len(of) < 2 or (w.sum(axis=0) <= 0).any() for of, w in zip(spins, weights, strict=True)):
        return None
    energies = [np.array([b.energy for b in of]) for of in spins]
    sites = np.array([e @ w / w.sum(axis=0) for e, w in zip(energies, weights, strict=True)])

    def misfit(x: Floats) -> tuple[Floats, Floats]:
        model, onsite = _model(x, centres)
        halves = [np.repeat(m, (len(e) // 2, len(e) - len(e) // 2)) for m, e in zip(model, energies, strict=True)]
        return np.concatenate(energies) - np.concatenate(halves), (sites - onsite).ravel()

    found = least_squares(lambda x: np.concatenate(misfit(x)), _start(sites, energies, centres), x_scale="jac")
    (levels, onsite), (e0, asym, hopping, v) = misfit(found.x), found.x
    return ChainFit(
        e0=float(e0),
        asym=float(asym),
        hopping=abs(float(hopping)),
        exchange=float(v),
        spin_length=centres.spin_length,
        order="FM" if centres.signs[0] * centres.signs[1] > 0 else "AF",
        levels=len(levels),
        rms=float(np.sqrt(np.mean(levels**2))),
        worst=float(np.abs(levels).max()),
        rms_sites=float(np.sqrt(np.mean(onsite**2))),
    )


def _model(x: Floats, centres: Centres) -> tuple[Floats, Floats]:
    # Levels (spin, 2), lower first, and levels of the uncoupled centres (spin, centre).
    e0, asym, hopping, v = x
    field = v * centres.spin_length * np.outer([1, -1], centres.signs)
    onsite = e0 + np.array([asym, -asym]) / 2 - field
    middle, half = onsite.mean(axis=1), np.hypot((onsite[:, 0] - onsite[:, 1]) / 2, hopping)
    return np.stack([middle - half, middle + half], axis=1), onsite


def _start(sites: Floats, energies: list[Floats], centres: Centres) -> Floats:
    asym = float((sites[:, 0] - sites[:, 1]).mean())
    v = float((np.outer([-1, 1], centres.signs) * sites).mean() / centres.spin_length)
    return np.array([sites.mean(), asym, max(float(e.std()) for e in energies), v])


def chain_from(handoff: Handoff, leads: Chain) -> tuple[Chain, tuple[str, ...]]:
    """Parameters for the model, and what a reader must know of where they come from.

    The fit gives the inner levels (the same in P and AP: DFT knows no junction), their hopping and exchange, with
    spins fixed as DFT has them. The rest is that of `leads`, its spinterface replaced by the hand-off's if it has one.

    Raises
    ------
    AnalysisError, RecipeError
        If there is no fit, or its numbers are none that the model takes.
    """
    fit = handoff.fit
    if fit is None:
        todo = "export with a wider --window, or another pair"
        raise AnalysisError("the hand-off has no fitted levels", where=f"pair {handoff.pair}", todo=todo)
    (outer, _, last), length = leads.hoppings, max(round(2 * fit.spin_length), 1) / 2
    changes = {
        "name": f"pair {handoff.pair} {handoff.state}, {handoff.source.get('code', 'unknown code')}",
        "spinterface": handoff.spinterface or leads.spinterface,
        "hoppings": (outer, fit.hopping, last),
        "sources": {},
    }
    spins = {"v": fit.exchange * fit.spin_length / length, "S": length, "order": fit.order}
    document = {**leads.model_copy(update=changes).model_dump(by_alias=True), "spins": spins}
    for alignment in ("parallel", "antiparallel"):
        document[alignment] = {"e0": fit.e0, "asym": fit.asym}
    chain = checked_chain(document, f"hand-off of pair {handoff.pair}")
    given = "the hand-off" if handoff.spinterface else leads.name
    first = f"leads and spinterfaces: {given}; hopping to the spinterfaces, kT and options: {leads.name}"
    return chain, (first, *_notes(handoff, fit, leads.kT))


def _notes(handoff: Handoff, fit: ChainFit, kt: float) -> list[str]:
    notes = [handoff.statement]
    nearest = min((v.energy for v in handoff.levels), key=abs)
    error = handoff.reference.uncertainty
    notes.append(f"nearest level of the pair: {nearest:+.0f} meV from E_F, which is known to {error:.0f} meV")
    if abs(nearest) - error > FAR * kt:
        notes.append(f"that is {abs(nearest) / kt:.0f} kT: no level conducts, the currents are tails of far levels")
    notes.append(f"two levels for {fit.levels} bands: rms {fit.rms:.0f} meV, worst {fit.worst:.0f} meV")
    return notes
