"""Run folders: plan, submit, resume by hash, collect."""

from defectflow.run.driver import RunOptions, run_study
from defectflow.run.study import AnyStudy, JunctionStudy, Study, open_study

__all__ = ["AnyStudy", "JunctionStudy", "RunOptions", "Study", "open_study", "run_study"]
