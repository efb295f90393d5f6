"""SCF traces that jobs leave in their folders."""

import pytest

from defectflow.engines import get_engine
from defectflow.formats.oszicar import read_oszicar, read_steps

OSZICAR = """\
       N       E                     dE             d eps       ncg     rms          rms(c)
DAV:   1     0.100000000000E+02    0.10000E+02   -0.20000E+03   100   0.1E+02
DAV:   2    -0.500000000000E+01   -0.15000E+02   -0.20000E+02   100   0.1E+01
   1 F= -.50000000E+01 E0= -.50100000E+01  d E =-.500000E+01  mag=     4.0000
DAV:   1    -0.510000000000E+01   -0.10000E+00   -0.20000E+00   100   0.1E+00
   2 F= -.51000000E+01 E0= -.51100000E+01  d E =-.100000E+00  mag=     3.9000
RMM:   1    -0.512000000000E+01   -0.20000E-01   -0.20000E-01   100   0.1E-01
DAV:   2    -0.5
"""


@pytest.fixture
def running(tmp_path):
    (tmp_path / "OSZICAR").write_text(OSZICAR)
    return tmp_path


def test_every_whole_step_is_read_with_its_ionic_step(running):
    steps = read_steps(running / "OSZICAR")
    assert [s[:2] for s in steps] == [(1, 1), (1, 2), (2, 1), (3, 1)]
    assert [s[4] for s in steps] == [4.0, 4.0, 3.9, 3.9]


def test_a_moment_that_no_ionic_step_has_said_is_unknown(tmp_path):
    """It was 0.00 muB in the first ionic step of an FM cell."""
    (tmp_path / "OSZICAR").write_text(OSZICAR.split("   1 F=")[0])
    assert {s[4] for s in read_steps(tmp_path / "OSZICAR")} == {None}


def test_a_line_without_numbers_is_passed_over(tmp_path):
    """NaN in one SCF line of one job ended `status`, `watch` and `report` of the whole study."""
    first, *rest = OSZICAR.splitlines(keepends=True)
    (tmp_path / "OSZICAR").write_text("DAV:   1           NaN           NaN\n" + first + "".join(rest))
    assert [s[:2] for s in read_steps(tmp_path / "OSZICAR")] == [(1, 1), (1, 2), (2, 1), (3, 1)]


def test_the_last_step_is_that_of_the_other_reader(running):
    o = read_oszicar(running / "OSZICAR")
    assert read_steps(running / "OSZICAR")[-1][1:4] == (o.scf_step, o.scf_energy, o.scf_change)


def test_vasp_has_its_trace_in_the_oszicar(running):
    assert [p.energy_change for p in get_engine("vasp").trace(running)][:2] == [10.0, -15.0]


def test_real_oszicars_are_read_to_the_last_step(vasp_outputs):
    for path in sorted(vasp_outputs.rglob("OSZICAR")):
        assert len(read_steps(path)) == read_oszicar(path).scf_steps


@pytest.mark.parametrize("engine", ["vasp", "gpaw", "replay"])
def test_a_folder_without_a_trace_has_no_steps(tmp_path, engine):
    assert get_engine(engine).trace(tmp_path) == ()


def test_a_damaged_trace_is_no_trace(tmp_path):
    (tmp_path / "scf.jsonl").write_text('{"ionic_step": 1}\n')
    assert get_engine("gpaw").trace(tmp_path) == ()


def test_the_trace_outlives_the_outputs_that_the_result_holds(tmp_path):
    names = {p.name for p in get_engine("gpaw").scratch(tmp_path)}
    assert "output.json" in names
    assert "scf.jsonl" not in names


def test_a_new_attempt_does_not_find_an_old_trace(tmp_path):
    assert tmp_path / "scf.jsonl" in get_engine("gpaw").outputs(tmp_path)
