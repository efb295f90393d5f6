"""The settings of a study with the source of each."""

from __future__ import annotations

from typing import Any

from defectflow.export.report.facts import Facts
from defectflow.export.report.grid import Grid, grid
from defectflow.schema.dotted import dotted_keys

_UNITS = {
    "host.lattice_constant": "Å",
    "spin.moment": "μB",
    "settings.cutoff": "eV",
    "settings.smearing.width": "eV",
    "settings.energy_tolerance": "eV per cell",
    "settings.force_tolerance": "eV/Å",
    "dos.broadening": "eV",
    "dos.window": "eV",
    "dos.count_window": "eV",
}
_SHOWN_ABOVE = ("schema", "name", "question", "caveats", "sources")


def overview_rows(facts: Facts) -> list[tuple[str, str]]:
    """What a reader asks first."""
    r, s = facts.recipe, facts.recipe.settings
    codes = dict.fromkeys(f"{j.result.code} {j.result.version}" for j in facts.jobs if j.result)
    return [
        ("functional", s.functional),
        ("plane-wave cutoff", f"{s.cutoff:g} eV"),
        ("k mesh", str(s.kpoints)),
        ("smearing", str(s.smearing)),
        ("stages", ", ".join(r.stages)),
        ("code", ", ".join(codes) or f"none yet (engine {facts.engine})"),
        ("engine", facts.engine),
        ("run folder", facts.run),
    ]


def setting_grid(facts: Facts) -> Grid:
    """Every key of the recipe with its value and where that comes from."""
    document = facts.recipe.model_dump(mode="json", by_alias=True, exclude_none=True)
    keys = dotted_keys({part: value for part, value in document.items() if part not in _SHOWN_ABOVE})
    sources = facts.recipe.sources
    rows = [(key, _text(key, value), _source(key, sources)) for key, value in keys.items()]
    return grid("All settings", "key | value | source", rows)


def _text(key: str, value: Any) -> str:
    text = ", ".join(map(_words, value)) if isinstance(value, list) else str(value)
    return f"{text} {_UNITS[key]}" if key in _UNITS else text


def _words(value: Any) -> str:
    return " ".join(f"{k} {v}" for k, v in value.items()) if isinstance(value, dict) else str(value)


def _source(key: str, sources: dict[str, str]) -> str:
    """Source of a key, or of the table that it stands in."""
    parts = key.split(".")
    named = [".".join(parts[:n]) for n in range(len(parts), 0, -1)]
    return next((sources[name] for name in named if name in sources), "default or not stated")
