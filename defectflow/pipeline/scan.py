"""Scans of the transport model on all cores, with progress."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from defectflow.executors.local import usable_cores
from defectflow.export.tables import to_csv
from defectflow.schema.cell import Floats
from defectflow.schema.chain import Chain
from defectflow.schema.jsonio import write_atomic
from defectflow.transport.scan import Row, Scan, scan, sensitivity


def run_scan(wanted: Scan, jobs: int | None, progress: Callable[[int], None]) -> list[Row]:
    """Rows of a scan, its blocks spread over `jobs` processes (None for all cores).

    Raises
    ------
    AnalysisError
        If a parameter or value is not possible.
    """
    processes = min(jobs or usable_cores(), len(wanted.blocks()))
    if processes == 1:
        return _gathered(scan(wanted), progress)
    # A fresh interpreter each: a fork would inherit the threads of the linear algebra.
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        return _gathered(scan(wanted, pool.map), progress)


def _gathered(found: Iterator[Row], progress: Callable[[int], None]) -> list[Row]:
    rows = []
    for row in found:
        rows.append(row)
        progress(len(rows))
    return rows


def run_sensitivity(chain: Chain, bias: Floats) -> list[dict[str, Any]]:
    """One row per parameter: by how much each feature changes per unit of it."""
    return [{"parameter": name, **row} for name, row in sensitivity(chain, bias)]


def write_rows(rows: list[Any], path: Path) -> None:
    """Rows as CSV."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, to_csv(rows).encode())
