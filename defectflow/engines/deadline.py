"""When a worker has to stop because its scheduler job ends."""

from __future__ import annotations

import os
import time

from defectflow.schedulers.walltime import seconds_left, seconds_set

MARGIN = 300.0  # s; a site says otherwise


def deadline() -> float | None:
    """Time (s since 1970) from which no further step is begun, None where nothing ends."""
    now = time.time()
    left = seconds_left(os.environ, now)
    return None if left is None else now + left - seconds_set("DEFECTFLOW_MARGIN", MARGIN, os.environ)
