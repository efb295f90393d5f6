"""Every error that defectflow raises on purpose.

    DefectFlowError
      RecipeError         a recipe file: unknown key, wrong unit, impossible value
      StructureError      a cell, a site or a pair that does not exist
      InputError          inputs of an engine that contradict each other
      EngineError         the engine is missing, refused its inputs or died
        NotConvergedError a run ended before it met its own tolerance
        WalltimeError     a run stopped before its scheduler job ended, where it can go on
      ParseError          a file that is missing, cut off or damaged
      AnalysisError       a quantity that the given results cannot support
      LockedError         another driver or worker holds the folder

The command line prints them without a traceback and exits with status 2.
"""

from __future__ import annotations

__all__ = [
    "NOT_FINISHED",
    "AnalysisError",
    "DefectFlowError",
    "EngineError",
    "InputError",
    "LockedError",
    "NotConvergedError",
    "ParseError",
    "RecipeError",
    "StructureError",
    "WalltimeError",
]

NOT_FINISHED = 75  # exit status where the time was over before a study was done (EX_TEMPFAIL)


class DefectFlowError(Exception):
    """Base of all errors that a user can cause.

    Parameters
    ----------
    what : str
        What was wrong, in one sentence.
    where : str
        File, key or line.
    todo : str
        What was expected, or what to do now.
    """

    def __init__(self, what: str, *, where: str = "", todo: str = "") -> None:
        self.what, self.where, self.todo = what, where, todo
        super().__init__(what, where, todo)

    def __str__(self) -> str:
        head = f"{self.where}: {self.what}" if self.where else self.what
        return f"{head}\n  {self.todo}" if self.todo else head


class RecipeError(DefectFlowError):
    """A recipe file cannot be used."""


class StructureError(DefectFlowError):
    """A cell, a site or a pair does not exist as asked."""


class InputError(DefectFlowError):
    """Inputs of an engine contradict each other or the job."""


class EngineError(DefectFlowError):
    """The engine is missing, refused its inputs or died."""


class NotConvergedError(EngineError):
    """A run ended before it met its own tolerance."""


class WalltimeError(EngineError):
    """A run stopped before its scheduler job ended, where it can go on."""


class ParseError(DefectFlowError):
    """A file is missing, cut off or damaged."""


class AnalysisError(DefectFlowError):
    """The given results cannot support the quantity asked for."""


class LockedError(DefectFlowError):
    """Another driver or worker holds the folder."""
