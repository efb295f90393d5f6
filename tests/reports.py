"""Run folders for the tests of the report: the shipped study, whole and with things against it."""

import shutil
from dataclasses import replace
from pathlib import Path

from defectflow.run import Study
from defectflow.schema import CalcResult, JobState
from defectflow.schema.jsonio import load_record, save_record

UNCONVERGED = "pairs/C_O-C_O_s1_d3.01/AF/static"
FAILED = "pairs/C_O-C_O_s2_d4.25/FM/static"
FLIPPED = "pairs/C_O-C_O_s3_d5.21/AF/static"
MISSING = "pairs/C_O-C_O_s5_d7.36/AF/static"
LOST = "pairs/C_O-C_O_s4_d6.01/FM/static"


def copied(demo: Path, folder: Path) -> Study:
    shutil.copytree(demo, folder)
    return Study.open(folder)


def broken(demo: Path, folder: Path) -> Study:
    """A copy in which one job each failed, was lost, did not converge, came out in another state, and is missing."""
    study = copied(demo, folder)
    _ended(study, FAILED, "failed", "the calculation ended with status 1 <b>& more</b>")
    _ended(study, LOST, "lost", "lost its scheduler job 3 times")
    _changed(study, FLIPPED, lambda r: replace(r, site_moments=_flipped(r)))
    _changed(study, UNCONVERGED, lambda r: replace(r, convergence=_open(r)))
    study.set_state(UNCONVERGED, replace(study.state(UNCONVERGED), state="unconverged"))
    shutil.rmtree(folder / MISSING)
    return study


def _ended(study: Study, path: str, state: str, error: str) -> None:
    for name in ("result.json", "result.npz"):
        (study.job_folder(path) / name).unlink()
    study.set_state(path, JobState(state, "0" * 64, "gpaw", 1, error=error))


def _changed(study: Study, path: str, change) -> None:
    place = study.job_folder(path) / "result.json"
    save_record(change(load_record(CalcResult, place)), place)


def _flipped(result: CalcResult):
    moments = result.site_moments.copy()
    moments[-1] = -moments[-1]
    return moments


def _open(result: CalcResult):
    return replace(result.convergence, electronic=False, last_energy_change=0.5)
