"""Hosts that are none: an error with a reason, never a crash of the symmetry code."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from defectflow.errors import DefectFlowError, RecipeError, StructureError
from defectflow.schema.host import Host, InlineStructure
from defectflow.structures import host_structure

CUBE = "4.2 0 0\n0 4.2 0\n0 0 4.2\n"
POSCARS = {
    "garbage": "garbage\n1.0\n",
    "empty": "",
    "nan": f"x\n1.0\n{CUBE}Mg O\n1 1\nDirect\n0 0 nan\n.5 .5 .5\n",
    "infinite": f"x\n1.0\n{CUBE}Mg O\n1 1\nDirect\n0 0 1e400\n.5 .5 .5\n",
    "no element": f"x\n1.0\n{CUBE}Qq O\n1 1\nDirect\n0 0 0\n.5 .5 .5\n",
    "flat": "x\n1.0\n4 0 0\n0 4 0\n0 0 0\nMg O\n1 1\nDirect\n0 0 0\n.5 .5 .5\n",
    "scale zero": f"x\n0.0\n{CUBE}Mg O\n1 1\nDirect\n0 0 0\n.5 .5 .5\n",
    "overlap": f"x\n1.0\n{CUBE}Mg O\n1 1\nDirect\n0 0 0\n0 0 0.01\n",
    "minus one atom": f"x\n1.0\n{CUBE}Mg O\n-1 1\nDirect\n0 0 0\n.5 .5 .5\n",
    "cut off": f"x\n1.0\n{CUBE}Mg O\n1 5\nDirect\n0 0 0\n",
}


@pytest.mark.parametrize("name", POSCARS)
def test_a_poscar_that_is_no_host_is_refused(tmp_path, name):
    path = tmp_path / "POSCAR"
    path.write_text(POSCARS[name])
    with pytest.raises(StructureError):
        host_structure(Host(file=str(path)))


@pytest.mark.parametrize(
    ("species", "coords"),
    [((), ()), (("Mg",), ()), (("X",), ((0.0, 0.0, 0.0),)), (("Mg",), ((float("nan"), 0.0, 0.0),))],
)
def test_an_inline_structure_that_is_none_is_refused(species, coords):
    lattice = ((4.2, 0.0, 0.0), (0.0, 4.2, 0.0), (0.0, 0.0, 4.2))
    with pytest.raises(StructureError):
        host_structure(Host(structure=InlineStructure(lattice=lattice, species=species, coords=coords)))


def test_an_unknown_material_is_refused_with_the_known_ones():
    with pytest.raises(RecipeError, match="known: MgO"):
        host_structure(Host(material="NiO"))


@given(st.text(max_size=400))
def test_no_text_crashes_the_reader(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("fuzz") / "POSCAR"
    path.write_text(text, encoding="utf-8", errors="replace")
    with pytest.raises(DefectFlowError):
        host_structure(Host(file=str(path)))
