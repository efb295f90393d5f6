"""The process that replays one calculation: ``python -m defectflow.engines.replay.worker FOLDER``."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from defectflow.engines.document import inputs_in
from defectflow.engines.guard import die_with_parent, lock_file, run_worker
from defectflow.engines.replay.faults import after_output, before_output
from defectflow.engines.worker_engine import OUTPUT, TRACE
from defectflow.errors import EngineError
from defectflow.schema import CalcResult
from defectflow.schema.jsonio import load_record, read_json, save_record


def main(folder: Path) -> None:
    """Find the stored result of the inputs in `folder`, play its SCF steps, write it."""
    die_with_parent()
    lock = lock_file(folder / ".worker.lock", seconds=20)
    fault = _fault(folder)
    stored = _stored(_store(), inputs_in(folder, "gpaw").hash)
    _play(folder, stored, float(os.environ.get("DEFECTFLOW_REPLAY_STEP", "0")))
    before_output(fault)
    origin = f"replayed, not calculated: a stored {stored.code} {stored.version} result"
    warnings = (*stored.warnings, origin)
    result = replace(stored, engine="replay", input_hash=inputs_in(folder, "replay").hash, warnings=warnings)
    save_record(after_output(fault, result), folder / OUTPUT)
    if fault == "cut":
        data = (folder / OUTPUT).read_bytes()
        (folder / OUTPUT).write_bytes(data[: len(data) // 2])
    lock.close()


def _store() -> Path:
    from defectflow.demo import demo_folder

    return Path(os.environ.get("DEFECTFLOW_REPLAY_STORE") or demo_folder())


def _stored(store: Path, wanted: str) -> CalcResult:
    for path in _results(store):
        if read_json(path)["data"]["input_hash"] == wanted:
            return load_record(CalcResult, path)
    todo = "the recipe, the preset or the start differs from the stored run; use --engine gpaw to calculate"
    raise EngineError(f"no stored run in {store} has these inputs", todo=todo)


def _results(store: Path) -> Iterator[Path]:
    yield from sorted(store.rglob("result.json"))


def _play(folder: Path, stored: CalcResult, seconds: float) -> None:
    with (folder / TRACE).open("w", encoding="utf-8") as trace:
        for step in range(1, stored.convergence.scf_steps + 1):
            line = {
                "ionic_step": 1,
                "scf_step": step,
                "energy": stored.e0,
                "energy_change": 0.0,
                "moment": stored.total_moment,
            }
            print(json.dumps(line), file=trace, flush=True)
            time.sleep(seconds)


def _fault(folder: Path) -> str:
    name, _, place = os.environ.get("DEFECTFLOW_REPLAY_FAULT", "").partition("@")
    return name if place and place in folder.as_posix() else ""


if __name__ == "__main__":
    run_worker(main, Path(sys.argv[1]))
