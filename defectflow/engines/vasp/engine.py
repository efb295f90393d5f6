"""The VASP engine as the driver sees it."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np

from defectflow.engines.base import Progress
from defectflow.engines.presets import load_preset
from defectflow.engines.vasp.incar import incar_tags, incar_text, kpoints_text, mesh_of
from defectflow.engines.vasp.potcar import (
    Potential,
    check_cutoff,
    flavours,
    head_of,
    known_zval,
    library,
    listed,
    require_library,
    spec_text,
    try_find,
    write_potcar,
)
from defectflow.engines.vasp.rules import check_incar
from defectflow.errors import DefectFlowError, EngineError, InputError, ParseError
from defectflow.formats.oszicar import read_steps
from defectflow.formats.poscar import poscar_text
from defectflow.schema import CalcResult, Correction, Job, JobInputs
from defectflow.schema.jsonio import read_json

JOB = "job.vasp.json"
RAN = "ran.json"
CORRECTIONS = "corrections.json"
COMMAND = "DEFECTFLOW_VASP_CMD"
_OUTPUTS = (
    "OUTCAR", "vasprun.xml", "OSZICAR", "DOSCAR", "EIGENVAL", "PROCAR", "LOCPOT", "XDATCAR", "IBZKPT", "PCDAT",
    "REPORT", "WAVECAR", "CHG", "POTCAR", "STOPCAR", "vasp.out", "std_err.txt", "custodian.json", RAN, CORRECTIONS,
)  # fmt: skip


class VaspEngine:
    """PBE and PAW with VASP (Kresse, Furthmueller, PRB 54, 11169 (1996), doi:10.1103/PhysRevB.54.11169).

    Environment: ``DEFECTFLOW_VASP_CMD`` is the command that runs VASP in a folder ("srun vasp_std"; default
    "vasp_std", under mpiexec for more than one rank), ``PMG_VASP_PSP_DIR`` the POTCAR library.
    """

    name = "vasp"

    def available(self) -> str:
        """Command and library, see `Engine.available`."""
        command = vasp_command(1)
        if shutil.which(command[0]) is None:
            todo = f'give the command that runs it: export {COMMAND}="mpirun -n 16 /path/to/vasp_std"; or --engine gpaw'
            raise EngineError(f"{command[0]} is not found", where=COMMAND, todo=todo)
        place = "no POTCAR library (stand-in)" if is_stand_in(command) else f"POTCARs in {require_library()}"
        return f"{' '.join(command)}, {place}"

    def make_inputs(self, job: Job) -> JobInputs:
        """INCAR, KPOINTS, POSCAR, POTCAR.spec, and what `read` needs to know of the job."""
        if job.seed_coords is not None:
            todo = 'begin the stages with "relax": the distorted start is then its first geometry'
            raise InputError("a broken start without a relaxation is not possible with VASP", where=job.path, todo=todo)
        order = poscar_order(job.cell.species)
        chosen = flavours(job.settings, [job.cell.species[i] for i in order])
        potentials = {element: potential(element, flavour) for element, flavour in chosen.items()}
        check_cutoff(job.settings.cutoff, potentials.values())
        electrons = sum(potentials[s].zval for s in job.cell.species) - job.charge
        tags = incar_tags(job, load_preset("vasp", job.settings.profile), electrons, order)
        check_incar(tags, f"{job.path}: INCAR")
        cell = job.cell.take(order)
        files = {
            "INCAR": incar_text(tags),
            "KPOINTS": kpoints_text(mesh_of(job)),
            "POSCAR": poscar_text(job.path, cell.lattice, cell.species, cell.coords),
            "POTCAR.spec": spec_text(chosen.values()),
            JOB: _job_text(job, order),
        }
        return JobInputs(self.name, tuple(files.items()))

    def complete_inputs(self, folder: Path) -> None:
        """POTCAR in place of POTCAR.spec where a library is set up."""
        if library() is not None:
            write_potcar(folder, (folder / "POTCAR.spec").read_text(encoding="utf-8").split())
            (folder / "POTCAR.spec").unlink()

    def side_by_side(self, cores: int, ranks: int) -> int:
        """One at a time where the command says itself how many ranks it starts."""
        own = COMMAND in os.environ and not is_stand_in(vasp_command(ranks))
        return 1 if own else max(1, cores // ranks)

    def command(self, folder: Path, ranks: int, launch: str = "") -> list[str]:
        """The worker that runs VASP under custodian."""
        words = shlex.split(launch) or vasp_command(ranks)
        return [sys.executable, "-m", "defectflow.engines.vasp.worker", str(folder), *words]

    def read(self, folder: Path, inputs: JobInputs) -> CalcResult:
        """Result of a finished run, see `Engine.read`."""
        from defectflow.engines.vasp.result import calc_result

        if read_json(folder / RAN).get("input_hash") != inputs.hash:
            raise ParseError("the output belongs to other inputs", where=str(folder / RAN))
        return calc_result(folder, inputs, self.corrections(folder))

    def progress(self, folder: Path) -> Progress | None:
        """Last SCF line of the OSZICAR."""
        steps = self.trace(folder)
        return steps[-1] if steps else None

    def trace(self, folder: Path) -> tuple[Progress, ...]:
        """The SCF lines of the OSZICAR; none where it cannot be read."""
        try:
            return tuple(Progress(*step) for step in read_steps(folder / "OSZICAR"))
        except DefectFlowError:
            return ()

    def hands_on(self, folder: Path) -> bool:
        """Whether VASP left a CHGCAR."""
        density = folder / "CHGCAR"
        return density.is_file() and density.stat().st_size > 0

    def outputs(self, folder: Path) -> list[Path]:
        """Everything that VASP and custodian wrote, but CONTCAR and CHGCAR, from which a relaxation goes on."""
        return [folder / name for name in _OUTPUTS] + sorted(folder.glob("error.*.tar.gz"))

    def scratch(self, folder: Path) -> list[Path]:
        """Nothing: users keep what VASP wrote."""
        return []

    def corrections(self, folder: Path) -> tuple[Correction, ...]:
        """What custodian changed."""
        path = folder / CORRECTIONS
        if not path.is_file():
            return ()
        try:
            return tuple(Correction(**row) for row in read_json(path)["corrections"])
        except (KeyError, TypeError) as error:
            raise ParseError(f"is damaged: {error}", where=str(path)) from None


def vasp_command(ranks: int) -> list[str]:
    """Command that runs VASP in the current folder.

    Raises
    ------
    EngineError
        If ``DEFECTFLOW_VASP_CMD`` is no command line.
    """
    text = os.environ.get(COMMAND, "vasp_std" if ranks == 1 else f"mpiexec -n {ranks} vasp_std")
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise EngineError(f"is no command line ({error})", where=COMMAND) from None
    if not words:
        raise EngineError("is empty", where=COMMAND, todo=f'export {COMMAND}="mpirun -n 16 vasp_std"')
    return words


def is_stand_in(command: list[str]) -> bool:
    """Whether the command is the package's own stand-in, which needs no POTCAR."""
    return "defectflow.engines.vasp.standin" in command


