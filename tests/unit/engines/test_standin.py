"""The stand-in refuses what VASP refuses, with its words."""

from __future__ import annotations

import shutil
import subprocess

import pytest

NAMES = ("INCAR", "KPOINTS", "POSCAR", "POTCAR.spec")


@pytest.fixture
def refused(toy_run, tmp_path, stand_in):
    """Run the stand-in on edited inputs; what it printed before it stopped."""

    def run(name: str, old: str, new: str) -> str:
        for file in NAMES:
            shutil.copy(toy_run / file, tmp_path)
        text = (tmp_path / name).read_text()
        assert old in text
        (tmp_path / name).write_text(text.replace(old, new, 1))
        command = stand_in["DEFECTFLOW_VASP_CMD"].split()
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 1
        assert not done.stderr
        return done.stdout

    return run


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("INCAR", "MAGMOM = 62*0", "MAGMOM = 61*0", "MAGMOM"),
        ("INCAR", "ENCUT = 450", "ENCUT = much", "Error reading item 'ENCUT'"),
        ("INCAR", "NBANDS = 140", "NBANDS = 100", "TOO FEW BANDS"),
        ("INCAR", "ICHARG = 2", "ICHARG = 11", "could not be read from file CHGCAR"),
        ("INCAR", "SIGMA = 0.1", "SIGMA = -1", "positive"),
        ("KPOINTS", "2 2 2", "2 2", "no regular mesh"),
        ("POSCAR", "32 30 2", "32 30 3", "cut off"),
        ("POTCAR.spec", "C\n", "", "incompatible with number of species"),
        ("POTCAR.spec", "Mg\nO\n", "O\nMg\n", "incompatible with number of species"),
    ],
)
def test_bad_inputs_are_refused_as_vasp_does(refused, name, old, new, message):
    assert message in refused(name, old, new)


def test_its_outputs_say_what_it_is(toy_run):
    for name in ("OUTCAR", "vasprun.xml"):
        assert "nothing is calculated" in (toy_run / name).read_text()[:1000]
