"""Chemical potentials: the limits of a host's stability, and how much of a dopant its phases allow there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from defectflow.errors import AnalysisError

_TIGHT = 1e-6  # eV; a phase this close to stability fixes the limit


@dataclass(frozen=True)
class PhaseEnergy:
    """A phase as calculated.

    Attributes
    ----------
    name : str
    atoms : dict of str to int
        Atoms in the cell.
    energy : float
        Of the cell (eV), on the scale of the engine.
    reasons : tuple of str
        What stands against it.
    error : float
        Numerical error of the energy (eV).
    """

    name: str
    atoms: dict[str, int]
    energy: float
    reasons: tuple[str, ...] = ()
    error: float = 0.0


@dataclass(frozen=True)
class Limit:
    """Chemical potentials of all elements at one end of the host's range.

    Attributes
    ----------
    name : str
        "O-rich": no phase allows a higher potential of O.
    potentials : dict of str to float
        Per atom (eV), on the scale of the engine.
    fixed_by : dict of str to str
        Element to the phase whose stability ends its range.
    reasons : tuple of str
        What stands against any phase: with another energy it might fix another potential, or none.
    errors : dict of str to float
        Numerical error of each potential (eV).
    """

    name: str
    potentials: dict[str, float]
    fixed_by: dict[str, str]
    reasons: tuple[str, ...] = ()
    errors: dict[str, float] = field(default_factory=dict)


def limits(host: PhaseEnergy, phases: Sequence[PhaseEnergy]) -> tuple[Limit, ...]:
    """Limits of the host, one rich in each of its elements; every dopant is as abundant as its phases allow.

    The potentials obey sum_i n_i mu_i = E of the host and sum_i n_i mu_i <= E of every phase (Zhang and Northrup, PRL
    67, 2339 (1991), doi:10.1103/PhysRevLett.67.2339). Each dopant is bounded by itself and by its phases with the
    host's elements; phases of two dopants are left out.

    Raises
    ------
    AnalysisError
        If no phase bounds an element, or the host is not stable against the phases.
    """
    against = tuple(dict.fromkeys(r for p in (host, *phases) for r in p.reasons))
    found = _limits(host, phases)
    # A host that is lower, and phases that are higher by their errors, leave the host as stable as it was.
    lower = [_limits(replace(host, energy=host.energy - host.error), phases)]
    higher = [
        _limits(host, [replace(p, energy=p.energy + p.error * (p is q)) for p in phases]) for q in phases if q.error
    ]
    moved = list(zip(*lower, *higher, strict=True))
    return tuple(
        replace(end, reasons=against, errors=_moves(end, others)) for end, others in zip(found, moved, strict=True)
    )


def _moves(end: Limit, others: Sequence[Limit]) -> dict[str, float]:
    return {s: sum(abs(other.potentials[s] - mu) for other in others) for s, mu in end.potentials.items()}


def _limits(host: PhaseEnergy, phases: Sequence[PhaseEnergy]) -> tuple[Limit, ...]:
    own = list(host.atoms)
    known = [p for p in phases if set(p.atoms) <= set(own)]
    others = sorted({s for p in phases for s in p.atoms} - set(own))
    return tuple(_limit(host, rich, known, [(s, _with(phases, s, own)) for s in others]) for rich in own)


def _with(phases: Sequence[PhaseEnergy], dopant: str, own: list[str]) -> list[PhaseEnergy]:
    return [p for p in phases if dopant in p.atoms and set(p.atoms) <= {dopant, *own}]


def _limit(
    host: PhaseEnergy, rich: str, known: list[PhaseEnergy], dopants: list[tuple[str, list[PhaseEnergy]]]
) -> Limit:
    order = [rich, *(s for s in host.atoms if s != rich)]
    potentials: dict[str, float] = {}
    for element in order:  # the named one first, the others as high as it then leaves them
        potentials[element] = _highest(host, element, known, potentials)
    fixed = {rich: _end_of(rich, known, potentials)}
    for dopant, there in dopants:
        bounds = {p.name: _rest(p, potentials) / p.atoms[dopant] for p in there}
        fixed[dopant] = min(bounds, key=lambda name: bounds[name])
        potentials[dopant] = bounds[fixed[dopant]]
    return Limit(f"{rich}-rich", potentials, fixed)


def _rest(phase: PhaseEnergy, potentials: dict[str, float]) -> float:
    return phase.energy - sum(n * potentials.get(s, 0.0) for s, n in phase.atoms.items())


def _highest(host: PhaseEnergy, element: str, known: list[PhaseEnergy], fixed: dict[str, float]) -> float:
    from scipy.optimize import linprog

    elements = list(host.atoms)
    rows = np.array([[p.atoms.get(s, 0) for s in elements] for p in known]).reshape(-1, len(elements))
    bounds = [(fixed[s], fixed[s]) if s in fixed else (None, None) for s in elements]
    found = linprog(
        [-float(s == element) for s in elements],
        A_ub=rows,
        b_ub=[p.energy for p in known],
        A_eq=[[host.atoms[s] for s in elements]],
        b_eq=[host.energy],
        bounds=bounds,
    )
    if found.status == 2:
        what = f"{host.name} is not stable against its reference phases {', '.join(p.name for p in known)}"
        raise AnalysisError(what, where="references", todo="check their settings and geometries")
    if found.status != 0:
        what = f"no reference phase bounds the chemical potential of {element}"
        raise AnalysisError(what, where="references", todo=f"add one that holds {element}")
    return float(found.x[elements.index(element)])


def _end_of(element: str, known: list[PhaseEnergy], potentials: dict[str, float]) -> str:
    tight = [p.name for p in known if element in p.atoms and abs(_rest(p, potentials)) < _TIGHT]
    return ", ".join(tight)
