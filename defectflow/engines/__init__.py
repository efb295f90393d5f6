"""Engines: codes that turn a job into a result."""

from defectflow.engines.base import Engine, Progress
from defectflow.engines.registry import engine_names, get_engine

__all__ = ["Engine", "Progress", "engine_names", "get_engine"]
