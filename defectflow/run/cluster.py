"""What a run folder keeps of the cluster that it runs on, in its folder ``cluster``: its site and its mark."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import uuid
from pathlib import Path

from defectflow.errors import EngineError, ParseError
from defectflow.schema.jsonio import read_json, write_atomic
from defectflow.schema.site import Site, load_site, site_path

CLUSTER = "cluster"
SITE = "site.toml"
MARK = "mark.json"
PARSL = "2026.10.26"  # the release that the tests ran with


def cluster_tag(folder: Path) -> str:
    """Mark of the scheduler jobs of a run folder.

    It holds the folder's inode: a copy of the folder must never take the jobs of the original for its own.
    """
    path = folder / CLUSTER / MARK
    try:
        key = str(read_json(path)["key"])
    except (ParseError, KeyError):
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
        todo = f"pip install 'defectflow[hpc]' (parsl=={PARSL}); without it: defectflow inputs --site, and collect"
        raise EngineError("Parsl is not installed; scheduler jobs are sent through it", todo=todo) from None
