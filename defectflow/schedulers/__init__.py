"""Batch schedulers: what they are asked, in their own words, and the scripts that they are given."""

from defectflow.schedulers.base import Scheduler, SchedulerJob, own_job
from defectflow.schedulers.registry import get_scheduler
from defectflow.schedulers.script import Request, driver_request, render, request_for
from defectflow.schedulers.walltime import seconds_left

__all__ = [
    "Request",
    "Scheduler",
    "SchedulerJob",
    "driver_request",
    "get_scheduler",
    "own_job",
    "render",
    "request_for",
    "seconds_left",
]
