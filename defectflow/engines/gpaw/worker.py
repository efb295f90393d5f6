"""The process that runs one GPAW calculation: ``python -m defectflow.engines.gpaw.worker FOLDER``.

Under MPI every rank runs the same lines, because GPAW's getters are collective; rank 0 writes.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any

import numpy as np

from defectflow.engines.deadline import deadline
from defectflow.engines.document import inputs_in, read_job
from defectflow.engines.gpaw.density import (
    DENSITY,
    checkpoint_of,
    continued,
    in_fixed_density,
    parent_density,
    save_checkpoint,
)
from defectflow.engines.gpaw.parameters import gpaw_parameters
from defectflow.engines.guard import die_with_parent, lock_file
from defectflow.engines.worker_engine import OUTPUT, TRACE
from defectflow.errors import NotConvergedError, ParseError, WalltimeError
from defectflow.schema import CalcResult, Job
from defectflow.schema.jsonio import read_json, save_record, write_atomic

RELAX = "relax.json"


@dataclass
class Trace:
    """Energies (eV) and moments (muB) of all SCF steps, also written line by line for the driver to see."""

    path: Path
    master: bool
    ionic_step: int = 1
    scf_step: int = 0
    energies: list[float] = field(default_factory=list)
    moments: list[float] = field(default_factory=list)
    deadline: float | None = None
    _file: IO[str] | None = None

    def record(self, context: Any) -> None:
        """Hook of GPAW, called after every SCF step on every rank."""
        from ase.units import Ha

        if context.niter == 1 and self.scf_step:
            self.ionic_step, self.scf_step = self.ionic_step + 1, 0
        self.scf_step += 1
        energy = float(context.energies.total_extrapolated * Ha)
        moment = float(context.dens.calculate_magnetic_moments()[0][2]) if context.wfs.nspins == 2 else 0.0
        change = energy - self.energies[-1] if self.energies else 0.0
        self.energies.append(energy)
        self.moments.append(moment)
        if self.master:
            self._write(energy, change, moment)
        if _all_agree(self.master and self.deadline is not None and time.time() > self.deadline):
            raise OutOfTimeError

    def _write(self, energy: float, change: float, moment: float) -> None:
        line = {
            "ionic_step": self.ionic_step,
            "scf_step": self.scf_step,
            "energy": energy,
            "energy_change": change,
            "moment": moment,
        }
        self._file = self._file or self.path.open("w", encoding="utf-8")
        print(json.dumps(line), file=self._file, flush=True)


class OutOfTimeError(Exception):
    """The scheduler job ends soon; raised on all ranks after the same SCF step."""


def _all_agree(stop: bool) -> bool:
    # The master's clock decides for all ranks.
    from gpaw.mpi import world

    return bool(world.sum_scalar(float(stop)) > 0.0)


def main(folder: Path) -> None:
    """Run the calculation in `folder` and write its result."""
    from gpaw.mpi import world

    if world.rank == 0:
        die_with_parent()
        lock = lock_file(folder / ".worker.lock", seconds=20)  # noqa: F841  (held until the process ends)
    world.barrier()
    job, preset = read_job(folder)
    trace = Trace(folder / TRACE, world.rank == 0, deadline=deadline() if world.rank == 0 else None)
    keywords = gpaw_parameters(job, preset, _valence_electrons(job))
    stopped = checkpoint_of(folder, inputs_in(folder, "gpaw").hash)
    calc, total = _run(job, preset, folder, keywords, trace)
    from defectflow.engines.gpaw.measure import Run, measure

    seconds = float(world.sum_scalar(time.process_time()))
    result = measure(job, calc, total, trace, Run(inputs_in(folder, "gpaw").hash, keywords, seconds))
    if world.rank == 0:
        save_record(result if stopped is None else _continued(result), folder / OUTPUT)


def _continued(result: CalcResult) -> CalcResult:
    what = "the SCF went on from the density of an attempt that was stopped before its walltime ended"
    return replace(result, warnings=(*result.warnings, what))


def _run(job: Job, preset: dict[str, Any], folder: Path, keywords: dict[str, Any], trace: Trace) -> tuple[Any, Any]:
    from gpaw import KohnShamConvergenceError

    try:
        if job.stage == "dos":
            return in_fixed_density(job, folder, keywords)
        calc, atoms = _start(job, preset, folder, keywords)
        return calc, _self_consistent(job, preset, folder, (calc, atoms), trace)
    except KohnShamConvergenceError:
        steps = f"{job.settings.max_scf_steps} SCF steps, last change {_last_change(trace):.1e} eV"
        todo = "raise settings.max_scf_steps, or try another start"
        raise NotConvergedError(f"the SCF did not converge in {steps}", where=str(folder), todo=todo) from None


def _start(job: Job, preset: dict[str, Any], folder: Path, keywords: dict[str, Any]) -> tuple[Any, Any]:
    from gpaw import GPAW

    if stopped := checkpoint_of(folder, inputs_in(folder, "gpaw").hash):
        calc = continued(stopped, folder, keywords)
        return calc, calc.atoms.copy()
    if job.stage == "static" and job.parent:
        calc = continued(parent_density(job, folder), folder, keywords)
        return calc, calc.atoms.copy()
    calc, atoms = GPAW(**keywords, txt=str(folder / "gpaw.txt")), _start_atoms(job, folder)
    _seed(job, preset, atoms, calc)
    return calc, atoms


def _self_consistent(job: Job, preset: dict[str, Any], folder: Path, run: tuple[Any, Any], trace: Trace) -> Any:
    from defectflow.engines.gpaw.measure import totals

    calc, atoms = run
    calc.hooks["scf_step"] = trace.record
    atoms.calc = calc
    try:
        if job.stage == "relax":
            _relax(job, preset, atoms, folder)
        total = totals(calc, atoms, job.spin_polarised)
    except OutOfTimeError:
        if job.stage == "static":  # a relaxation goes on from its last geometry
            save_checkpoint(calc, folder, inputs_in(folder, "gpaw").hash, trace.master)
        what = f"stopped in ionic step {trace.ionic_step}, SCF step {trace.scf_step}: the walltime ends"
        raise WalltimeError(what, where=str(folder), todo="run it again: it goes on from there") from None
    calc.write(str(folder / DENSITY), mode="")
    return total


def _last_change(trace: Trace) -> float:
    return trace.energies[-1] - trace.energies[-2] if len(trace.energies) > 1 else float("nan")


def _start_atoms(job: Job, folder: Path) -> Any:
    # A relaxation that was killed goes on from the last geometry it reached, with the signs it had there.
    atoms = job.cell.to_ase()
    if job.stage == "relax" and (folder / RELAX).is_file():
        try:
            last = read_json(folder / RELAX)
            if last["input_hash"] == inputs_in(folder, "gpaw").hash:
                atoms.set_scaled_positions(np.array(last["coords"]))
                atoms.set_initial_magnetic_moments(np.array(last["moments"]))
        except (ParseError, KeyError, ValueError):
            pass  # a damaged restart file only costs its steps
    return atoms


def _valence_electrons(job: Job) -> float:
    from gpaw.setup import create_setup

    flavours = job.settings.potentials.get("gpaw", {})
    valence = {
        s: create_setup(s, job.settings.functional, type=flavours.get(s, "paw")).Nv for s in set(job.cell.species)
    }
    return float(sum(valence[s] for s in job.cell.species)) - job.charge


def _seed(job: Job, preset: dict[str, Any], atoms: Any, calc: Any) -> None:
    # A few steps in the distorted geometry prepare density and wave functions in a broken symmetry.
    if job.seed_coords is None:
        return
    distorted = atoms.copy()
    distorted.set_scaled_positions(job.seed_coords)
    for context in calc.iconverge(distorted):
        if context.niter >= preset["seed_steps"]:
            break


def _relax(job: Job, preset: dict[str, Any], atoms: Any, folder: Path) -> None:
    import ase.optimize

    options = dict(preset["minimiser"])
    minimiser = getattr(ase.optimize, options.pop("name"))(atoms, logfile=str(folder / "relax.log"), **options)
    for _ in minimiser.irun(fmax=job.settings.force_tolerance, steps=job.settings.max_ionic_steps):
        _save_geometry(job, atoms, folder)


def _save_geometry(job: Job, atoms: Any, folder: Path) -> None:
    reached = job.cell.with_signs_of(atoms.get_magnetic_moments())
    state = {
        "input_hash": inputs_in(folder, "gpaw").hash,
        "coords": atoms.get_scaled_positions(wrap=False).tolist(),
        "moments": reached.moments.tolist(),
    }
    if atoms.calc.comm.rank == 0:
        write_atomic(folder / RELAX, json.dumps(state).encode())


if __name__ == "__main__":
    from defectflow.engines.guard import run_worker

    run_worker(main, Path(sys.argv[1]))
