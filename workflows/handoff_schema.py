"""Renew the published JSON schema of the hand-off: ``python workflows/handoff_schema.py docs/handoff.schema.json``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from defectflow.schema.handoff import Handoff


def schema_text() -> str:
    """JSON Schema of the hand-off file, as its record defines it."""
    return json.dumps(Handoff.model_json_schema(), indent=1) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(schema_text(), encoding="utf-8")
