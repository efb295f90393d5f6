"""Run folders: plan, submit, resume by hash, collect."""

from defectflow.run.driver import run_study
from defectflow.run.options import RunOptions, options_at
from defectflow.run.study import AnyStudy, ConvergenceStudy, JunctionStudy, ScreenStudy, Study, create_study, open_study

__all__ = [
    "AnyStudy",
    "ConvergenceStudy",
    "JunctionStudy",
    "RunOptions",
    "ScreenStudy",
    "Study",
    "create_study",
    "open_study",
    "options_at",
    "run_study",
]
