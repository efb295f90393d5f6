"""How E_AF - E_FM moves with one setting, and what that leaves open of a difference at given settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from defectflow.analyse.compare import PairComparison
from defectflow.errors import AnalysisError
from defectflow.schema.convergence import ErrorTerm


@dataclass(frozen=True)
class CurvePoint:
    """One value of the setting: as it is read, as the recipe holds it, and the comparison at it."""

    label: str
    value: object
    comparison: PairComparison

    @property
    def delta(self) -> float | None:
        """E_AF - E_FM (eV per cell); None without a passed certificate."""
        known = self.comparison.exchange if self.comparison.certificate.passed else None
        return known.delta if known else None


@dataclass(frozen=True)
class Curve:
    """E_AF - E_FM of one pair along one axis.

    Attributes
    ----------
    axis, kind, key : str
        See `defectflow.schema.convergence.Axis`.
    pair : str
        Label.
    points : tuple of CurvePoint
        Most accurate last.
    others : mapping of str to object
        What the other keys of the study have along this axis.
    """

    axis: str
    kind: str
    key: str
    pair: str
    points: tuple[CurvePoint, ...]
    others: Mapping[str, object] = field(default_factory=dict)

    @property
    def known(self) -> tuple[CurvePoint, ...]:
        """Points with a passed certificate."""
        return tuple(p for p in self.points if p.delta is not None)


def step_left(curve: Curve, value: object) -> ErrorTerm:
    """What is left open at one value: the distance to the most accurate one, or from that to the one before it.

    Raises
    ------
    AnalysisError
        If the value was not run, or fewer than two points have a certificate.
    """
    known = curve.known
    where = f'axis "{curve.axis}", pair {curve.pair}'
    if len(known) < 2:
        what = f"{len(known)} of {len(curve.points)} points have a passed certificate, two are needed"
        raise AnalysisError(what, where=where, todo="look at: defectflow converge show RUN")
    here = [p for p in known if p.value == value]
    if not here:
        values = ", ".join(p.label for p in known)
        raise AnalysisError(f"the study's value, {value}, has no point with a certificate ({values} have)", where=where)
    other = known[-1] if here[0] is not known[-1] else known[-2]
    assert here[0].delta is not None
    assert other.delta is not None
    return ErrorTerm(curve.axis, abs(other.delta - here[0].delta), curve.pair, (here[0].label, other.label))


def error_terms(curves: tuple[Curve, ...], pair: str, values: dict[str, object]) -> tuple[ErrorTerm, ...]:
    """Errors of one pair's difference, one for each setting that has a numerical axis.

    Parameters
    ----------
    values : dict
        The settings of the study in question by key of the axis. Of several axes of one key those count whose other
        settings are most like the study's. A pair that was not run along an axis, or has no certificates there, takes
        the largest error of those that have.
    """
    numerical = [c for c in curves if c.kind == "numerical"]
    keys = dict.fromkeys(c.key for c in numerical)
    return tuple(_left_by([c for c in numerical if c.key == key], pair, values) for key in keys)


def _left_by(along: list[Curve], pair: str, values: dict[str, object]) -> ErrorTerm:
    usable = [c for c in along if _measures(c, values[c.key])] or along
    own = [c for c in usable if c.pair == pair] or usable
    nearest = max(_likeness(c, values) for c in own)
    terms = [step_left(c, values[c.key]) for c in own if _likeness(c, values) == nearest]
    return max(terms, key=lambda term: term.value)


def _measures(curve: Curve, value: object) -> bool:
    return len(curve.known) > 1 and any(p.value == value for p in curve.known)


def _likeness(curve: Curve, values: dict[str, object]) -> int:
    return sum(curve.others[key] == values[key] for key in curve.others.keys() & values.keys())
