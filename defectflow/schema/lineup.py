"""Where the Fermi level of a junction lies in the gap of its barrier: what is shipped, shown and handed on."""

from __future__ import annotations

from dataclasses import dataclass

from defectflow.errors import ParseError
from defectflow.schema.cell import Floats


@dataclass(frozen=True)
class Estimate:
    """E_F - E_VBM by one method, and its own uncertainty (eV)."""

    value: float
    uncertainty: float


@dataclass(frozen=True)
class Variant:
    """A junction with one thing changed.

    Attributes
    ----------
    change : str
        What differs, e.g. "8 oxide layers".
    difference : float
        How much larger E_F - E_VBM is then (eV).
    """

    change: str
    difference: float


@dataclass(frozen=True)
class LineUp:
    """Band line-up of a junction. Energies in eV; E_F - E_VBM is positive where E_F lies above the valence band.

    Attributes
    ----------
    name : str
        Of the junction, as it is written on an axis: "Co/MgO(12 ML)/Co".
    oxide : str
        Formula of the barrier's bulk, the host that the line-up may be carried to.
    space_group : int
    formula_volume : float
        Of the barrier's bulk: number of the space group, and A^3 per formula unit.
    state : str
        "P" or "AP".
    methods : dict of str to Estimate
        E_F - E_VBM by every method; those of `checks` do not enter `adopted`.
    checks : tuple of str
    adopted, spread, uncertainty : float
        Mean of the methods that are no check, largest minus smallest of them, and the uncertainty of the mean:
        half the spread, the largest own uncertainty, half the range of `variants` and what the forces left open,
        added in squares.
    gap : float
        Of the bulk oxide in the same functional; semilocal functionals make it too small.
    flatness : float
        Range of the site potential over the barrier's central layers.
    charge_flatness : float
        Difference of anion and cation site potential in the middle, minus the same in bulk; zero if no charge flows.
    distances : (float, float)
        From the metal to the oxide's outermost anions (or to the inserted layer), left and right (A).
    metal_moments : tuple of float
        Site moments of all metal layers by height (muB), spheres as the engine defines them.
    strain : (float, float)
        In the plane, of the crystal that `strained` names.
    strained : str
    settings : dict of str to str
        Engine, version, cutoff, meshes, tolerances, potentials, geometry.
    source : str
        The run that made it.
    probe : str
        The junction that `variants` were tried on, often a smaller one; empty where none was run.
    variants : tuple of Variant
        Convergence.
    """

    name: str
    oxide: str
    space_group: int
    formula_volume: float
    state: str
    methods: dict[str, Estimate]
    checks: tuple[str, ...]
    adopted: float
    spread: float
    uncertainty: float
    gap: float
    flatness: float
    charge_flatness: float
    distances: tuple[float, float]
    metal_moments: tuple[float, ...]
    strain: tuple[float, float]
    strained: str
    settings: dict[str, str]
    source: str
    probe: str
    variants: tuple[Variant, ...]

    def __post_init__(self) -> None:
        known = [n for n in self.methods if n not in self.checks]
        if not known or self.uncertainty < 0 or self.gap <= 0:
            raise ParseError("a line-up needs a method, a gap and an uncertainty that is not negative")

    @property
    def phi_p(self) -> float:
        """Schottky barrier for holes, E_F - E_VBM (eV)."""
        return self.adopted

    @property
    def phi_n(self) -> float:
        """Schottky barrier for electrons, E_CBM - E_F (eV)."""
        return self.gap - self.adopted


@dataclass(frozen=True, eq=False)
class Profile:
    """A junction along its normal, for figures. Energies are relative to its Fermi level (eV), heights in A.

    Attributes
    ----------
    z : (nz,) float
    planar, macroscopic : (nz,) float
        Electrostatic potential energy of an electron, averaged over planes and then over both periods.
    layer_names, layer_kinds : tuple of str
        Number and elements; "metal", "oxide" or "inserted".
    layer_z : (layers,) float
    energies : (ne,) float
    layer_dos : (layers, spin, ne) float
        States per eV and layer, up first.
    vbm, cbm : float
        Of the barrier's middle.
    """

    z: Floats
    planar: Floats
    macroscopic: Floats
    layer_names: tuple[str, ...]
    layer_kinds: tuple[str, ...]
    layer_z: Floats
    energies: Floats
    layer_dos: Floats
    vbm: float
    cbm: float
