"""Dopant states at a junction's Fermi level as JSON."""

from __future__ import annotations

from typing import Any

from defectflow.analyse.crossing import Crossing
from defectflow.export.tables import level_row


def crossing_row(c: Crossing) -> dict[str, Any]:
    """JSON of the dopant states around a level, and of how many it cuts at its lower end, place and upper end."""
    return {
        "up": list(c.up),
        "down": list(c.down),
        "degenerate": list(c.degenerate),
        "as_published": c.as_published,
        "as_published_by_spin": c.as_published_by_spin,
        "levels": [level_row(level) for level in c.levels],
    }
