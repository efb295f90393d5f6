"""A study of pairs as one HTML page: facts -> document -> page, without opening a file."""

from defectflow.export.report.document import report_document
from defectflow.export.report.facts import Curves, Facts, JobFacts, StateFacts
from defectflow.export.report.page import render

__all__ = ["Curves", "Facts", "JobFacts", "StateFacts", "render", "report_document"]
