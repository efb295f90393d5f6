"""Planar averages along axes of different grids, brought to one number of points."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from defectflow.schema.cell import Floats


def on_one_grid(rows: Sequence[Floats]) -> Floats:
    """Periodic rows on as many points as the longest has, shape (rows, points), interpolated linearly."""
    points = max(len(r) for r in rows)
    where = np.arange(points) / points
    return np.array([np.interp(where, np.arange(len(r)) / len(r), r, period=1.0) for r in rows])
