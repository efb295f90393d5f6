"""Run folders: plan, submit, resume by hash, collect."""

from defectflow.run.driver import RunOptions, run_study
from defectflow.run.study import Study

__all__ = ["RunOptions", "Study", "run_study"]
