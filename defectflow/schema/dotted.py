"""Nested tables as dotted keys, the way a recipe's keys are named in messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def dotted_keys(document: Mapping[str, Any]) -> dict[str, Any]:
    """Values by dotted key.

    >>> dotted_keys({"settings": {"cutoff": 340.0, "kpoints": {"mesh": [2, 2, 2]}}})
    {'settings.cutoff': 340.0, 'settings.kpoints.mesh': [2, 2, 2]}
    """
    found: dict[str, Any] = {}
    for key, value in document.items():
        inner = {f"{key}.{k}": v for k, v in dotted_keys(value).items()} if isinstance(value, dict) else {key: value}
        found |= inner
    return found