def poscar_order(species: tuple[str, ...]) -> np.ndarray:
    """Sites in the order of the POSCAR: grouped by element, elements by first appearance, stable within."""
    rank = {symbol: i for i, symbol in enumerate(dict.fromkeys(species))}
    return np.argsort([rank[s] for s in species], kind="stable")


def potential(element: str, flavour: str) -> Potential:
    """The set as the library has it, else as the package's table has it.

    Raises
    ------
    InputError
        If neither has it, or the two differ in their number of valence electrons.
    """
    place = library()
    path = try_find(place, flavour) if place is not None and place.is_dir() else None
    if path is None:
        return listed(element, flavour)
    found = head_of(path, flavour, path.stat().st_mtime_ns)
    known = known_zval(element, flavour)
    if known is not None and known != found.zval:
        what = f"the library's {flavour} has {found.zval:g} valence electrons, not {known:g}"
        raise InputError(what, where=str(path), todo="it is another set than its name says")
    return found


def _job_text(job: Job, order: np.ndarray) -> str:
    # Geometry and moments stand in POSCAR and INCAR; here is what those cannot say.
    document: dict[str, Any] = {
        "stage": job.stage,
        "order": order.tolist(),
        "moments": [round(float(m), 10) for m in job.cell.moments],
        "settings": job.settings.model_dump(mode="json"),
        "kpoints": mesh_of(job).model_dump(mode="json"),
        "sites": list(job.sites),
        "overrides": dict(job.overrides),
        "parent": None if job.parent is None else os.path.relpath(job.parent, job.path),
    }
    return json.dumps(document, sort_keys=True) + "\n"
