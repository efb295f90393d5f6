"""Lattice constant and bulk modulus of MgO with GPAW, the source of ``materials/hosts.toml``.

python workflows/mgo_lattice_constant.py            # Mg with 10 and with 2 valence electrons, a minute each
python workflows/mgo_lattice_constant.py --cutoff 340 --mesh 4 --setup 2
"""

from __future__ import annotations

import argparse

import numpy as np


def energy_volume(setup: str, cutoff: float, mesh: int, points: int) -> tuple[list[float], list[float]]:
    """Volumes (A^3) and energies (eV) of the primitive cell around 4.26 A."""
    from ase.build import bulk
    from gpaw import GPAW

    volumes, energies = [], []
    for a in np.linspace(4.15, 4.37, points):
        atoms = bulk("MgO", "rocksalt", a=a)
        atoms.calc = GPAW(
            mode={"name": "pw", "ecut": cutoff},
            xc="PBE",
            kpts={"size": (mesh, mesh, mesh), "gamma": True},
            setups={"Mg": setup},
            occupations={"name": "fermi-dirac", "width": 0.01},
            convergence={"energy": 1e-7},
            txt=None,
        )
        volumes.append(atoms.get_volume())
        energies.append(atoms.get_potential_energy())
    return volumes, energies


def main() -> None:
    """Print one line per setup."""
    from ase.eos import EquationOfState
    from ase.units import GPa

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cutoff", type=float, default=600.0, help="eV")
    parser.add_argument("--mesh", type=int, default=8)
    parser.add_argument("--points", type=int, default=7)
    parser.add_argument("--setup", nargs="*", default=["paw", "2"])
    options = parser.parse_args()
    for setup in options.setup:
        data = energy_volume(setup, options.cutoff, options.mesh, options.points)
        volume, _, modulus = EquationOfState(*data, eos="birchmurnaghan").fit()
        print(f"Mg setup {setup}: a = {(4 * volume) ** (1 / 3):.4f} A, B = {modulus / GPa:.0f} GPa")


if __name__ == "__main__":
    main()
