"""A finished VASP job as a `CalcResult`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from defectflow.engines.planar import on_one_grid
from defectflow.engines.vasp.convergence import number
from defectflow.engines.vasp.summary import read_files, summarise_vasp
from defectflow.errors import ParseError
from defectflow.formats.locpot import read_planar_averages
from defectflow.formats.outcar import Outcar
from defectflow.formats.stream import find_file
from defectflow.formats.vasprun import Vasprun
from defectflow.schema import CalcResult, Cell, Correction, JobInputs, KMesh, Projections, Settings, Smearing
from defectflow.schema.cell import Floats
from defectflow.schema.jsonio import read_json
from defectflow.schema.keywords import canonical, same_values

SITE_MOMENTS = "inside the projection spheres of VASP (RWIGS of the POTCAR; LORBIT = 11)"
SITE_POTENTIALS = "electron potential energy averaged over VASP's test charge in each core (OUTCAR)"
# Of the parameters that VASP lists, those that decide numbers or the way to them and are not in `Settings`.
NUMERICS = (
    "PREC", "ALGO", "IALGO", "LREAL", "LASPH", "ADDGRID", "LMAXMIX", "ENAUG", "NGX", "NGY", "NGZ", "NGXF", "NGYF",
    "NGZF", "IBRION", "POTIM", "NELMIN", "NELMDL", "AMIX", "BMIX", "AMIX_MAG", "BMIX_MAG", "AMIN", "IMIX", "ISYM",
    "SYMPREC", "NUPDOWN", "GGA", "ENMAX", "EDIFF", "EDIFFG", "ISMEAR", "SIGMA", "LHFCALC", "LDAU", "LDAUTYPE", "LDAUL",
    "LDAUU", "LDAUJ", "AEXX", "HFSCREEN", "PRECFOCK", "METAGGA", "IVDW", "LCORR", "NELECT",
)  # fmt: skip


def calc_result(folder: Path, inputs: JobInputs, corrections: tuple[Correction, ...]) -> CalcResult:
    """Read the outputs of a job; sites come back in the order of the job's cell.

    Raises
    ------
    ParseError
        If an output is missing, cut off or damaged, or VASP used other settings than the inputs say without a
        correction that says so.
    """
    job = json.loads(dict(inputs.files)["job.vasp.json"])
    files = read_files(folder, projections=True)
    if files.xml is None or files.outcar is None:
        name = "vasprun.xml" if files.xml is None else "OUTCAR"
        raise ParseError(f"has no {name}", where=str(folder), todo="run the job again")
    xml, outcar, used = files.xml, files.outcar, files.xml.header.used
    check_used(dict(inputs.files)["INCAR"], xml, corrections, folder)
    summary = summarise_vasp(files)
    back = np.argsort(np.array(job["order"]))
    spins = xml.eigenvalues.shape[0]
    total, sites = summary.collinear_moments()
    eigenvalues, occupations, weights = _sorted_bands(xml, folder)
    species = tuple(xml.header.species[i] for i in back)
    last = xml.steps[-1]
    return CalcResult(
        engine="vasp",
        code="VASP stand-in" if _stand_in(xml) else "VASP",
        version=xml.header.version,
        input_hash=inputs.hash,
        stage=job["stage"],
        cell=Cell(last.lattice, species, last.coords[back], np.array(job["moments"])),
        settings=used_settings(Settings.model_validate(job["settings"]), used),
        kpoints=KMesh.model_validate(job["kpoints"]),
        numerics={k: canonical(used[k]) for k in NUMERICS if k in used},
        potentials=_potentials(folder, outcar),
        n_electrons=summary.n_electrons,
        e0=summary.e0,
        free_energy=summary.free_energy,
        fermi=np.array(summary.fermi or [np.nan]),
        total_moment=total,
        site_moments=np.array(sites)[back],
        site_moment_kind=SITE_MOMENTS,
        forces=last.forces[back] if len(last.forces) else np.array(outcar.forces)[back],
        k_coords=xml.header.k_coords,
        k_weights=xml.header.k_weights / xml.header.k_weights.sum(),
        eigenvalues=eigenvalues,
        occupations=occupations,
        projections=_projections(xml, weights, job, back, spins),
        site_potentials=_site_potentials(outcar, folder)[back],
        site_potential_kind=SITE_POTENTIALS,
        planar_potential=_planar(folder),
        convergence=summary.convergence,
        warnings=(*summary.warnings, *_changes(job, corrections, folder), *_stand_in(xml)),
        core_seconds=outcar.cpu_seconds * number(outcar.tags, "RANKS", 1),
    )


def used_settings(asked: Settings, parameters: dict[str, str]) -> Settings:
    """Settings with what a correction may have changed: smearing and its width."""
    kind = int(number(parameters, "ISMEAR", 1))
    names = {-1: "fermi-dirac", 0: "gaussian"}
    smearing = {
        "kind": names.get(kind, "methfessel-paxton"),
        "width": number(parameters, "SIGMA", asked.smearing.width),
        "order": kind if kind > 0 else None,
    }
    return asked.model_copy(update={"smearing": Smearing.model_validate(smearing)})


def check_used(incar: str, xml: Vasprun, corrections: tuple[Correction, ...], folder: Path) -> None:
    """Compare the INCAR that was written with the one that VASP says it read."""
    changed = {c.tag for c in corrections}
    asked = dict(line.split(" = ", 1) for line in incar.splitlines())
    # VASP before 5.4.4 echoes LORBIT as a truth value that is always false.
    for name in sorted(set(asked) - changed - {"SYSTEM", "MAGMOM", "LORBIT"}):
        used = xml.header.incar.get(name)
        if used is not None and not same_values(asked[name], used):
            what = f"VASP read {name} = {used}, the inputs say {asked[name]}"
            todo = "the INCAR that VASP found is not the one that was written; look before you run it again"
            raise ParseError(what, where=str(folder), todo=todo)


def _sorted_bands(xml: Vasprun, folder: Path) -> tuple[Floats, Floats, Floats]:
    if not xml.eigenvalues.size or not xml.projections.size:
        raise ParseError("vasprun.xml holds no eigenvalues or no projections", where=str(folder), todo="LORBIT = 11")
    order = np.argsort(xml.eigenvalues, axis=2, kind="stable")  # VASP swaps bands that cross in the last digit
    weights = np.take_along_axis(xml.projections, order[..., None, None], axis=2)
    return (
        np.take_along_axis(xml.eigenvalues, order, axis=2),
        np.take_along_axis(xml.occupations, order, axis=2),
        weights,
    )


def _projections(xml: Vasprun, weights: Floats, job: dict[str, Any], back: np.ndarray, spins: int) -> Projections:
    names = ["d" if name.startswith("x2") else name[0] for name in xml.orbitals]  # VASP calls one of the d "x2-y2"
    kinds = tuple(dict.fromkeys(names))
    sites = np.array(job["sites"], dtype=np.int64)
    chosen = weights[:spins, :, :, back[sites], :]
    summed = [chosen[..., [i for i, n in enumerate(names) if n == kind]].sum(axis=-1) for kind in kinds]
    return Projections(sites, kinds, np.stack(summed, axis=-1).astype(np.float32))


def _site_potentials(outcar: Outcar, folder: Path) -> Floats:
    if not outcar.core_potentials:
        raise ParseError("the OUTCAR holds no potentials at the cores", where=str(folder))
    return np.array(outcar.core_potentials)


def _planar(folder: Path) -> Floats:
    path = find_file(folder, "LOCPOT")
    if path is None:
        return np.zeros((3, 0))  # a stage that writes none
    return on_one_grid(read_planar_averages(path).averages)


def _potentials(folder: Path, outcar: Outcar) -> dict[str, str]:
    known = read_json(folder / "potcar.json") if (folder / "potcar.json").is_file() else {}
    titles = {t.split()[1].split("_")[0]: t for t in outcar.titles}
    return {element: f"{titel} {known.get(element, '')}".strip() for element, titel in titles.items()}


def _changes(job: dict[str, Any], corrections: tuple[Correction, ...], folder: Path) -> tuple[str, ...]:
    continued = read_json(folder / "ran.json").get("continued")
    again = ["goes on from the last geometry of an attempt that was stopped"] if continued else []
    taken = [
        f"{k} = {v or 'unset'}, as a correction of a run of this pair asked for" for k, v in job["overrides"].items()
    ]
    return (*taken, *(f"corrected: {c}" for c in corrections), *again)


def _stand_in(xml: Vasprun) -> tuple[str, ...]:
    is_one = "stand-in" in xml.header.subversion
    return ("the stand-in for VASP: numbers of a toy model, nothing was calculated",) if is_one else ()
