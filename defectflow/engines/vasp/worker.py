"""The process that runs VASP in one folder: ``python -m defectflow.engines.vasp.worker FOLDER COMMAND...``."""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from defectflow.engines.guard import die_with_parent, lock_file, run_worker
from defectflow.engines.vasp.corrections import compare_inputs, incar_dict
from defectflow.engines.vasp.engine import CORRECTIONS, JOB, RAN, is_stand_in
from defectflow.engines.vasp.potcar import write_potcar
from defectflow.errors import DefectFlowError, EngineError, WalltimeError
from defectflow.formats.poscar import read_poscar
from defectflow.schema import JobInputs
from defectflow.schema.jsonio import read_json, write_atomic

INPUTS = ("INCAR", "KPOINTS", "POSCAR", "POTCAR.spec", JOB)
LEG = "leg.json"  # hash of the inputs that CONTCAR belongs to


def main(folder: Path, command: list[str]) -> None:
    """Run VASP under custodian; what comes out is judged by the reader, not here."""
    die_with_parent()
    lock = lock_file(folder / ".worker.lock", seconds=20)
    inputs = JobInputs("vasp", tuple((n, (folder / n).read_text(encoding="utf-8")) for n in INPUTS))
    texts = dict(inputs.files)
    _check_walltime(folder)
    continued = _prepare(folder, inputs)
    try:
        if not is_stand_in(command):
            write_potcar(folder, texts["POTCAR.spec"].split())
        _run(folder, command, _density(folder, texts))
    finally:
        (folder / "POTCAR").unlink(missing_ok=True)  # its licence does not go with the results
        found = [asdict(c) for c in compare_inputs(texts, folder)]
        write_atomic(folder / CORRECTIONS, json.dumps({"corrections": found}, indent=1).encode())
    write_atomic(folder / RAN, json.dumps({"input_hash": inputs.hash, "continued": continued}).encode())
    lock.close()


def _check_walltime(folder: Path) -> None:
    from defectflow.engines.vasp.handlers import margin
    from defectflow.schedulers.walltime import seconds_left

    if "DEFECTFLOW_MARGIN" in os.environ:
        return  # a site's task has looked already
    left = seconds_left(os.environ, time.time())
    if left is not None and left < 2 * margin():
        todo = "submit the study again: it goes on"
        raise WalltimeError(f"not started: the walltime ends in {left:.0f} s", where=str(folder), todo=todo)


def _prepare(folder: Path, inputs: JobInputs) -> bool:
    """Clear what an earlier attempt left, or go on from the geometry it came to; whether it goes on."""
    from defectflow.engines.vasp.handlers import KEPT, STOPPED

    job = json.loads(dict(inputs.files)[JOB])
    same = (folder / LEG).is_file() and read_json(folder / LEG).get("input_hash") == inputs.hash
    # Stopped before the first ionic step ended there is nothing to go on from: see `keep_geometry`.
    last = KEPT if (folder / STOPPED).is_file() else "CONTCAR"
    continued = same and job["stage"] == "relax" and _continue(folder, last)
    for name in (KEPT, STOPPED, *(() if continued else ("CONTCAR", "CHGCAR"))):
        (folder / name).unlink(missing_ok=True)
    write_atomic(folder / LEG, json.dumps({"input_hash": inputs.hash}).encode())
    return continued


def _density(folder: Path, texts: dict[str, str]) -> Path | None:
    """Density that the run starts from, None if from atoms."""
    parent = json.loads(texts[JOB])["parent"]
    if incar_dict(texts["INCAR"]).get("ICHARG") not in ("1", "11") or not parent:
        return None
    density = Path(os.path.normpath(folder / parent)) / "CHGCAR"
    if not density.is_file() or not density.stat().st_size:
        todo = "run that job again"
        raise EngineError("the density to start from is missing or empty", where=str(density), todo=todo)
    return density


def _continue(folder: Path, name: str) -> bool:
    try:
        start, last = read_poscar(folder / "POSCAR"), read_poscar(folder / name)
    except DefectFlowError:
        return False  # VASP leaves an empty CONTCAR when it dies early: then from the start
    if last.species != start.species:
        return False
    write_atomic(folder / "POSCAR", (folder / name).read_bytes())
    return True


def _run(folder: Path, command: list[str], density: Path | None) -> None:
    from custodian.custodian import Custodian, CustodianError

    from defectflow.engines.vasp.handlers import STOPPED, handlers
    from defectflow.schedulers.walltime import seconds_set

    logging.basicConfig(stream=sys.stdout, level=logging.INFO)
    poll = seconds_set("DEFECTFLOW_VASP_POLL", 2.0, os.environ)
    jobs = [_vasp_job(command, density)]
    run: Any = Custodian(handlers(), jobs, max_errors=8, polling_time_step=poll, monitor_freq=5, directory=str(folder))
    try:
        run.run()
    except CustodianError as error:
        what = re.sub(r"<[\w.]*?(\w+) object at 0x\w+>", r"\1", str(error))
        raise EngineError(f"custodian gave up: {what}", where=str(folder), todo=_last_lines(folder)) from None
    except Exception as error:  # noqa: BLE001  (a handler of custodian's that stumbles over a file)
        raise EngineError(f"custodian failed: {error!r}", where=str(folder), todo=_last_lines(folder)) from None
    if (folder / STOPPED).exists():
        todo = "submit it again: a relaxation goes on from CONTCAR"
        raise WalltimeError("stopped before the walltime ended", where=str(folder), todo=todo)


def _vasp_job(command: list[str], density: Path | None) -> Any:
    from custodian.vasp.jobs import VaspJob

    class LeashedVaspJob(VaspJob):
        """VASP in a process group that dies with this process."""

        def run(self, directory: str = "./") -> subprocess.Popen[bytes]:
            leash = [sys.executable, "-m", "defectflow.engines.vasp.leash", *self.vasp_cmd]
            place = Path(directory)
            if density is not None:  # before every attempt: some handlers delete it
                shutil.copyfile(density, place / "CHGCAR")
            with (place / self.output_file).open("wb") as out, (place / self.stderr_file).open("wb") as err:
                self._vasp_process = subprocess.Popen(
                    leash, cwd=directory, stdin=subprocess.PIPE, stdout=out, stderr=err, start_new_session=True
                )
            return self._vasp_process

    return LeashedVaspJob(command, backup=False, auto_npar=False, auto_gamma=False, terminate_timeout=5)


def _last_lines(folder: Path) -> str:
    lines: list[str] = []
    for name in ("vasp.out", "std_err.txt"):
        if (folder / name).is_file():
            lines += (folder / name).read_text(encoding="utf-8", errors="replace").splitlines()[-4:]
    return "the last lines of VASP:\n    " + "\n    ".join(lines) if lines else "VASP printed nothing"


if __name__ == "__main__":
    run_worker(lambda folder: main(folder, sys.argv[2:]), Path(sys.argv[1]))
