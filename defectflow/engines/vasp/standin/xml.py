"""vasprun.xml of the stand-in, in the layout of VASP 6.3."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from defectflow.engines.vasp.standin.inputs import RunInputs
from defectflow.engines.vasp.standin.model import State, k_points
from defectflow.engines.vasp.standin.outcar import VERSION, bands

_ORBITALS = ("    s", "   py", "   pz", "   px", "  dxy", "  dyz", "  dz2", "  dxz", "x2-y2")


def _vectors(name: str, rows: Iterable[np.ndarray]) -> str:
    lines = "".join("    <v> " + "".join(f"{x:16.8f} " for x in np.atleast_1d(row)) + "</v>\n" for row in rows)
    return f'   <varray name="{name}" >\n{lines}   </varray>\n'


def _structure(inputs: RunInputs, coords: np.ndarray, name: str = "") -> str:
    basis, positions = _vectors("basis", inputs.structure.lattice), _vectors("positions", coords)
    return f" <structure{name}>\n  <crystal>\n{basis}  </crystal>\n{positions} </structure>\n"


def head(inputs: RunInputs) -> str:
    """Everything before the first calculation."""
    coords, weights = k_points(inputs)
    incar = "".join(f'  <i type="string" name="{k}">{v}</i>\n' for k, v in sorted(inputs.tags.items()))
    used = {"NBANDS": bands(inputs), "NELECT": f"{inputs.n_electrons:.8f}", "ENMAX": inputs.tags.get("ENCUT", "500")}
    defaults = {"ISPIN": "1", "NUPDOWN": "-1.0", "NSW": "0", "IBRION": "-1", "NELM": "60", "EDIFF": "0.0001"}
    tags = {**defaults, **inputs.tags, **used}
    parameters = "".join(f'   <i name="{k}">{v}</i>\n' for k, v in sorted(tags.items()) if k != "MAGMOM")
    atoms = "".join(f"    <rc><c>{s:2s}</c><c>   1</c></rc>\n" for s in inputs.structure.species)
    pairs = zip(inputs.potentials, inputs.structure.counts, strict=True)
    types = "".join(
        f"    <rc><c>{n:4d}</c><c>{p.flavour.split('_')[0]:2s}</c><c>1.0</c><c>{p.zval}</c><c>  {p.titel} </c></rc>\n"
        for p, n in pairs
    )
    scheme = "Gamma" if inputs.gamma else "Monkhorst-Pack"
    return f"""<?xml version="1.0" encoding="ISO-8859-1"?>
<modeling>
 <generator>
  <i name="program" type="string">vasp </i>
  <i name="version" type="string">{VERSION}  </i>
  <i name="subversion" type="string">defectflow stand-in, nothing is calculated </i>
 </generator>
 <incar>
{incar} </incar>
 <kpoints>
  <generation param="{scheme}">
   <v type="int" name="divisions">  {" ".join(map(str, inputs.mesh))} </v>
  </generation>
{_vectors("kpointlist", coords)}{_vectors("weights", weights)} </kpoints>
 <parameters>
{parameters} </parameters>
 <atominfo>
  <atoms> {len(inputs.moments)} </atoms>
  <array name="atoms" >
   <set>
{atoms}   </set>
  </array>
  <array name="atomtypes" >
   <set>
{types}   </set>
  </array>
 </atominfo>
{_structure(inputs, inputs.structure.coords, ' name="initialpos" ')}"""


def scf_step(energy: float) -> str:
    """One SCF step."""
    return f"  <scstep>\n{_energy(energy)}  </scstep>\n"


def _energy(energy: float) -> str:
    names = ("e_fr_energy", "e_wo_entrp", "e_0_energy")
    lines = "".join(f'    <i name="{name}"> {energy:16.8f} </i>\n' for name in names)
    return f"   <energy>\n{lines}   </energy>\n"


def ionic_step(energy: float, state: State, coords: np.ndarray, inputs: RunInputs) -> str:
    """Geometry, forces and energy that end an ionic step."""
    return f"{_structure(inputs, coords)}{_vectors('forces', state.forces)}{_energy(energy)}"


def last_step(state: State, inputs: RunInputs) -> str:
    """Levels, DOS and projections, which VASP writes in the last ionic step."""
    return f"{_eigenvalues(state)}{_dos(state)}{_projected(state, inputs)}"


def _sets(kind: str, blocks: Iterable[str]) -> str:
    return "".join(f'     <set comment="{kind} {i}">\n{b}     </set>\n' for i, b in enumerate(blocks, 1))


def _eigenvalues(state: State) -> str:
    def rows(spin: int, k: int) -> str:
        pairs = zip(state.levels[spin, k], state.occupations[spin, k], strict=True)
        return "".join(f"       <r>{e:10.4f} {o:9.4f} </r>\n" for e, o in pairs)

    spins, points = state.levels.shape[:2]
    blocks = _sets("spin", (_sets("kpoint", (rows(s, k) for k in range(points))) for s in range(spins)))
    return f"  <eigenvalues>\n{_array(('eigene', 'occ'), blocks)}  </eigenvalues>\n"


def _array(fields: Iterable[str], blocks: str) -> str:
    names = "".join(f"     <field>{f}</field>\n" for f in fields)
    return f"   <array>\n{names}    <set>\n{blocks}    </set>\n   </array>\n"


def _dos(state: State) -> str:
    energies = np.linspace(state.levels.min() - 1, state.levels.max() + 1, 301)
    blocks = []
    for levels in state.levels:
        counts = np.searchsorted(np.sort(levels.mean(axis=0)), energies).astype(float)
        density = np.gradient(counts, energies)
        rows = zip(energies, density, counts, strict=True)
        blocks.append("".join(f"       <r>{e:10.4f} {d:10.4f} {n:10.4f} </r>\n" for e, d, n in rows))
    total = _array(("energy", "total", "integrated"), _sets("spin", blocks))
    return f'  <dos>\n   <i name="efermi"> {state.fermi:16.8f} </i>\n   <total>\n{total}   </total>\n  </dos>\n'


def _projected(state: State, inputs: RunInputs) -> str:
    magnetic = np.abs(inputs.moments) > 0.5
    row = {
        m: f"        <r> {0.02:7.4f} {(0.15 if m else 0.01):7.4f}" + f" {0:7.4f}" * 7 + " </r>\n" for m in (True, False)
    }
    band = "".join(row[bool(m)] for m in magnetic)
    spins, points, count = state.levels.shape
    k_set = _sets("band", [band] * count)
    blocks = _sets("spin", [_sets("kpoint", [k_set] * points)] * spins)
    return f"  <projected>\n   <eigenvalues>\n   </eigenvalues>\n{_array(_ORBITALS, blocks)}  </projected>\n"


def foot(inputs: RunInputs, coords: np.ndarray) -> str:
    """Last geometry and the end."""
    return _structure(inputs, coords, ' name="finalpos" ') + "</modeling>\n"
