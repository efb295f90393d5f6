"""What makes two energies unlike and stands where it is easily missed, in edited copies of real runs."""

from __future__ import annotations

import gzip
from dataclasses import replace

import numpy as np
import pytest

from defectflow.analyse.foreign import compare_foreign, verify_summary
from defectflow.errors import ParseError
from defectflow.parse import parse_run

FM, AF = "fm_afm/MgMn2O4_static_1_fm", "fm_afm/MgMn2O4_static_3_afm"
NAMES = ("vasprun.xml", "OUTCAR")


@pytest.fixture
def edited(vasp_outputs, tmp_path):
    """Summary of a real run after texts of one of its files were replaced; only of that file if `alone`."""

    def make(run: str, name: str, *changes: tuple[str, str], alone: bool = False):
        folder = tmp_path / f"{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        for n in [name] if alone else NAMES:
            text = gzip.decompress((vasp_outputs / run / f"{n}.gz").read_bytes()).decode()
            for old, new in changes if n == name else ():
                assert old in text
                text = text.replace(old, new)
            (folder / n).write_text(text)
        return parse_run(folder)

    return make


def reasons(*runs) -> str:
    return "; ".join(compare_foreign(*runs).certificate.reasons)


@pytest.mark.parametrize(("tag", "kind", "value"), [("METAGGA", "string", "R2scan"), ("IVDW", "int", "12")])
def test_a_functional_that_stands_only_among_what_was_read(edited, tag, kind, value):
    line = f'<incar>\n  <i type="{kind}" name="{tag}"> {value}</i>'
    af = edited(AF, "vasprun.xml", ("<incar>", line))
    assert f"{tag} is stated by one run only" in reasons(edited(FM, "vasprun.xml"), af)


def test_a_functional_that_stands_only_in_the_echo_of_an_outcar(edited):
    af = edited(AF, "OUTCAR", ("   ALGO = Fast", "   ALGO = Fast\n   METAGGA = R2SCAN"), alone=True)
    assert "METAGGA is stated by one run only" in reasons(edited(FM, "OUTCAR", alone=True), af)


def test_a_real_metagga_run_says_so(vasp_outputs):
    assert parse_run(vasp_outputs / "failed" / "bad_efermi_LiH").settings["METAGGA"] == "R2scan"


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("vasprun.xml", ('name="ALGO">Fast', 'name="ALGO">Eigenval')),
        ("OUTCAR", ("   IALGO  =     68", "   IALGO  =      3")),
    ],
)
def test_a_density_that_was_kept_is_found_in_each_file(edited, name, change):
    found = verify_summary(edited(AF, name, change, alone=True)).reasons
    assert any("its density is not its own" in r for r in found)


def listed(run, points):
    return replace(run, k_mesh={}, n_kpoints=len(points), k_points=np.array(points))


def test_lists_of_k_points_are_compared_point_by_point(edited):
    fm, af = (listed(edited(run, "vasprun.xml"), [[0.25, 0.25, 0.25, 1.0]]) for run in (FM, AF))
    assert compare_foreign(fm, af).certificate.passed
    assert "the k-points differ" in reasons(fm, listed(af, [[0.0, 0.0, 0.0, 1.0]]))


def test_lists_of_k_points_may_come_in_any_order(edited):
    points = [[0.0, 0.0, 0.0, 0.3], [0.5, 0.0, 0.0, 0.7]]
    fm, af = (listed(edited(run, "vasprun.xml"), p) for run, p in ((FM, points), (AF, points[::-1])))
    assert compare_foreign(fm, af).certificate.passed


def test_a_shift_of_the_mesh_is_seen_in_outcars(edited):
    fm, af = (edited(run, "OUTCAR", alone=True) for run in (FM, AF))
    moved = replace(af, k_points=af.k_points + np.array([0.125, 0.125, 0.125, 0.0]))
    assert compare_foreign(fm, af).certificate.passed
    assert "k mesh differs: 4 4 4 shifted by 0 0 0 and 4 4 4 shifted by 0.5 0.5 0.5" in reasons(fm, moved)


def test_a_mesh_is_that_of_its_points_whatever_it_is_called(edited):
    fm, af = (edited(run, "vasprun.xml") for run in (FM, AF))
    assert compare_foreign(fm, replace(af, k_mesh={**af.k_mesh, "param": "Gamma"})).certificate.passed


@pytest.mark.parametrize("name", NAMES)
def test_two_static_runs_in_one_file_are_refused(vasp_outputs, tmp_path, name):
    texts = [gzip.decompress((vasp_outputs / run / f"{name}.gz").read_bytes()) for run in (AF, FM)]
    (tmp_path / name).write_bytes(b"".join(texts))
    with pytest.raises(ParseError, match="two runs wrote into one file"):
        parse_run(tmp_path)


@pytest.mark.parametrize("minimiser", ["0", "5", "44"])
def test_geometries_that_were_no_relaxation_have_no_energy_at_rest(vasp_outputs, minimiser):
    run = parse_run(vasp_outputs / "complete_run" / "FeO_relax28")
    moving = replace(
        run, settings={**run.settings, "IBRION": minimiser}, convergence=replace(run.convergence, ionic=None)
    )
    assert any("no relaxation" in r for r in verify_summary(moving).reasons)
