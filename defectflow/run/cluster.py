"""What a run folder keeps of the cluster that it runs on, in its folder ``cluster``: its site and its mark."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import re
import sys
import uuid
from pathlib import Path

from defectflow.engines import get_engine
from defectflow.errors import EngineError, InputError, ParseError
from defectflow.schedulers import get_scheduler
from defectflow.schema.jsonio import read_json, write_atomic
from defectflow.schema.site import Site, load_site, site_path

CLUSTER = "cluster"
SITE = "site.toml"
MARK = "mark.json"
PARSL = "2026.10.26"  # the release that the tests ran with


def cluster_tag(folder: Path) -> str:
    """Mark of the scheduler jobs of a run folder.

    It holds the folder's inode: a copy of the folder must never take the jobs of the original for its own.

    Raises
    ------
    ParseError
        If its file is there and cannot be read: with a new mark, jobs that run would be forgotten.
    """
    path = folder / CLUSTER / MARK
    if path.exists():
        key = read_json(path).get("key")
        if not isinstance(key, str) or not key:
            todo = "without it the scheduler jobs of this folder are unknown: cancel them by hand, then delete the file"
            raise ParseError("is damaged: it holds no key", where=str(path), todo=todo)
    else:
        key = uuid.uuid4().hex
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, json.dumps({"key": key}).encode())
    return "defectflow-" + hashlib.sha256(f"{key} {folder.stat().st_ino}".encode()).hexdigest()[:12]


def keep_site(folder: Path, name: str) -> Site:
    """Check a site and keep a copy of its file in a run folder, for ``status``, ``cancel`` and the next driver."""
    site = load_site(name)
    path = folder / CLUSTER / SITE
    path.parent.mkdir(parents=True, exist_ok=True)
    if not (path.exists() and path.samefile(site_path(name))):
        write_atomic(path, site_path(name).read_bytes())
    return site


def kept_site(folder: Path) -> Site | None:
    """Site of a run folder, None if it was run here."""
    path = folder / CLUSTER / SITE
    return load_site(str(path)) if path.is_file() else None


def check_site(site: Site, engine: str, folder: Path, sends: bool = True) -> None:
    """Refuse what a site cannot run, before anything is made.

    Parameters
    ----------
    folder : Path
        Run folder to be.
    sends : bool
        Whether scheduler jobs are sent from here, so that the scheduler must answer.

    Raises
    ------
    InputError
        If the engine cannot use the site's ranks, or the path of the folder holds a character that schedulers, shells
        or Parsl read as something else.
    EngineError
        If the scheduler does not answer.
    """
    try:
        get_engine(engine).command(folder, site.resources.tasks, site.launch_words(engine))
    except InputError as error:
        raise InputError(error.what, where="resources.tasks of the site", todo=error.todo) from None
    if site.scheduler == "none":
        return
    if odd := sorted(set(re.findall(r"[^\w./+=,@:~-]", str(folder.absolute())))):
        what = f"its path holds {odd[0]!r}, which job scripts cannot name"
        todo = "choose a path of letters, digits and . _ - + = , @ : ~"
        raise InputError(what, where=str(folder.absolute()), todo=todo)
    if sends:
        get_scheduler(site.scheduler).tagged("defectflow")


def require_parsl() -> None:
    """Whether Parsl can be used.

    Raises
    ------
    EngineError
        If it is not installed.
    """
    try:
        importlib.metadata.version("parsl")
    except importlib.metadata.PackageNotFoundError:
        todo = f"{sys.executable} -m pip install parsl=={PARSL}; or without it: defectflow inputs --site, and collect"
        raise EngineError("Parsl is not installed; scheduler jobs are sent through it", todo=todo) from None
