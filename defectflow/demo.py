"""The run folder of a real quick study, shipped small, so that analysis can be tried without an engine."""

from __future__ import annotations

from pathlib import Path


def demo_folder() -> Path:
    """Folder of the shipped study; its ``study.json`` and results say how and when they were made."""
    return Path(__file__).resolve().parent / "data" / "quick"
