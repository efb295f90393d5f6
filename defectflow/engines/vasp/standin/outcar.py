"""OUTCAR of the stand-in, in the layout of VASP 6.3."""

from __future__ import annotations

import numpy as np

from defectflow.engines.vasp.standin.inputs import RunInputs
from defectflow.engines.vasp.standin.model import State, k_points

VERSION = "6.3.0"


def head(inputs: RunInputs) -> str:
    """Everything before the first SCF step."""
    titles = "".join(f"   TITEL  = {p.titel}\n" for p in inputs.potentials)
    points = len(k_points(inputs)[0])
    counts = " ".join(str(n) for n in inputs.structure.counts)
    n = inputs.number
    return f""" vasp.{VERSION} defectflow stand-in, nothing is calculated (build 1 Jan 2000) complex

 running on    1 total cores
{titles}
 Dimension of arrays:
   k-points           NKPTS = {points:6d}   number of bands    NBANDS= {bands(inputs):6d}
   number of dos      NEDOS =    301   number of ions     NIONS = {len(inputs.moments):6d}
   ions per type =  {counts}

 Startparameter for this run:
   ISPIN  = {int(n("ISPIN", 1)):6d}    spin polarized calculation?
   LNONCOLLINEAR =      F non collinear calculations
   ENCUT  = {n("ENCUT", 500):6.1f} eV
   NELM   = {int(n("NELM", 60)):6d};   NELMIN=  {int(n("NELMIN", 2))}
   EDIFF  = {n("EDIFF", 1e-4):.1E}   stopping-criterion for ELM
   EDIFFG = {n("EDIFFG", 1e-3):.1E}   stopping-criterion for IOM
   NSW    = {int(n("NSW", 0)):6d}    number of steps for IOM
   IBRION = {int(n("IBRION", -1)):6d}    ionic relax: 0-MD 1-quasi-New 2-CG
   NELECT = {inputs.n_electrons:12.4f}    total number of electrons
   NUPDOWN= {n("NUPDOWN", -1):12.4f}    fix difference up-down
   ISMEAR = {int(n("ISMEAR", 1)):6d};   SIGMA  = {n("SIGMA", 0.2):6.2f}  broadening in eV

"""


def bands(inputs: RunInputs) -> int:
    """NBANDS."""
    return int(inputs.number("NBANDS", inputs.n_electrons))


def scf_step(ion: int, step: int, energy: float, change: float, inputs: RunInputs) -> str:
    """One SCF step."""
    moment = f"{inputs.moments.sum():15.7f}" if inputs.tags.get("ISPIN") == "2" else ""
    return f"""
--------------------------------------- Iteration {ion:6d}({step:4d})  ---------------------------------------

 total energy-change (2. order) :{change: .7E}  ({0.1 * change: .7E})
 number of electron {inputs.n_electrons:15.7f} magnetization {moment}

  free energy    TOTEN  = {energy:18.8f} eV
  energy without entropy = {energy:16.8f}  energy(sigma->0) = {energy:16.8f}
"""


def ionic_step(energy: float, state: State, coords: np.ndarray, inputs: RunInputs) -> str:
    """End of an ionic step: levels, tables, energy."""
    lattice = inputs.structure.lattice
    reciprocal = np.linalg.inv(lattice).T
    table = "".join(_row(x, f) for x, f in zip(coords @ lattice, state.forces, strict=True))
    vectors = "".join(f"   {_row(a, b, 9)}" for a, b in zip(lattice, reciprocal, strict=True))
    line = " " + "-" * 83 + "\n"
    return f"""
 average (electrostatic) potential at core
  the test charge radii are     1.0000
  (the norm of the test charge is              1.0000)
{_core(inputs)}
 E-fermi : {state.fermi:8.4f}     XC(G=0):  -7.8758     alpha+bet : -7.8794

{_moments(state) if inputs.tags.get("ISPIN") == "2" else ""}
  VOLUME and BASIS-vectors are now :
      direct lattice vectors                 reciprocal lattice vectors
{vectors}
 POSITION                                       TOTAL-FORCE (eV/Angst)
{line}{table}{line}
  FREE ENERGIE OF THE ION-ELECTRON SYSTEM (eV)
  ---------------------------------------------------
  free  energy   TOTEN  = {energy:18.8f} eV

  energy  without entropy={energy:17.8f}  energy(sigma->0) ={energy:17.8f}
"""


def _row(first: np.ndarray, second: np.ndarray, digits: int = 6) -> str:
    left, right = ("".join(f"{x:13.{min(d, 9)}f}" for x in v) for v, d in ((first, digits), (second, digits)))
    return f"{left}  {right}\n"


def _core(inputs: RunInputs) -> str:
    flat = [(p.flavour, n) for p, n in zip(inputs.potentials, inputs.structure.counts, strict=True)]
    values = [-30.0 - 5.0 * i for i, (_, n) in enumerate(flat) for _ in range(n)]
    words = [f"{i:8d} {v:8.4f}" for i, v in enumerate(values, 1)]
    return "\n".join("".join(words[i : i + 5]) for i in range(0, len(words), 5))


def _moments(state: State) -> str:
    rows = "".join(f"{i:5d}       {0:6.3f}  {m:6.3f}  {0:6.3f}  {m:6.3f}\n" for i, m in enumerate(state.moments, 1))
    total = f"{'-' * 50}\ntot  {0:12.3f}  {state.moments.sum():6.3f}  {0:6.3f}  {state.moments.sum():6.3f}\n"
    title = f" magnetization (x)\n\n# of ion       s       p       d       tot\n{'-' * 42}\n"
    return f"{title}{rows}{total if len(state.moments) > 1 else ''}\n"


FOOT = """

 General timing and accounting informations for this job:
 ========================================================

                  Total CPU time used (sec):        1.000
"""
