"""The process that replays one calculation: ``python -m defectflow.engines.replay.worker FOLDER``."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from defectflow.engines.deadline import deadline
from defectflow.engines.document import inputs_in
from defectflow.engines.guard import die_with_parent, lock_file, run_worker
from defectflow.engines.replay.faults import after_output, before_output
from defectflow.engines.worker_engine import OUTPUT, TRACE
from defectflow.errors import EngineError, ParseError, WalltimeError
from defectflow.schema import CalcResult
from defectflow.schema.jsonio import load_record, read_json, save_record, write_atomic

REACHED = "reached.json"


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
    _count(folder)
    if fault == "cut":
        data = (folder / OUTPUT).read_bytes()
        (folder / OUTPUT).write_bytes(data[: len(data) // 2])
    lock.close()


def _count(folder: Path) -> None:
    """A line for each calculation that came to its end, where somebody counts."""
    if counter := os.environ.get("DEFECTFLOW_REPLAY_COUNT"):
        with Path(counter).open("a", encoding="utf-8") as file:
            file.write(f"{folder}\n")


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
    first, end = _first_step(folder), deadline()
    with (folder / TRACE).open("w", encoding="utf-8") as trace:
        for step in range(first, stored.convergence.scf_steps + 1):
            if end is not None and time.time() > end:
                _stop(folder, step)
            line = {
                "ionic_step": 1,
                "scf_step": step,
                "energy": stored.e0,
                "energy_change": 0.0,
                "moment": stored.total_moment,
            }
            print(json.dumps(line), file=trace, flush=True)
            time.sleep(seconds)


def _stop(folder: Path, step: int) -> None:
    write_atomic(folder / REACHED, json.dumps({"step": step}).encode())
    raise WalltimeError(f"stopped before SCF step {step}: the walltime ends", where=str(folder), todo="run it again")


def _first_step(folder: Path) -> int:
    """Where an attempt that was stopped before its walltime ended goes on."""
    try:
        return int(read_json(folder / REACHED)["step"])
    except (ParseError, KeyError):
        return 1


def _fault(folder: Path) -> str:
    """The fault asked for, if the folder is its place; ``name-once`` strikes there the first time only."""
    name, _, place = os.environ.get("DEFECTFLOW_REPLAY_FAULT", "").partition("@")
    if not place or place not in folder.as_posix():
        return ""
    if name.endswith("-once"):
        struck = folder / ".fault"
        name = "" if struck.exists() else name.removesuffix("-once")
        struck.touch()
    return name


if __name__ == "__main__":
    run_worker(main, Path(sys.argv[1]))
