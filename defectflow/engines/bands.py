"""How many bands a run has, by the same rule for every engine and every spin state."""

from __future__ import annotations

from math import ceil

from defectflow.errors import InputError
from defectflow.schema import Job

FEWEST_EMPTY = 4  # bands of the fuller spin channel; smearing and a moment that grows need some


def number_of_bands(job: Job, n_electrons: float) -> int:
    """Bands of each spin channel: of the electrons and not of the moments, so that FM and AF runs have the same.

    Raises
    ------
    InputError
        If the moments that the job starts from leave too few of them empty.
    """
    paired, empty = ceil(n_electrons / 2), job.settings.empty_bands
    more = ceil((n_electrons + abs(float(job.cell.moments.sum()))) / 2) - paired
    if more + FEWEST_EMPTY > empty:
        what = f"the moments that {job.path} starts from fill {paired + more} bands of one spin, of {paired + empty}"
        todo = f"at least {more + FEWEST_EMPTY}, the same for every run that is compared"
        raise InputError(what, where="settings.empty_bands", todo=todo)
    return paired + empty
