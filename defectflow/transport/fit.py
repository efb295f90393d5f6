"""Least-squares fit of the chain's parameters to measured currents, within bounds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import least_squares

from defectflow.errors import AnalysisError
from defectflow.schema.cell import Floats
from defectflow.schema.chain import Chain
from defectflow.transport.chain import solve
from defectflow.transport.iv import Sweeps
from defectflow.transport.model import solve_chain
from defectflow.transport.sets import ALIGNMENTS, values_of, with_values

# What physics allows, where a fit is given no bounds of its own: widths, temperatures and scales are positive, |p| < 1.
PHYSICAL = {
    "p_left": (-0.999, 0.999),
    "p_right": (-0.999, 0.999),
    "AP": (-1.0, 1.0),
    "gamma": (1e-2, 1e3),
    "kT": (1e-2, 1e2),
    "scale": (1e-6, 1e6),
    "t1": (0.0, 1e3),
    "t2": (0.0, 1e3),
    "t3": (0.0, 1e3),
}
ANY = (-1e3, 1e3)
STEP = 1e-4  # of a parameter's start (or of 1), for derivatives
EVALUATIONS = 200


@dataclass(frozen=True)
class Fitted:
    """One parameter: its value, standard error (None where the data do not determine it) and whether at a bound."""

    name: str
    value: float
    error: float | None
    at_bound: bool


@dataclass(frozen=True, eq=False)
class FitReport:
    """Outcome of a fit.

    Attributes
    ----------
    chain : Chain
        With the fitted values.
    parameters : tuple of Fitted
    rms : float
        Root mean square of measured minus computed current (nA).
    chi2 : float or None
        Per degree of freedom, with the errors of repeated sweeps; None without them.
    correlation : (p, p) float
        Of the parameters; zero for those that are not determined.
    evaluations : int
    converged : bool
    message : str
    """

    chain: Chain
    parameters: tuple[Fitted, ...]
    rms: float
    chi2: float | None
    correlation: Floats
    evaluations: int
    converged: bool
    message: str


@dataclass(frozen=True, eq=False)
class _Problem:
    chain: Chain
    names: tuple[str, ...]
    sweeps: Sweeps
    weights: Floats
    progress: Callable[[int, float], None]
    taken: list[float] = field(default_factory=list)

    def currents(self, points: Floats) -> Floats:
        """Currents (point, alignment and bias) at parameter vectors (point, p), all in one go."""
        if self.chain.spins.v or "v" in self.names:
            sets = [with_values(self.chain, dict(zip(self.names, map(float, x), strict=True))) for x in points]
            total = np.concatenate([solve_chain(s, self.sweeps.bias).curves.total for s in sets])
        else:
            known = {k: np.full(len(points), v) for k, v in values_of(self.chain).items()}
            values = known | dict(zip(self.names, points.T, strict=True))
            total = solve(values, self.chain.options, self.sweeps.bias).total
        measured = [ALIGNMENTS.index(a) for a in self.sweeps.currents]
        return np.asarray(total[:, measured].reshape(len(points), -1))

    def residuals(self, x: Floats) -> Floats:
        rest = (self.currents(x[None])[0] - self.measured()) * self.weights
        self.taken.append(float(np.sqrt(np.mean((rest / self.weights) ** 2))))
        self.progress(len(self.taken), self.taken[-1])
        return np.asarray(rest)

    def measured(self) -> Floats:
        return np.concatenate([c.mean(axis=0) for c in self.sweeps.currents.values()])


def fit(
    chain: Chain,
    bounds: dict[str, tuple[float, float] | None],
    sweeps: Sweeps,
    progress: Callable[[int, float], None] = lambda *_: None,
) -> FitReport:
    """Fit parameters to the mean of measured sweeps in P, AP or both.

    Parameters
    ----------
    chain : Chain
        Start, and the parameters that are not fitted.
    bounds : dict of str to (float, float) or None
        What is fitted, between which values; None for what physics allows.
    progress : callable
        Told the number of every step and its root mean square (nA).

    Raises
    ------
    AnalysisError
        If a parameter does not exist, its bounds are not in order or do not hold its start, or there are fewer
        currents than parameters.
    """
    data = sum(c.shape[1] for c in sweeps.currents.values())
    if not 0 < len(bounds) <= data:
        raise AnalysisError(f"{len(bounds)} parameters cannot be fitted to {data} currents")
    start, low, high = _bounds(chain, bounds)
    problem = _Problem(chain, tuple(bounds), sweeps, _weights(sweeps), progress)
    size = np.minimum(high - low, np.where(start == 0, 1.0, np.abs(start)))

    def jacobian(x: Floats) -> Floats:
        up, down = np.minimum(x + STEP * size, high), np.maximum(x - STEP * size, low)
        n = np.arange(len(x))
        points = np.repeat(x[None], 2 * len(x), axis=0)
        points[n, n], points[n + len(x), n] = up, down
        both = problem.currents(points)
        return np.asarray(((both[: len(x)] - both[len(x) :]) / (up - down)[:, None] * problem.weights).T)

    found = least_squares(problem.residuals, start, jacobian, (low, high), x_scale=size, max_nfev=EVALUATIONS)
    return _report(problem, found, (low, high), size)


def _bounds(chain: Chain, wanted: dict[str, tuple[float, float] | None]) -> tuple[Floats, Floats, Floats]:
    known = values_of(chain)
    for name in wanted:
        if name not in known:
            raise AnalysisError(f'there is no parameter "{name}"', todo=f"known: {', '.join(known)}")
    pairs = {name: pair or PHYSICAL.get(name, ANY) for name, pair in wanted.items()}
    for name, (a, b) in pairs.items():
        if not a < b or not a <= known[name] <= b:
            what = f"the start of {name}, {known[name]:g}, does not lie between its bounds {a:g} and {b:g}"
            raise AnalysisError(what, todo="change the bounds, or the start in the parameter file")
        for bound in wanted[name] or ():
            with_values(chain, {name: bound})
    low, high = np.array(list(pairs.values())).T
    return np.array([known[name] for name in wanted]), low, high


def _weights(sweeps: Sweeps) -> Floats:
    """One over the standard error of the mean of each current, where there are three sweeps or more; else one."""
    parts = []
    for c in sweeps.currents.values():
        error = c.std(axis=0, ddof=1) / len(c) ** 0.5 if len(c) > 2 else np.ones(c.shape[1])
        parts.append(1 / np.maximum(error, max(float(error.max()) * 1e-2, 1e-300)))
    return np.concatenate(parts)


def _report(problem: _Problem, found: object, bounds: tuple[Floats, Floats], size: Floats) -> FitReport:
    x, jac, rest = found.x, found.jac, found.fun  # type: ignore[attr-defined]
    freedom = max(len(rest) - len(x), 1)
    repeats = all(len(c) > 2 for c in problem.sweeps.currents.values())
    chi2 = float(rest @ rest / freedom)
    covariance, known = _covariance(jac, size)
    covariance = covariance * (1.0 if repeats else chi2)
    errors = np.sqrt(np.diag(covariance))
    close = 1e-6 * size
    at_bound = (x - bounds[0] < close) | (bounds[1] - x < close)
    values = dict(zip(problem.names, map(float, x), strict=True))
    return FitReport(
        chain=with_values(problem.chain, values),
        parameters=tuple(
            Fitted(n, v, float(e) if k else None, bool(b))
            for (n, v), e, k, b in zip(values.items(), errors, known, at_bound, strict=True)
        ),
        rms=float(np.sqrt(np.mean((rest / problem.weights) ** 2))),
        chi2=chi2 if repeats else None,
        correlation=covariance / np.maximum(np.outer(errors, errors), 1e-300) * np.outer(known, known),
        evaluations=int(found.nfev),  # type: ignore[attr-defined]
        converged=bool(found.success),  # type: ignore[attr-defined]
        message=str(found.message),  # type: ignore[attr-defined]
    )


def _covariance(jac: Floats, scale: Floats) -> tuple[Floats, Floats]:
    """Inverse of J^T J, and which parameters are determined: those outside its null space (relative 1e-8)."""
    _, size, axes = np.linalg.svd(jac * scale, full_matrices=False)
    kept = size > 1e-8 * size.max()
    inverse = (axes[kept].T / size[kept] ** 2) @ axes[kept] * np.outer(scale, scale)
    return inverse, (axes[~kept] ** 2).sum(axis=0) < 1e-6
