"""A junction along its normal: what its figures show."""

from __future__ import annotations

import numpy as np

from defectflow.analyse.aligned import Aligned
from defectflow.analyse.alignment import cell_fermi
from defectflow.analyse.dos import dos
from defectflow.analyse.estimates import macroscopic_potential
from defectflow.schema.layers import Layer, heights
from defectflow.schema.lineup import LineUp, Profile


def profile(run: Aligned, line: LineUp, window: tuple[float, float], broadening: float) -> Profile:
    """Potential and layer-resolved DOS along the normal, relative to the Fermi level."""
    fermi = cell_fermi(run.result)
    averaged, length = macroscopic_potential(run)
    planar = run.result.planar_potential[2]
    names = tuple(_layer_name(run, layer, n) for n, layer in enumerate(run.junction.layers))
    groups = {name: layer.sites for name, layer in zip(names, run.junction.layers, strict=True)}
    curves = dos(run.result, fermi, groups, window, broadening)
    return Profile(
        z=np.arange(len(planar)) * length / len(planar),
        planar=planar - fermi.energy,
        macroscopic=averaged - fermi.energy,
        layer_names=names,
        layer_kinds=tuple(layer.kind for layer in run.junction.layers),
        layer_z=heights(run.result.cell, run.junction.layers),
        energies=curves.energies,
        layer_dos=np.array([curves.groups[name] for name in names]),
        vbm=-line.adopted,
        cbm=line.gap - line.adopted,
    )


def _layer_name(run: Aligned, layer: Layer, n: int) -> str:
    symbols = "".join(dict.fromkeys(run.junction.cell.species[s] for s in layer.sites))
    return f"{n + 1} {symbols}"
