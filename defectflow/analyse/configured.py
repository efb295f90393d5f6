"""The certificate of one configuration: whether a run is what it was meant to be, and which spin order came out."""

from __future__ import annotations

import numpy as np

from defectflow.analyse.verify import (
    MOMENT_TOLERANCE,
    SITE_MOMENT_SEEN,
    Certificate,
    certificate,
    left_its_relaxation,
    verify_run,
)
from defectflow.errors import AnalysisError
from defectflow.schema import CalcResult
from defectflow.schema.configuration import ConfigurationEntry, ConfigurationState

LEFT_ITS_SITE = 1.0  # A; half-way to the nearest atom of a close-packed oxide


def verify_configuration(entry: ConfigurationEntry) -> Certificate:
    """Check one run: converged by its own numbers, its dopants still on their sites, its spins free if it needs them.

    Another spin order than the one asked for does not spoil an energy; it is a remark, and the order that came out is
    the one that is reported.

    Raises
    ------
    AnalysisError
        If the entry has no result.
    """
    if entry.result is None:
        raise AnalysisError(f"{entry.name} has no result: {entry.missing}")
    result, state, name = entry.result, entry.state, entry.name
    run = verify_run(result, name)
    reasons = [*run.reasons, *left_its_relaxation(result, entry.relaxed, name)]
    reasons += [*_left_its_site(result, state, name), *_needs_spin(result, name)]
    return certificate(reasons, [*run.remarks, *_other_order(result, state, name)])


def order_found(result: CalcResult, state: ConfigurationState) -> str:
    """Spin order by the signs of the moments on the atoms that were to carry them, whatever was asked for.

    "FM" if all have one sign, "AF" for two of opposite signs, else signs with the first one up; "NM" if all are small,
    and 0 for one that is. A moment between the atoms, as at a vacancy, is told by the total alone.
    """
    moments = result.site_moments[list(state.magnetic)]
    signs = np.where(np.abs(moments) < SITE_MOMENT_SEEN, 0, np.sign(moments)).astype(int)
    if not signs.any():
        outside = abs(result.total_moment) > MOMENT_TOLERANCE and _keeps_total(result, state)
        return state.order if outside else "NM"
    signs *= signs[np.flatnonzero(signs)[0]]
    if (signs > 0).all():
        return "FM"
    return "AF" if len(signs) == 2 and signs.all() else "".join("-0+"[s + 1] for s in signs)


def _keeps_total(result: CalcResult, state: ConfigurationState) -> bool:
    """Whether the total moment is the one it was started from, up to its sign."""
    return abs(abs(result.total_moment) - abs(state.intended_moment)) <= MOMENT_TOLERANCE


def _left_its_site(result: CalcResult, state: ConfigurationState, name: str) -> list[str]:
    moved = result.cell.coords - state.cell.coords
    far = np.linalg.norm((moved - np.rint(moved)) @ state.cell.lattice, axis=1)[list(state.configuration.dopants)]
    if far.max(initial=0.0) <= LEFT_ITS_SITE:
        return []
    return [f"{name}: a dopant moved by {far.max():.2f} A: it is no longer on the site it is called by"]


def _needs_spin(result: CalcResult, name: str) -> list[str]:
    if result.n_spins == 2 or round(result.n_electrons) % 2 == 0:
        return []
    return [f"{name}: {result.n_electrons:g} electrons cannot all be paired, but spins were not free; give a moment"]


def _other_order(result: CalcResult, state: ConfigurationState, name: str) -> list[str]:
    found, total, wanted = order_found(result, state), result.total_moment, state.intended_moment
    if state.magnetic and found != state.order:
        return [f"{name}: came out {found} (M = {total:.2f} muB), was started as {state.order}"]
    if not _keeps_total(result, state):
        return [f"{name}: total moment {total:.2f} muB, started from {wanted:.2f}"]
    return []
