"""Configurations of one composition and charge by energy: the lowest run of each, its spin order, its certificate."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, replace
from itertools import combinations

from defectflow.analyse.compare import numerical_uncertainty
from defectflow.analyse.configured import order_found, verify_configuration
from defectflow.analyse.verify import Certificate, certificate, verify_settings
from defectflow.schema import CalcResult
from defectflow.schema.configuration import Configuration, ConfigurationEntry


@dataclass(frozen=True)
class OrderEnergy:
    """The lowest run that came out in one spin order.

    Attributes
    ----------
    order : str
        That came out, whatever was asked for: "FM", "AF", "NM" or signs.
    asked : str
        That the run was started in.
    e0 : float
        eV per cell.
    total_moment : float
        muB per cell.
    """

    order: str
    asked: str
    e0: float
    total_moment: float


@dataclass(frozen=True)
class Ranked:
    """One configuration among those of its composition and charge.

    Attributes
    ----------
    configuration : Configuration
    charge : int
    orders : tuple of OrderEnergy
        One for each spin order that was found, lowest first; empty without a result.
    lowest : ConfigurationEntry or None
        The run of lowest energy.
    above_lowest : float or None
        E0 above that of the lowest configuration of the composition and charge (eV per cell).
    af_minus_fm : float or None
        Lowest run without net moment minus the lowest with all moments up (eV per cell), if both were found.
    uncertainty : float
        Numerical error of the differences (eV): what the SCF and the smearing left open; mesh, cutoff and cell are
        not in it.
    certificate : Certificate
        Of all its runs, and of the difference to the lowest.
    """

    configuration: Configuration
    charge: int
    orders: tuple[OrderEnergy, ...]
    lowest: ConfigurationEntry | None
    above_lowest: float | None
    af_minus_fm: float | None
    uncertainty: float
    certificate: Certificate

    @property
    def e0(self) -> float | None:
        """E0 of the lowest run (eV per cell)."""
        return self.orders[0].e0 if self.orders else None

    @property
    def name(self) -> str:
        """Label, with the charge behind it if there is one."""
        return f"{self.configuration.label}{f' q{self.charge:+d}' if self.charge else ''}"


def rank(entries: tuple[ConfigurationEntry, ...]) -> tuple[Ranked, ...]:
    """Rank configurations: compositions and charges in the order of the entries, each by rising energy."""
    found: list[Ranked] = []
    for family in _groups(entries, _family):
        rows = [_ranked(runs) for runs in _groups(family, lambda e: e.state.configuration.label)]
        found += _against_lowest(sorted(rows, key=_by_energy))
    return tuple(found)


def _groups(
    entries: Iterable[ConfigurationEntry], key: Callable[[ConfigurationEntry], Hashable]
) -> list[list[ConfigurationEntry]]:
    found: dict[Hashable, list[ConfigurationEntry]] = {}
    for entry in entries:
        found.setdefault(key(entry), []).append(entry)
    return list(found.values())


def _family(entry: ConfigurationEntry) -> Hashable:
    return tuple(entry.state.configuration.composition.items()), entry.state.charge


def _by_energy(row: Ranked) -> float:
    return float("inf") if row.e0 is None else row.e0


def _ranked(runs: list[ConfigurationEntry]) -> Ranked:
    done = sorted(((e, e.result) for e in runs if e.result), key=lambda run: run[1].e0)
    checks = [verify_configuration(e) for e, _ in done]
    missing = [f"{e.name}: no result ({e.missing})" for e in runs if e.result is None]
    reasons = [r for c in checks for r in c.reasons] + missing
    orders, best = {}, {}
    for entry, result in done:
        order = order_found(result, entry.state)
        if order not in best:
            best[order] = result
            orders[order] = OrderEnergy(order, entry.state.order, result.e0, result.total_moment)
    return Ranked(
        configuration=runs[0].state.configuration,
        charge=runs[0].state.charge,
        orders=tuple(orders.values()),
        lowest=done[0][0] if done else None,
        above_lowest=None,
        af_minus_fm=_difference(orders),
        uncertainty=_open(list(best.values())),
        certificate=certificate(reasons, [r for c in checks for r in c.remarks]),
    )


def _difference(orders: dict[str, OrderEnergy]) -> float | None:
    fm = orders.get("FM")
    balanced = [o.e0 for name, o in orders.items() if name == "AF" or (name and name.count("+") == name.count("-") > 0)]
    return min(balanced) - fm.e0 if fm and balanced else None


def _open(results: list[CalcResult]) -> float:
    """Of the difference of any two orders (eV)."""
    return max((numerical_uncertainty(a, b) for a, b in combinations(results, 2)), default=0.0)


def _against_lowest(rows: list[Ranked]) -> list[Ranked]:
    lowest = rows[0].lowest.result if rows[0].lowest else None
    return rows if lowest is None else [_compared(row, lowest) for row in rows]


def _compared(row: Ranked, lowest: CalcResult) -> Ranked:
    result = row.lowest.result if row.lowest else None
    if result is None:
        return row
    same = [r for r in verify_settings(lowest, result).reasons if not r.startswith("ISPIN")]
    reasons = [*row.certificate.reasons, *(f"{row.name}: {r}" for r in same)]
    return replace(
        row,
        above_lowest=result.e0 - lowest.e0,
        uncertainty=max(row.uncertainty, numerical_uncertainty(lowest, result)),
        certificate=certificate(reasons, list(row.certificate.remarks)),
    )
