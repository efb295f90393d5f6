"""Summary of a VASP run from its vasprun.xml, its OUTCAR, or both."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from defectflow.engines.vasp.convergence import PRINTED, Steps, judge, number
from defectflow.errors import ParseError
from defectflow.formats.elements import by_element
from defectflow.formats.outcar import Outcar, read_outcar
from defectflow.formats.poscar import read_poscar
from defectflow.formats.stream import find_file
from defectflow.formats.vasprun import Vasprun, read_vasprun
from defectflow.schema.cell import Cell, Floats
from defectflow.schema.filling import Filling, make_filling
from defectflow.schema.result import Convergence
from defectflow.schema.summary import Moment, RunSummary

SAME_ENERGY = 1e-5  # eV; OUTCAR and vasprun.xml of one run print the same digits
MISSED_SPIN = (0.25, 0.2)  # muB, and share of the total, that the spheres may miss before it is said
OFF_GAP = 0.05  # eV below the band edge, where tetrahedra put E_F of an insulator


@dataclass(frozen=True, eq=False)
class VaspFiles:
    """What was read of one run; at least one of `xml` and `outcar` is there."""

    path: Path
    xml: Vasprun | None
    outcar: Outcar | None
    free: np.ndarray | None


def read_files(folder: Path, projections: bool = False) -> VaspFiles:
    """Read vasprun.xml and OUTCAR, plain or packed, whichever is there, and the flags of the POSCAR.

    A folder without files of these very names may hold one file that begins so (``OUTCAR_test``).

    Raises
    ------
    ParseError
        If there is neither, one is damaged or cut off, or they are of different runs.
    """
    xml_path, outcar_path = _one_file(folder, "vasprun.xml", "vasprun"), _one_file(folder, "OUTCAR", "OUTCAR")
    if xml_path is None and outcar_path is None:
        raise ParseError(
            "holds neither vasprun.xml nor OUTCAR", where=str(folder), todo="give the folder of a VASP run"
        )
    xml = read_vasprun(xml_path, projections) if xml_path else None
    outcar = read_outcar(outcar_path) if outcar_path else None
    poscar = find_file(folder, "POSCAR")
    free = read_poscar(poscar).free if poscar and xml is None else None
    files = VaspFiles(folder, xml, outcar, free)
    _check_same_run(files)
    return files


def _one_file(folder: Path, name: str, start: str) -> Path | None:
    if (exact := find_file(folder, name)) is not None:
        return exact
    others = sorted(p for p in folder.iterdir() if p.is_file() and p.name.startswith(start))
    if len(others) > 1 and not any(find_file(folder, n) for n in ("vasprun.xml", "OUTCAR")):
        listed = ", ".join(p.name for p in others[:5])
        raise ParseError(f"holds several files {start}*: {listed}", where=str(folder), todo="name one of them")
    return others[0] if len(others) == 1 and find_file(folder, "OUTCAR") is None else None


def read_one(path: Path) -> VaspFiles:
    """Read one file, told by its first bytes to be a vasprun.xml or an OUTCAR."""
    from defectflow.formats.stream import open_stream

    with open_stream(path) as file:
        head = file.read(4096)
    if b"<?xml" in head or b"<modeling>" in head:
        return VaspFiles(path, read_vasprun(path), None, None)
    if b"vasp." in head or path.name.startswith("OUTCAR"):
        return VaspFiles(path, None, read_outcar(path), None)
    raise ParseError(
        "is neither a vasprun.xml nor an OUTCAR", where=str(path), todo="give a folder, or one of these files"
    )


def _check_same_run(files: VaspFiles) -> None:
    if files.xml is None or files.outcar is None:
        return
    xml, outcar = files.xml, files.outcar
    sizes = (len(xml.header.k_weights), xml.header.parameters.get("ISPIN", "1"))
    same = sizes == (int(outcar.tags["NKPTS"]), outcar.tags["ISPIN"])
    if not same or xml.header.species != outcar.species or abs(xml.steps[-1].e0 - outcar.e0) > SAME_ENERGY:
        energies = f"E0 {xml.steps[-1].e0:.6f} and {outcar.e0:.6f} eV, {len(outcar.species)} atoms in the OUTCAR"
        raise ParseError(f"vasprun.xml and OUTCAR are of different runs ({energies})", where=str(files.path))


def summarise_vasp(files: VaspFiles) -> RunSummary:
    """Summary of what was read; every gap is named in its warnings."""
    summary = _from_xml(files.path, files.xml) if files.xml else _from_outcar(files)
    if files.xml and files.outcar:
        summary = _completed(summary, files.outcar, files.xml)
    return summary


def _from_xml(path: Path, run: Vasprun) -> RunSummary:
    tags, last = run.header.used, run.steps[-1]
    moment = 0.0 if tags.get("ISPIN") == "1" and not _vectors(tags) else run.total_moment
    fermi = () if run.fermi is None else (run.fermi,)
    cell = Cell(last.lattice, run.header.species, last.coords, np.zeros(len(run.header.species)))
    convergence = judge(_xml_steps(run), tags)
    return RunSummary(
        path=str(path),
        code="VASP",
        version=run.header.version,
        e0=last.e0,
        free_energy=last.free_energy,
        fermi=fermi,
        total_moment=moment,
        site_moments=_no_moments(tags, len(cell)),
        filling=_filling(run),
        n_kpoints=len(run.header.k_weights),
        n_bands=run.eigenvalues.shape[2] or int(number(tags, "NBANDS", 0)),
        n_ionic_steps=len(run.steps),
        n_electrons=number(tags, "NELECT", 0.0),
        cell=cell,
        convergence=convergence,
        settings=tags,
        k_mesh=run.header.k_generation,
        k_points=np.column_stack([run.header.k_coords, run.header.k_weights / run.header.k_weights.sum()]),
        potentials=run.header.potentials,
        warnings=(*_step_warnings(convergence, [len(s.scf) for s in run.steps], tags), *_gap_warnings(run, fermi)),
    )


def _filling(run: Vasprun) -> Filling | None:
    return make_filling(run.eigenvalues, run.occupations, run.header.k_weights) if run.occupations.size else None


def _xml_steps(run: Vasprun) -> Steps:
    last = run.steps[-1]
    free_energies = last.scf[:, 0]
    change = float(free_energies[-1] - free_energies[-2]) if len(free_energies) > 1 else float(free_energies[-1])
    energies = tuple(s.free_energy for s in run.steps)
    counts = tuple(len(s.scf) for s in run.steps)
    return Steps(counts, (change,), PRINTED, energies, last.forces, run.header.free, last.lattice, 0.0)


def _outcar_steps(run: Outcar, free: np.ndarray | None) -> Steps:
    forces = np.array(run.forces).reshape(-1, 3)
    flags = free if free is not None and free.shape == forces.shape else np.ones(forces.shape, bool)
    lattice, changes = np.array(run.lattice), run.scf_changes[-1]
    return Steps(run.scf_steps, changes, 0.0, run.ionic_energies, forces, flags, lattice, run.moment_drift)


def _from_outcar(files: VaspFiles) -> RunSummary:
    run = files.outcar
    assert run is not None  # read_files leaves one of the two
    lattice = np.array(run.lattice)
    if not abs(np.linalg.det(lattice)) > 1e-6:
        raise ParseError("the lattice vectors span no volume", where=str(files.path))
    coords = np.array(run.positions) @ np.linalg.inv(lattice)
    convergence = judge(_outcar_steps(run, files.free), run.tags)
    sites = _sites(run.site_moments, run.tags, len(run.species))
    return RunSummary(
        path=str(files.path),
        code="VASP",
        version=run.version,
        e0=run.e0,
        free_energy=run.free_energy,
        fermi=run.fermi,
        total_moment=_total(run),
        site_moments=sites,
        filling=None,
        n_kpoints=int(run.tags["NKPTS"]),
        n_bands=int(run.tags["NBANDS"]),
        n_ionic_steps=len(run.scf_steps),
        n_electrons=number(run.tags, "NELECT", 0.0),
        cell=Cell(lattice, run.species, coords, _collinear(sites, len(run.species))),
        convergence=convergence,
        settings=run.tags,
        k_mesh={"divisions": run.tags["KDIVISIONS"]} if "KDIVISIONS" in run.tags else {},
        k_points=np.array(run.k_points).reshape(-1, 4),
        potentials=by_element((t.split()[1].split("_")[0], t) for t in run.titles),
        warnings=(*_step_warnings(convergence, list(run.scf_steps), run.tags), *_moment_warnings(run)),
    )


def _completed(summary: RunSummary, outcar: Outcar, xml: Vasprun) -> RunSummary:
    """The summary of a vasprun.xml with what only the OUTCAR has: moments, two Fermi levels, all digits of changes."""
    from dataclasses import replace

    # The XML prints a small EDIFF as 0.00000000, and nothing of the POTCARs but their titles.
    more = ("EDIFF", "POTCAR.ENMAX", "POTCAR.EATOM")
    tags = {**summary.settings, **{name: outcar.tags[name] for name in more if name in outcar.tags}}
    sites = _sites(outcar.site_moments, tags, len(summary.cell))
    forces = xml.steps[-1].forces if len(xml.steps[-1].forces) else np.array(outcar.forces).reshape(-1, 3)
    judged = judge(replace(_outcar_steps(outcar, None), forces=forces, free=xml.header.free), tags)
    steps = _step_warnings(judged, list(outcar.scf_steps), tags)
    return replace(
        summary,
        fermi=outcar.fermi if len(outcar.fermi) == 2 else summary.fermi,
        total_moment=_total(outcar),
        site_moments=sites,
        cell=summary.cell.with_moments(_collinear(sites, len(summary.cell))),
        convergence=judged,
        settings=tags,
        warnings=(*steps, *_gap_warnings(xml, outcar.fermi), *_moment_warnings(outcar)),
    )


def _vectors(tags: dict[str, str]) -> bool:
    return tags.get("LNONCOLLINEAR", "F").startswith("T") or tags.get("LSORBIT", "F").startswith("T")


def _no_moments(tags: dict[str, str], atoms: int) -> tuple[Moment, ...] | None:
    unpolarised = tags.get("ISPIN") == "1" and not _vectors(tags)
    return (0.0,) * atoms if unpolarised else None


def _total(run: Outcar) -> Moment:
    if not run.total_moment:
        return 0.0
    return run.total_moment[0] if len(run.total_moment) == 1 else run.total_moment


def _sites(found: tuple[tuple[float, ...], ...], tags: dict[str, str], atoms: int) -> tuple[Moment, ...] | None:
    if not found:
        return _no_moments(tags, atoms)
    return tuple(m[0] if len(m) == 1 else m for m in found)


def _collinear(sites: tuple[Moment, ...] | None, atoms: int) -> Floats:
    scalar = [m for m in sites or () if isinstance(m, float)]
    return np.array(scalar) if len(scalar) == atoms else np.zeros(atoms)


def _step_warnings(convergence: Convergence, scf_steps: list[int], tags: dict[str, str]) -> list[str]:
    nelm = int(number(tags, "NELM", 60))
    hit = [i for i, n in enumerate(scf_steps[:-1], 1) if n >= nelm]
    found = [f"{len(hit)} ionic steps before the last stopped at NELM = {nelm}"] if hit else []
    if not convergence.electronic:
        found.append(f"not converged electronically: last change {convergence.last_energy_change:.1e} eV")
    return found


def _moment_warnings(run: Outcar) -> list[str]:
    total, sites = run.total_moment, run.site_moments
    if not total:
        return []
    if not sites:
        return ["no site moments were printed (LORBIT < 10): whether a moment flipped cannot be told"]
    missed = [t - sum(m[i] for m in sites) for i, t in enumerate(total) if i < len(sites[0])]
    if all(abs(m) <= max(MISSED_SPIN[0], MISSED_SPIN[1] * abs(t)) for m, t in zip(missed, total, strict=False)):
        return []
    inside = ", ".join(f"{t - m:.2f} of {t:.2f}" for t, m in zip(total, missed, strict=False))
    return [f"the spheres hold {inside} muB: judge by the total moment, the spin lies between the atoms"]


def _gap_warnings(run: Vasprun, fermi: tuple[float, ...]) -> list[str]:
    found = [] if fermi else ["no Fermi level was written"]
    fixed = number(run.header.parameters, "NUPDOWN", -1) >= 0 and run.occupations.shape[0] == 2
    if fixed and len(fermi) == 1 and run.total_moment:
        found.append("NUPDOWN is set, but only the Fermi level of spin down was written; that of spin up is another")
    if fermi and len(fermi) == 1 and run.occupations.size and not fixed and (gap := _gap(run)):
        vbm, cbm = gap
        if not vbm - OFF_GAP <= fermi[0] < cbm:
            found.append(
                f"E_F = {fermi[0]:.3f} eV is not inside the gap, {vbm:.3f} to {cbm:.3f} eV: it is no reference"
            )
    return found


def _gap(run: Vasprun) -> tuple[float, float] | None:
    filled, empty = run.occupations > 0.99, run.occupations < 0.01
    if not (filled | empty).all() or not filled.any() or not empty.any():
        return None
    vbm, cbm = float(run.eigenvalues[filled].max()), float(run.eigenvalues[empty].min())
    return (vbm, cbm) if cbm > vbm else None
