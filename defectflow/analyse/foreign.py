"""The certificate for runs of others: whether each is sound, and whether two energies may be subtracted.

What is compared is what the files of both runs say. The geometries may differ (each spin order at its own minimum),
the settings may not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from defectflow.analyse.compare import numerical_uncertainty
from defectflow.analyse.filling import unlike_filling
from defectflow.analyse.k_meshes import mesh_reasons, mesh_remarks
from defectflow.analyse.verify import SIZE_RANGE, Certificate, certificate, converged_reasons
from defectflow.errors import ParseError
from defectflow.schema import RunSummary
from defectflow.schema.keywords import is_neutral, same_values, self_consistent

# A site has a say in the order if its moment is above the floor (muB) and above this share of the largest one.
MAGNETIC_FLOOR, MAGNETIC_SHARE = 0.05, 0.3
TOTAL_SEEN = 0.5  # muB; a total moment below it is none
CELL_REMARK = 0.03  # relative change of the volume beyond which two cells are hardly the same system
# What decides a VASP energy, beyond the mesh. A tag that is neither here nor neutral is a remark.
DECISIVE = (
    "ENCUT", "ENMAX", "ENAUG", "PREC", "ISMEAR", "SIGMA", "EDIFF", "ISPIN", "NUPDOWN", "GGA", "METAGGA", "LHFCALC",
    "AEXX", "ALDAX", "AGGAX", "ALDAC", "AGGAC", "HFSCREEN", "PRECFOCK", "ENCUTFOCK", "NKRED", "NKREDX", "NKREDY",
    "NKREDZ", "LTHOMAS", "LDAU", "LDAUTYPE", "LDAUL", "LDAUU", "LDAUJ", "LREAL", "ROPT", "LASPH", "ADDGRID", "LMAXPAW",
    "LMAXTAU", "LCORR", "ISYM", "SYMPREC", "IVDW", "LUSE_VDW", "ZAB_VDW", "LSORBIT", "LNONCOLLINEAR", "M_CONSTR",
    "I_CONSTRAINED_M", "LAMBDA", "EFIELD", "LDIPOL", "IDIPOL", "EPSILON", "NELECT", "FERWE", "FERDO", "POTCAR.ENMAX",
    "POTCAR.EATOM",
)  # fmt: skip
IF_IONS_MOVE = ("IBRION", "EDIFFG", "ISIF")
GRID = ("NGX", "NGY", "NGZ", "NGXF", "NGYF", "NGZF")  # follow from the cell, and decide where the cells are equal
UNCOMPARED = (
    "SYSTEM",
    "MAGMOM",
    "NBANDS",
    "NIONS",
    "NKPTS",
    "NKDIM",
    "RANKS",
    "KDIVISIONS",
    "NPLWV",
    "IRMAX",
    "IRDMAX",
)


@dataclass(frozen=True)
class ForeignPair:
    """Two runs as FM and AF of one system.

    Attributes
    ----------
    fm, af : RunSummary or None
        None where the runs are not one of each order.
    delta : float or None
        E_AF - E_FM (eV per cell).
    uncertainty : float
        What SCF residues and smearing leave open (eV).
    j_dimer : float or None
        delta / 2 (meV) where exactly two sites are magnetic.
    certificate : Certificate
    """

    fm: RunSummary | None
    af: RunSummary | None
    delta: float | None
    uncertainty: float
    j_dimer: float | None
    certificate: Certificate


def verify_summary(run: RunSummary) -> Certificate:
    """Check one run by its own numbers."""
    remarks = [f"{run.path}: {w}" for w in run.warnings if not w.startswith("not converged")]
    reasons = [*converged_reasons(run.convergence, run.path), *_not_self_consistent(run), *_moving(run)]
    return certificate(reasons, remarks)


def _moving(run: RunSummary) -> list[str]:
    minimiser = run.settings.get("IBRION", "-1")
    if run.n_ionic_steps < 2 or run.convergence.ionic is not None or minimiser == "-1":
        return []
    what = f"{run.n_ionic_steps} geometries that were no relaxation (IBRION = {minimiser})"
    return [f"{run.path}: {what}: E0 is that of whichever came last, not of a state at rest"]


def _not_self_consistent(run: RunSummary) -> list[str]:
    density = (run.settings.get("ICHARG", "2").split() or ["2"])[0]
    algo, ialgo = run.settings.get("ALGO", "Normal"), run.settings.get("IALGO", "38")
    fixed = density.isdigit() and len(density) < 4 and int(density) >= 10
    if fixed or not self_consistent(algo, ialgo):
        tags = f"ICHARG = {density}, ALGO = {algo}, IALGO = {ialgo}"
        return [f"{run.path}: its density is not its own ({tags}): this is no total energy"]
    return []


def spin_order(run: RunSummary) -> str:
    """Order by the moments: "FM", "AF" (both signs, no total), "ferri" (both signs and a total) or "NM" (none).

    Raises
    ------
    ParseError
        If the run has no collinear site moments.
    """
    total, sites = run.collinear_moments()
    large = _magnetic(np.array(sites))
    if not large.any():
        # Spin between the atoms: the spheres miss it (a vacancy), and only the total moment tells.
        return "FM" if abs(total) > TOTAL_SEEN else "NM"
    signs = np.sign(np.array(sites)[large])
    if abs(signs.sum()) == len(signs):
        return "FM"
    return "AF" if abs(total) < 0.1 else "ferri"


def _magnetic(sites: np.ndarray) -> np.ndarray:
    sizes = np.abs(sites)
    return np.asarray(sizes > max(MAGNETIC_FLOOR, MAGNETIC_SHARE * float(sizes.max(initial=0.0))))


def compare_foreign(first: RunSummary, second: RunSummary) -> ForeignPair:
    """Certificate and energy difference of two runs, whichever is FM."""
    single = [verify_summary(run) for run in (first, second)]
    same = same_settings(first, second)
    reasons = [r for c in single for r in c.reasons] + list(same.reasons)
    remarks = [r for c in single for r in c.remarks] + list(same.remarks)
    try:
        orders = (spin_order(first), spin_order(second))
    except ParseError as error:
        return ForeignPair(None, None, None, 0.0, None, certificate([*reasons, str(error)], remarks))
    if set(orders) != {"FM", "AF"}:
        reasons.append(f"the runs came out {orders[0]} and {orders[1]}, not FM and AF: a moment flipped or vanished")
        return ForeignPair(None, None, None, 0.0, None, certificate(reasons, remarks))
    fm, af = (first, second) if orders[0] == "FM" else (second, first)
    delta = af.e0 - fm.e0
    moments = [np.array(run.collinear_moments()[1]) for run in (fm, af)]
    dimer = 1000 * delta / 2 if _magnetic(moments[0]).sum() == _magnetic(moments[1]).sum() == 2 else None
    checked = certificate([*reasons, *_sizes(fm, af, moments)], remarks + _filling_remarks(fm, af))
    return ForeignPair(fm, af, delta, numerical_uncertainty(fm, af), dimer, checked)


def _filling_remarks(fm: RunSummary, af: RunSummary) -> list[str]:
    if fm.filling is None or af.filling is None:
        return []
    return unlike_filling(fm.filling, af.filling, (fm.path, af.path))


def _sizes(fm: RunSummary, af: RunSummary, moments: list[np.ndarray]) -> list[str]:
    counts = [int(_magnetic(m).sum()) for m in moments]
    if counts[0] != counts[1]:
        return [f"{counts[0]} sites are magnetic in {fm.path}, {counts[1]} in {af.path}: a moment vanished"]
    sizes = [np.sort(np.abs(m[_magnetic(m)])) for m in moments]
    ratio = sizes[1] / sizes[0]
    if not len(ratio) or (SIZE_RANGE[0] <= ratio.min() and ratio.max() <= SIZE_RANGE[1]):
        return []
    return [f"site moments differ by factors {ratio.min():.2f} to {ratio.max():.2f}: another atomic state"]


def same_settings(first: RunSummary, second: RunSummary) -> Certificate:
    """Compare what two runs used; a decisive tag that only one of two files of the same kind states is a reason."""
    pairs = [("code", first.code, second.code), ("version", _release(first), _release(second))]
    pairs.append(("composition", _composition(first), _composition(second)))
    pairs.append(("potentials", _titles(first), _titles(second)))
    reasons = [f"{name} differs: {a} and {b}" for name, a, b in pairs if a != b]
    reasons += mesh_reasons(first, second)
    differing, one_sided = _differing(first, second)
    reasons += [f"{tag} differs: {a} and {b}" for tag, a, b in differing if _decides(tag, first, second)]
    reasons += [f"{tag} is stated by one run only" for tag in one_sided]
    remarks = [_remark(tag, a, b) for tag, a, b in differing if not _decides(tag, first, second)]
    return certificate(reasons, remarks + _size_remarks(first, second))


def _differing(first: RunSummary, second: RunSummary) -> tuple[list[tuple[str, str, str]], list[str]]:
    a, b = first.settings, second.settings
    both = [(t, a[t], b[t]) for t in sorted(a.keys() & b.keys()) if not same_values(a[t], b[t]) and t not in UNCOMPARED]
    alike = ("param" in first.k_mesh) == ("param" in second.k_mesh)  # read from the same kind of file
    return both, [t for t in sorted(a.keys() ^ b.keys()) if t in DECISIVE and alike and not t.startswith("POTCAR")]


def _decides(tag: str, first: RunSummary, second: RunSummary) -> bool:
    if tag in IF_IONS_MOVE:
        return any(run.convergence.ionic is not None for run in (first, second))
    if tag in GRID:
        return bool(np.abs(first.cell.lattice - second.cell.lattice).max() < 1e-4)
    if tag == "GGA" and {first.settings[tag].upper(), second.settings[tag].upper()} == {"--", "PE"}:
        return not all(t.startswith("PAW_PBE") for t in (*first.potentials.values(), *second.potentials.values()))
    ours = tag.islower()  # a setting or keyword of a result of ours; tags of VASP are in capitals
    return tag in DECISIVE or (ours and not is_neutral(tag))


def _remark(tag: str, a: str, b: str) -> str:
    kind = "energy-neutral" if is_neutral(tag) else "not known to change the energy"
    return f"{tag} differs ({kind}): {a} and {b}"


def _size_remarks(first: RunSummary, second: RunSummary) -> list[str]:
    remarks = mesh_remarks(first, second)
    if first.n_bands != second.n_bands:
        bands = f"{first.n_bands} and {second.n_bands}"
        remarks.append(f"NBANDS differ ({bands}): harmless as long as the highest bands are empty")
    volumes = [abs(float(np.linalg.det(run.cell.lattice))) for run in (first, second)]
    change = volumes[1] / volumes[0] - 1
    if np.abs(first.cell.lattice - second.cell.lattice).max() > 1e-4:
        remarks.append(f"the cells differ (volume by {100 * change:+.2f} %): the difference holds their relaxation")
    if abs(change) > CELL_REMARK:
        remarks.append(f"the volumes differ by more than {100 * CELL_REMARK:.0f} %: are these the same system?")
    return remarks


def _release(run: RunSummary) -> str:
    return ".".join(run.version.split(".")[:3])


def _composition(run: RunSummary) -> str:
    return " ".join(f"{s}{run.cell.species.count(s)}" for s in sorted(set(run.cell.species)))


def _titles(run: RunSummary) -> str:
    return ", ".join(sorted(run.potentials.values()))
