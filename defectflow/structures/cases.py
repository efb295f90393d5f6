"""Configurations that users ask for by name, written as families of a search.

Asked for in doped#91, #114, #115, #132 and pydefect#26: complexes, two dopants at once, split and Frenkel pairs.
"""

from __future__ import annotations

from typing import Any

from defectflow.schema.family import Family, NamedCase


def families_of(case: NamedCase) -> tuple[Family, ...]:
    """Families that a named case stands for.

    ``capture`` holds all that capture of a dopant by single and double vacancies needs: both vacancies, the dopant in
    each of them, and two dopants.
    """
    shared: dict[str, Any] = {"spin": case.spin, "charges": case.charges}
    shared |= {k: v for k in ("shells", "interstitial", "diameter") if (v := getattr(case, k)) is not None}
    if case.case == "split":
        shared["split"] = case.direction or "111"
    return tuple(Family(dopants=mix, **_alone(mix, shared)) for mix in _mixes(case))


def _mixes(case: NamedCase) -> list[dict[str, int]]:
    vacancy, dopant = f"V_{case.sublattice}", f"{case.dopant}_{case.sublattice}"
    found: dict[str, list[dict[str, int]]] = {
        "monomer": [{dopant: 1}],
        "pair": [{dopant: 2}],
        "vacancy": [{vacancy: 1}],
        "double-vacancy": [{vacancy: 2}],
        "dopant-at-vacancy": [{dopant: 1, vacancy: 1}],
        "capture": [{vacancy: 1}, {dopant: 1}, {vacancy: 2}, {dopant: 1, vacancy: 1}, {dopant: 2}],
        "interstitial": [{f"{case.dopant}_i": 1}],
        "frenkel": [{vacancy: 1, f"{case.sublattice}_i": 1}],
        "split": [{dopant: 1}],
    }
    return found[case.case]


def _alone(mix: dict[str, int], shared: dict[str, Any]) -> dict[str, Any]:
    # Shells are distances of two: a single defect has none.
    return {k: v for k, v in shared.items() if k != "shells" or sum(mix.values()) > 1}
