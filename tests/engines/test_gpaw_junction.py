"""A real junction with GPAW, far too thin and coarse to mean anything: it must run, keep its moments, get no number."""

from __future__ import annotations

import pytest

from defectflow.errors import AnalysisError
from defectflow.pipeline import run_jobs
from defectflow.pipeline.junction import line_ups
from defectflow.resources import resource
from defectflow.run import JunctionStudy, RunOptions

pytestmark = [pytest.mark.gpaw, pytest.mark.slow]
THIN = (
    ("\nlayers = 12", "\nlayers = 4"),
    ("\nlayers = 8", "\nlayers = 2"),
    ('"relax", ', ""),
    ("[relaxation]\noxide_layers = 4\n", ""),
    ('"standard"', '"quick"'),
    ("400 eV", "250 eV"),
    ("mesh = [6, 6, 1]", "mesh = [2, 2, 1]"),
    ("mesh = [6, 6, 4]", "mesh = [2, 2, 1]"),
)


@pytest.fixture(scope="module")
def junction(tmp_path_factory):
    text = resource("workflows", "co_mgo_co.toml").read_text().partition("[sources]")[0]
    for old, new in THIN:
        assert old in text, old
        text = text.replace(old, new)
    folder = tmp_path_factory.mktemp("junction")
    (folder / "thin.toml").write_text(text)
    study = JunctionStudy.create(folder / "run", folder / "thin.toml", "gpaw")
    return study, run_jobs(study, 2, RunOptions(poll=0.2))


def test_every_job_of_a_junction_is_done(junction):
    assert junction[1] == dict.fromkeys(("bulk/static", "bulk/dos", "junction/P/static"), "done")


def test_both_electrodes_keep_their_moments(junction):
    result = junction[0].result("junction/P/static")
    assert all(m > 1 for m, s in zip(result.site_moments, result.cell.species, strict=True) if s == "Co")


def test_a_barrier_without_a_bulk_like_middle_gets_no_number(junction):
    with pytest.raises(AnalysisError, match="4 layers has no bulk-like middle"):
        line_ups(junction[0])
