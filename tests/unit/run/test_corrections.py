"""Corrections that energies of one pair share."""

from dataclasses import replace

from defectflow.demo import demo_folder
from defectflow.run import Study
from defectflow.run.corrections import with_overrides


def test_what_a_job_came_with_stays():
    study = Study.open(demo_folder())
    job = replace(study.jobs[0], overrides=(("SYMPREC", "1e-08"),))
    assert with_overrides(study, job).overrides == (("SYMPREC", "1e-08"),)
