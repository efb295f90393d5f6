"""Parameter files: units, ranges, and messages that name the key."""

import re

import pytest

from defectflow.errors import RecipeError
from defectflow.resources import resource
from defectflow.schema.chain import load_chain, paper_chain

TEXT = resource("workflows", "paper_chain.toml").read_text()


def test_the_papers_parameters():
    p = paper_chain()
    s = p.spinterface
    assert (s.sp, s.SP, s.p_left, s.p_right, s.AP, s.E0, s.gamma) == (8.4, 2.0, 0.35, 0.35, 0.3, 0.0, 10.0)
    assert (p.parallel.e0, p.parallel.asym, p.antiparallel.e0, p.antiparallel.asym) == (-2.5, 0.5, 0.85, -0.75)
    assert (p.hoppings, p.kT) == ((1.0, 1.0, 1.0), 26.0)


def test_every_number_has_a_source():
    keys = {"hoppings", "kT", "scale", *(f"spinterface.{k}" for k in type(paper_chain().spinterface).model_fields)}
    assert keys <= set(paper_chain().sources)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('gamma = "10 meV"', 'gamma = "0 meV"', "spinterface.gamma"),
        ('gamma = "10 meV"', 'gama = "10 meV"', 'nearest valid key: "gamma"'),
        ('kT = "26 meV"', 'kT = "0 meV"', "kT"),
        ('kT = "26 meV"', 'kT = "-1 meV"', "must be greater than zero"),
        ('kT = "26 meV"', 'kT = "300 K"', r'300 K = "25.852 meV"'),
        ('kT = "26 meV"', "kT = 26.0", "a number with its unit"),
        ('sp = "8.4 meV"', 'sp = "1e999 meV"', "finite"),
        ('sp = "8.4 meV"', 'sp = "1e30 meV"', "spinterface.sp"),
        ("p_left = 0.35", "p_left = 1.0", "spinterface.p_left"),
        ("p_left = 0.35", "p_left = nan", "spinterface.p_left"),
        ("AP = 0.3", "AP = inf", "spinterface.AP"),
        ("scale = 1.0", "scale = 0.0", "scale"),
        ("S = 1.0", "S = 0.7", "spins.S"),
        ('profile = "thirds"', 'profile = "halves"', "options.profile"),
        ('kind = "chain"', 'kind = "chian"', "kind"),
        ("[sources]", '[sources]\n"spinterface.zz" = "x"', 'sources names "spinterface.zz"'),
        ('band = "lorentzian"', 'band = "box"\n[pairs]', "pairs: unknown key"),
    ],
)
def test_a_parameter_that_cannot_be_is_named(tmp_path, old, new, said):
    assert old in TEXT
    path = tmp_path / "chain.toml"
    path.write_text(TEXT.replace(old, new, 1))
    with pytest.raises(RecipeError, match=re.escape(said) if said != r'300 K = "25.852 meV"' else "25.85"):
        load_chain(path)


def test_exchange_with_box_bands_is_refused(tmp_path):
    path = tmp_path / "chain.toml"
    path.write_text(TEXT.replace('band = "lorentzian"', 'band = "box"').replace('v = "0 meV"', 'v = "5 meV"'))
    with pytest.raises(RecipeError, match="bound states"):
        load_chain(path)
