"""From a job to INCAR and KPOINTS: tags by stage, in one fixed order and spelling."""

from __future__ import annotations

from itertools import groupby
from typing import Any

import numpy as np

from defectflow.engines.bands import number_of_bands
from defectflow.errors import InputError
from defectflow.schema import Job, KMesh, Smearing

# Set by the preset for each stage: another value would make it another kind of run.
LOCKED = (
    "ICHARG", "ISTART", "LCHARG", "IBRION", "ISIF", "LORBIT", "LVHAR", "LVTOT", "METAGGA", "LHFCALC", "NELECT",
)  # fmt: skip

# Lists by kind of atom, with the value of a kind that none is given for: no d or f shell, no U, no J.
NO_HUBBARD = {"LDAUL": -1, "LDAUU": 0, "LDAUJ": 0}

Tag = bool | int | float | str | list[float]
# Set from the recipe; a preset or an extra tag of the same name would say it twice.
MANAGED = (
    "SYSTEM", "ENCUT", "GGA", "EDIFF", "EDIFFG", "NELM", "NSW", "ISMEAR", "SIGMA", "ISPIN", "ISYM", "MAGMOM", "NBANDS",
)  # fmt: skip


def incar_tags(job: Job, preset: dict[str, Any], n_electrons: float, order: np.ndarray) -> dict[str, Tag]:
    """Tags of a job.

    Parameters
    ----------
    n_electrons : float
        Sum of ZVAL less the charge of the cell. NBANDS follows from it and not from the moments, as VASP's own default
        does: FM and AF runs would differ.
    order : (n,) int
        POSCAR position to site of the cell; MAGMOM follows it.

    Raises
    ------
    InputError
        If a tag is set twice.
    """
    chosen = {**preset["incar"], **preset["stages"].get(job.stage, {}), **job.settings.incar}
    if twice := sorted(set(chosen) & set(MANAGED)):
        todo = "remove it from the preset or from settings.incar, and set it in the recipe"
        raise InputError(f"{twice[0]} follows from the recipe", where=f"{job.path}: INCAR", todo=todo)
    if locked := sorted(set(job.settings.incar) & set(LOCKED)):
        todo = "leave it out of settings.incar; FM/AF energies of this package are PBE (+U) with the stages' own runs"
        raise InputError(f"{locked[0]} belongs to the stages", where="settings.incar", todo=todo)
    kinds = tuple(dict.fromkeys(job.cell.species[site] for site in order))
    chosen |= {tag: by_kind(tag, chosen[tag], kinds) for tag in NO_HUBBARD if tag in chosen}
    if job.stage == "static" and job.parent is not None:
        chosen["ICHARG"] = 1  # goes on from the relaxed density, so that the SCF stays in its minimum
    tags: dict[str, Tag] = {**_from_recipe(job, n_electrons), **chosen}
    if job.spin_polarised:
        tags["MAGMOM"] = [float(m) for m in job.cell.moments[order]]
    return overridden(tags, job.overrides)


def by_kind(tag: str, value: Tag, kinds: tuple[str, ...]) -> str:
    """List of a tag that goes by kinds of atoms, in their order in the POSCAR, from ``"Ni:5.3 Fe:4"``.

    Raises
    ------
    InputError
        If it is a bare list: which value belongs to which kind would change from cell to cell of a study.
    """
    words = [word.partition(":") for word in str(value).split()]
    if not words or any(not (name.isalpha() and number) for name, _, number in words):
        what = f'{tag} = "{value}" does not say which kinds of atoms its values are for'
        raise InputError(
            what, where="settings.incar", todo=f'write each with its element: {tag} = "Ni:2 O:{NO_HUBBARD[tag]}"'
        )
    given = {name: number for name, _, number in words}
    return " ".join(given.get(kind, str(NO_HUBBARD[tag])) for kind in kinds)


def overridden(tags: dict[str, Tag], overrides: tuple[tuple[str, str], ...]) -> dict[str, Tag]:
    """Tags with the corrections of a pair taken over; an empty value unsets a tag."""
    changed = {name: _as_tag(value) for name, value in overrides if name != "KPOINTS"}
    return {name: value for name, value in {**tags, **changed}.items() if value != ""}


def mesh_of(job: Job) -> KMesh:
    """Mesh of a job, that of a correction if one exchanged it."""
    text = dict(job.overrides).get("KPOINTS")
    if text is None:
        return job.kpoints
    mesh, centring = text.split()
    return KMesh.model_validate({"mesh": tuple(int(n) for n in mesh.split("x")), "centring": centring})


def _from_recipe(job: Job, n_electrons: float) -> dict[str, Tag]:
    s = job.settings
    relaxes = job.stage == "relax"
    return {
        "SYSTEM": job.path.replace("/", " "),
        "GGA": "PE",
        "ENCUT": s.cutoff,
        "EDIFF": s.energy_tolerance,
        "NELM": s.max_scf_steps,
        **({"EDIFFG": -s.force_tolerance} if relaxes else {}),
        "NSW": s.max_ionic_steps if relaxes else 0,
        "ISMEAR": ismear(s.smearing),
        "SIGMA": s.smearing.width,
        "ISPIN": 2 if job.spin_polarised else 1,
        "ISYM": 2 if s.symmetry else 0,  # 0 keeps k = -k and nothing else
        "NBANDS": number_of_bands(job, n_electrons),
        **({"NELECT": n_electrons} if job.charge else {}),
    }


def ismear(smearing: Smearing) -> int:
    """ISMEAR of an occupation function; that of Methfessel and Paxton is its order."""
    kinds = {"fermi-dirac": -1, "gaussian": 0}
    return kinds[smearing.kind] if smearing.order is None else smearing.order


def incar_text(tags: dict[str, Tag]) -> str:
    """INCAR with one tag a line, in alphabetical order."""
    return "".join(f"{name} = {tag_text(value)}\n" for name, value in sorted(tags.items()))


def tag_text(value: Tag) -> str:
    """Value as VASP reads it; equal numbers in a row as ``n*value``."""
    if isinstance(value, bool):
        return ".TRUE." if value else ".FALSE."
    if isinstance(value, list):
        runs = [(len(list(equal)), v) for v, equal in groupby(value)]
        return " ".join(f"{n}*{v:.10g}" if n > 1 else f"{v:.10g}" for n, v in runs)
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def _as_tag(text: str) -> Tag:
    words = {".TRUE.": True, ".FALSE.": False, "TRUE": True, "FALSE": False, "T": True, "F": False}
    if text.upper() in words:
        return words[text.upper()]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def kpoints_text(mesh: KMesh) -> str:
    """KPOINTS of a regular mesh."""
    scheme = "Gamma" if mesh.centring == "gamma" else "Monkhorst-Pack"
    return f"{mesh}\n0\n{scheme}\n{' '.join(map(str, mesh.mesh))}\n0 0 0\n"
