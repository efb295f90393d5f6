"""Adaptive integration of many functions at once: Gauss-Kronrod on panels that are halved where the error is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from defectflow.schema.cell import Floats

Owners = NDArray[np.intp]
Integrand = Callable[[Owners, Floats], Floats]

# Nodes and weights of the rule of 7 and 15 points, QUADPACK (Piessens et al., 1983, doi:10.1007/978-3-642-61786-7).
_X = (0.991455371120812640, 0.949107912342758525, 0.864864423359769073, 0.741531185599394440,
      0.586087235467691130, 0.405845151377397167, 0.207784955007898468)  # fmt: skip
_K = (0.022935322010529225, 0.063092092629978553, 0.104790010322250184, 0.140653259715525919,
      0.169004726639267903, 0.190350578064785410, 0.204432940075298892)  # fmt: skip
_G = (0.0, 0.129484966168869693, 0.0, 0.279705391489276668, 0.0, 0.381830050505118945, 0.0)
NODES = np.array([*(-x for x in _X), 0.0, *reversed(_X)])
KRONROD = np.array([*_K, 0.209482141084727828, *reversed(_K)])
GAUSS = np.array([*_G, 0.417959183673469388, *reversed(_G)])
NOISE = 50 * np.finfo(float).eps  # of a panel's own size: below that halving brings nothing
DEPTH = 60  # halvings at most
ENOUGH = 60_000  # points for each integral: then it ends, and its error says so


BLOCK = 512  # integrals at a time
GROWTH = 6.0  # of panels with the distance from a singularity


def blocks(n: int) -> list[slice]:
    """Parts of n integrals whose arrays stay small."""
    return [slice(start, start + BLOCK) for start in range(0, n, BLOCK)]


@dataclass(frozen=True, eq=False)
class Integrals:
    """Values and error estimates (component, n), and how many points it took for all of them together."""

    values: Floats
    errors: Floats
    points: int


def integrate(
    function: Integrand, edges: Floats, tolerance: float, alike: tuple[slice, ...] = (slice(None, 0),)
) -> Integrals:
    """Integrate n functions of several components.

    Parameters
    ----------
    function : callable
        Of the numbers of the integrals (p,) and the points (p, 15); returns (component, p, 15).
    edges : (n, m) float
        Rising ends of the first panels; they belong where the function has its features.
    tolerance : float
        Error estimate at which a panel is done, over the integral of the component's size.
    alike : tuple of slice
        Components that are measured by the largest of them: one that cancels to zero has no size of its own.
    """
    owner = np.repeat(np.arange(len(edges)), edges.shape[1] - 1)
    a, b = edges[:, :-1].ravel(), edges[:, 1:].ravel()
    kept = b > a
    owner, a, b = owner[kept], a[kept], b[kept]
    done, points = _Sums(len(edges)), 0
    for depth in range(DEPTH):
        value, error, size = _panels(function, owner, a, b)
        points += len(NODES) * len(owner)
        scale = done.size_with(owner, size)
        for part in alike:
            scale[part] = scale[part].max(axis=0, initial=0.0)
        open_ = (error > np.maximum(tolerance * scale, NOISE * size)).any(axis=0)
        open_ &= depth < DEPTH - 1 and points < ENOUGH * len(edges)
        done.add(owner[~open_], value[:, ~open_], error[:, ~open_], size[:, ~open_])
        if not open_.any():
            break
        owner, a, b = _halves(owner[open_], a[open_], b[open_])
    return Integrals(done.value, done.error, points)


def edges_around(places: Floats, widths: Floats, low: Floats, high: Floats) -> Floats:
    """Ends of panels (n, edges) from `low` to `high` (n,) that grow geometrically from every singularity.

    A panel that is long beside its distance from a pole can miss it with all of its points and never know.

    Parameters
    ----------
    places, widths : (n, m) float
        Real parts of the singularities and their distances from the real axis.
    """
    order = np.argsort(places, axis=1)
    x, w = (np.take_along_axis(v, order, 1) for v in (places, widths))
    ends = np.concatenate([low[:, None], (x[:, 1:] + x[:, :-1]) / 2, high[:, None]], axis=1)
    longest = float(((high - low) / w.min(axis=1)).max())
    steps = w[..., None] * GROWTH ** np.arange(int(np.log(longest) / np.log(GROWTH)) + 2)
    left = np.maximum(x[..., None] - steps, ends[:, :-1, None])
    right = np.minimum(x[..., None] + steps, ends[:, 1:, None])
    return np.sort(np.concatenate([ends, *(v.reshape(len(x), -1) for v in (left, right))], axis=1), axis=1)


def _panels(function: Integrand, owner: Owners, a: Floats, b: Floats) -> tuple[Floats, Floats, Floats]:
    # Value, error and integral of the size, (component, panel) each. The error is that of the rule of 7 points, larger
    # than that of the rule of 15; QUADPACK's power law is too small where a feature is narrower than a panel.
    half = (b - a) / 2
    f = function(owner, ((a + b) / 2)[:, None] + half[:, None] * NODES)
    value, size = f @ KRONROD * half, np.abs(f) @ KRONROD * half
    return value, np.abs(value - f @ GAUSS * half), size


def _halves(owner: Owners, a: Floats, b: Floats) -> tuple[Owners, Floats, Floats]:
    middle = (a + b) / 2
    return np.repeat(owner, 2), np.stack([a, middle], 1).ravel(), np.stack([middle, b], 1).ravel()


class _Sums:
    """What the finished panels of every integral add up to."""

    def __init__(self, n: int) -> None:
        self.n = n
        self.value = self.error = self.size = np.zeros((1, n))

    def _per_owner(self, owner: Owners, parts: Floats) -> Floats:
        return np.stack([np.bincount(owner, part, self.n) for part in parts])

    def size_with(self, owner: Owners, size: Floats) -> Floats:
        """Size of the integral that each open panel belongs to, open panels included."""
        return np.asarray((self.size + self._per_owner(owner, size))[:, owner])

    def add(self, owner: Owners, value: Floats, error: Floats, size: Floats) -> None:
        """Count panels as finished."""
        self.value = self.value + self._per_owner(owner, value)
        self.error = self.error + self._per_owner(owner, error)
        self.size = self.size + self._per_owner(owner, size)
