"""Where and how the verbs run a study: on a site, in its allocation, or side by side here."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from defectflow.run import AnyStudy
    from defectflow.schema.site import Site


@dataclass(frozen=True)
class How:
    """How the jobs are run: on a site, or side by side here."""

    site: Site | None = None
    jobs: int | None = None
    ranks: int = 1
    keep_failed: bool = False
    rerun: frozenset[str] = field(default_factory=frozenset)
    figures: bool = True


def check_place(engine: str, site: str | None, jobs: int | None, ranks: int | None, folder: Path) -> None:
    """Refuse what cannot run before a folder is made."""
    from defectflow.engines import get_engine
    from defectflow.run.cluster import check_site
    from defectflow.schema.site import load_site

    chosen = load_site(site) if site else None
    if chosen is not None:
        _refuse_counts(chosen, jobs, ranks)
        check_site(chosen, engine, folder, sends=chosen.batch)
    if chosen is None or not chosen.batch:
        get_engine(engine).available()


def _refuse_counts(site: Site, jobs: int | None, ranks: int | None) -> None:
    from defectflow.errors import InputError

    if ranks or (jobs and site.scheduler != "none"):
        what = "the study's site says how many"
        raise InputError(what, where="--ranks" if ranks else "--jobs", todo="edit the site file, and name it: --site")


def place(
    study: AnyStudy,
    site: str | None,
    jobs: int | None,
    ranks: int | None,
    keep_failed: bool = False,
    again: frozenset[str] = frozenset(),
) -> How:
    """Where a study is run: the site that is named, or the one that the folder keeps."""
    from defectflow.run.cluster import keep_site, kept_site

    chosen = keep_site(study.folder, site) if site else kept_site(study.folder)
    if site is None and chosen is not None:
        _refuse_counts(chosen, jobs, ranks)
    return How(chosen, jobs, ranks or 1, keep_failed, again)


def side_by_side(study: AnyStudy, how: How) -> int:
    """How many calculations run at once."""
    from defectflow.engines import get_engine
    from defectflow.executors.local import usable_cores

    if how.site is not None and how.site.batch:
        return how.site.jobs.at_once * how.site.jobs.calculations
    if how.site is not None and how.site.driver == "allocation":
        return how.site.jobs.calculations
    ranks = how.site.resources.tasks if how.site else how.ranks
    return how.jobs or get_engine(study.engine_name).side_by_side(usable_cores(), ranks)


def time_is_over(site: Site | None) -> Callable[[], bool]:
    """Whether the scheduler job of this driver, if it runs in one, is about to end."""
    from defectflow.schedulers import seconds_left

    left = seconds_left(os.environ, time.time()) if site is not None else None
    if site is None or left is None:
        return lambda: False
    # In an allocation the calculations stop first, at the margin, and save what they have.
    spare = site.margin_seconds / 2 if site.driver == "allocation" else min(60.0, left / 10)
    end = time.monotonic() + left - spare
    return lambda: time.monotonic() > end
