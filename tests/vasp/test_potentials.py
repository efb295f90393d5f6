"""Potentials of real runs: planar averages against pymatgen's, macroscopic averages against sums on the grid."""

from __future__ import annotations

import csv
import gzip
import io

import numpy as np
import pytest

from defectflow.analyse.macroscopic import macroscopic_average
from defectflow.formats.locpot import read_planar_averages

LOCPOTS = ["ZnO_ZnS_interface", "ZnS_bulk", "Si2_ispin2_lvhar", "Li_lvtot", "species_hash_vasp642"]


@pytest.mark.parametrize("name", LOCPOTS)
def test_planar_averages_are_those_of_an_independent_reader(vasp_outputs, name, tmp_path):
    """LVHAR and LVTOT, one spin and two, VASP 5.4 and 6.4, bulk and superlattice."""
    path = vasp_outputs / "locpot" / name / "LOCPOT.gz"
    ours = read_planar_averages(path).averages
    theirs = independent(gzip.decompress(path.read_bytes()).decode())
    for mine, other in zip(ours, theirs, strict=True):
        assert mine == pytest.approx(other, abs=1e-6)


def independent(text: str) -> list[np.ndarray]:
    """The obvious reading: the first grid after the blank line, x fastest."""
    lines = text.splitlines()
    blank = next(n for n, line in enumerate(lines) if n > 5 and not line.strip())
    grid = tuple(int(n) for n in lines[blank + 1].split())
    size, values = int(np.prod(grid)), []
    for line in lines[blank + 2 :]:
        values += [float(v) for v in line.split()]
        if len(values) >= size:
            break
    whole = np.array(values[:size]).reshape(grid, order="F")
    return [whole.mean(axis=tuple(k for k in range(3) if k != axis)) for axis in range(3)]


def test_the_macroscopic_average_of_a_superlattice_is_the_running_mean_on_its_grid(vasp_outputs):
    """Windows of whole grid steps, odd in number, so that a plain sum is an exact trapezoid-free reference."""
    potential = read_planar_averages(vasp_outputs / "locpot" / "ZnO_ZnS_interface" / "LOCPOT.gz")
    values, length = potential.averages[2], float(np.linalg.norm(potential.lattice[2]))
    points = 71
    running = sum(np.roll(values, n) for n in range(-(points // 2), points // 2 + 1)) / points
    ours = macroscopic_average(values, length, (points * length / len(values),))
    assert ours == pytest.approx(running, abs=0.02)  # the sum takes the function as constant in each step


def test_the_double_average_is_flat_in_the_middle_of_both_materials(vasp_outputs):
    potential = read_planar_averages(vasp_outputs / "locpot" / "ZnO_ZnS_interface" / "LOCPOT.gz")
    values, length = potential.averages[2], float(np.linalg.norm(potential.lattice[2]))
    before, after = (np.ptp(macroscopic_average(values, length, w)[:80]) for w in ((), (4.96, 5.6)))
    assert after < 0.5 * before


def test_the_average_of_a_slab_agrees_with_surfaxe(vasp_outputs):
    """Planar and macroscopic columns written by surfaxe for SnO2 (101); its window is cut to whole grid steps."""
    text = gzip.decompress((vasp_outputs / "locpot" / "SnO2_slab_101" / "potential.csv.gz").read_bytes()).decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    planar, theirs = (np.array([float(r[k]) for r in rows]) for k in ("planar", "macroscopic"))
    ours = macroscopic_average(planar, float(len(planar)), (best_window(planar, theirs),))
    assert np.abs(ours - theirs).max() < 0.05


def best_window(planar: np.ndarray, wanted: np.ndarray) -> float:
    """Window in grid steps that surfaxe used, which its file does not say."""
    windows = np.arange(1.0, 200.0)
    errors = [np.abs(macroscopic_average(planar, float(len(planar)), (w,)) - wanted).max() for w in windows]
    return float(windows[int(np.argmin(errors))])
