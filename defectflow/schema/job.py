"""What is to be calculated (Job) and the files that say so to an engine (JobInputs)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from defectflow.schema.cell import Cell, Floats
from defectflow.schema.layers import ThinRelaxation
from defectflow.schema.settings import KMesh, Settings


@dataclass(frozen=True, eq=False)
class Job:
    """One calculation of one cell.

    Attributes
    ----------
    path : str
        Folder of the job relative to the run folder, with forward slashes.
    stage : str
        "relax", "static" or "dos"; a dos job keeps the density of its parent fixed.
    cell : Cell
        Geometry and the moments to start from.
    settings : Settings
        Cutoff, tolerances, smearing, symmetry.
    kpoints : KMesh
        The mesh of this stage.
    sites : tuple of int
        Sites to project the states on, the dopants first.
    spin_polarised : bool
        Whether the two spin channels may differ.
    parent : str or None
        Path of the job whose geometry and density this one starts from.
    geometry_of : str or None
        Path of the job whose final geometry this one starts from, with moments and density of its own.
    displaced_as : ThinRelaxation or None
        The relaxation of a thinner junction whose displacements this one takes over; its density does not fit.
    seed_coords : (n, 3) float or None
        Geometry in which the wave functions are prepared before the SCF proper (broken starts).
    overrides : tuple of (str, str)
        Keywords of the engine and their values that an automatic correction of a run of the same pair asked for,
        so that all its spin states run with the same settings.
    charge : int
        Of the cell (e), made neutral by a uniform background; positive where electrons are missing.
    """

    path: str
    stage: str
    cell: Cell
    settings: Settings
    kpoints: KMesh
    sites: tuple[int, ...]
    spin_polarised: bool
    parent: str | None = None
    seed_coords: Floats | None = None
    overrides: tuple[tuple[str, str], ...] = ()
    displaced_as: ThinRelaxation | None = None
    charge: int = 0
    geometry_of: str | None = None

    @property
    def after(self) -> str | None:
        """Path of the job that must be done before."""
        return self.displaced_as.path if self.displaced_as else self.parent or self.geometry_of


@dataclass(frozen=True)
class JobInputs:
    """Texts of the input files by file name."""

    engine: str
    files: tuple[tuple[str, str], ...]

    @property
    def hash(self) -> str:
        """SHA-256 over engine, names and texts: two jobs with equal hashes are the same calculation."""
        digest = hashlib.sha256(self.engine.encode())
        for name, text in sorted(self.files):
            digest.update(f"\0{name}\0{len(text.encode())}\0{text}".encode())
        return digest.hexdigest()


@dataclass(frozen=True)
class Correction:
    """An automatic change of a run's inputs.

    Attributes
    ----------
    tag : str
        Keyword of the engine, or "KPOINTS".
    before, after : str
        Empty where it was or became unset.
    changes_energy : bool
        Whether a run with it may not be subtracted from one without it.
    """

    tag: str
    before: str
    after: str
    changes_energy: bool

    def __str__(self) -> str:
        kind = "energy-changing" if self.changes_energy else "energy-neutral"
        return f"{kind}: {self.tag} {self.before or 'unset'} -> {self.after or 'unset'}"


@dataclass(frozen=True)
class JobState:
    """What ``job.json`` says of a job; the result itself is the only proof that it is done.

    Attributes
    ----------
    state : str
        "submitted", "done", "unconverged" or "failed".
    input_hash, engine : str
        Of the inputs that lie in the folder.
    attempts : int
        How often it was started.
    seconds : float
        Wall time of the last attempt.
    corrections : tuple of Correction
        Automatic changes that were made to the inputs.
    error : str
        Why it failed, empty otherwise.
    lost : tuple of str
        Attempts that ended with their scheduler job or worker, not by themselves: the scheduler's words.
    core_seconds : float
        Cores times wall time of all attempts (s).
    """

    state: str
    input_hash: str
    engine: str
    attempts: int = 0
    seconds: float = 0.0
    corrections: tuple[Correction, ...] = ()
    error: str = ""
    lost: tuple[str, ...] = ()
    core_seconds: float = 0.0
