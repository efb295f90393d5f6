"""Settings as real VASP echoes them, against the INCAR that it read."""

from __future__ import annotations

import pytest

from defectflow.engines.vasp.corrections import incar_dict
from defectflow.engines.vasp.incar import incar_text
from defectflow.engines.vasp.result import check_used
from defectflow.errors import ParseError
from defectflow.formats.stream import read_bytes
from defectflow.formats.vasprun import read_vasprun
from defectflow.schema.keywords import same_values

RUNS = (
    "fm_afm/MgMn2O4_static_1_fm",
    "complete_run/K4Sn4O6",
    "spin/GaN32_MgGa_0",
    "metal/Au16_slab",
    "locpot/Si2_ispin2_lvhar",
)


@pytest.fixture(params=RUNS)
def real(request, vasp_outputs):
    folder = vasp_outputs / request.param
    tags = incar_dict(read_bytes(folder / "INCAR.gz").decode("latin-1"))
    return incar_text(tags), read_vasprun(folder / "vasprun.xml.gz"), folder


def test_what_vasp_echoes_is_what_it_was_given(real):
    incar, xml, folder = real
    check_used(incar, xml, (), folder)


def test_another_value_is_seen(real):
    incar, xml, folder = real
    with pytest.raises(ParseError, match="EDIFF"):
        check_used(incar + "EDIFF = 7e-3\n", xml, (), folder)


@pytest.mark.parametrize(
    ("asked", "used"),
    [
        ("0 3.9 0", "0.00000000 3.90000000 0.00000000"),
        ("2*0 2", "0.0 0.0 2.0"),
        (".TRUE.", "T"),
        ("1e-08", "0.00000001"),
        ("Normal", "normal"),
    ],
)
def test_spellings_of_one_value(asked, used):
    assert same_values(asked, used)


@pytest.mark.parametrize(("asked", "used"), [("0 3.9 0", "0 3.9"), ("0.1", "0.05"), (".TRUE.", "F")])
def test_other_values(asked, used):
    assert not same_values(asked, used)
