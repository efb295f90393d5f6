"""What a compute node has: ``python -m defectflow.run.probe REPORT SITE ENGINE...``, run there by ``doctor --site``."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from defectflow.engines import get_engine
from defectflow.errors import DefectFlowError
from defectflow.executors.tracks import node_name
from defectflow.schedulers import seconds_left
from defectflow.schema.jsonio import write_atomic
from defectflow.schema.site import Site, load_site

RANKS_SECONDS = 40.0
_RANK = "import os; os.write(1, b'defectflow-rank\\n')"


@dataclass(frozen=True)
class Check:
    """One thing that was looked at."""

    name: str
    ok: bool
    found: str


def probe(site: Site, engines: list[str]) -> list[Check]:
    """Look around on this node."""
    checks = [Check("compute node", True, f"{node_name()}, Python {sys.version.split()[0]} at {sys.executable}")]
    if site.scheduler != "none":
        left = seconds_left(os.environ, time.time())
        told = "cannot be told: no calculation is stopped before its scheduler job ends"
        checks.append(Check("clock", left is not None, told if left is None else f"{left:.0f} s left"))
    for name in engines:
        checks += [_engine(site, name), _ranks(site, name)]
    return checks


def _engine(site: Site, name: str) -> Check:
    words = shlex.split(site.launch_words(name))
    try:
        if name == "vasp" and words:
            return _vasp(words)
        return Check(f"engine {name}", True, get_engine(name).available())
    except DefectFlowError as error:
        return Check(f"engine {name}", False, str(error))


def _vasp(words: list[str]) -> Check:
    from defectflow.engines.vasp.potcar import require_library

    program = words[-1]
    if shutil.which(program) is None:
        todo = "add its module to the site's setup lines, or give its full path in launch.vasp"
        return Check("engine vasp", False, f"{program} is not found there; {todo}")
    return Check("engine vasp", True, f"{shutil.which(program)}, POTCARs in {require_library()}")


def _ranks(site: Site, name: str) -> Check:
    """Whether the launch words start as many ranks as the site asks for; the engine itself is not run."""
    wanted = site.resources.tasks
    words = shlex.split(site.launch_words(name))
    prefix = words[:-1] if name == "vasp" else words
    if wanted == 1 or not prefix:
        return Check(f"ranks of {name}", wanted == 1, "one, without a launcher" if wanted == 1 else "no launch words")
    command = [*prefix, sys.executable, "-c", _RANK]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=RANKS_SECONDS, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Check(f"ranks of {name}", False, f"{shlex.join(prefix)}: {error}")
    started = done.stdout.count("defectflow-rank")
    says = f"; it says: {done.stderr.strip()[-300:]}" if started != wanted and done.stderr.strip() else ""
    return Check(f"ranks of {name}", started == wanted, f"{started} of {wanted} with: {shlex.join(prefix)}{says}")


def main(report: Path, site: str, engines: list[str]) -> None:
    """Write what was found."""
    found = [asdict(check) for check in probe(load_site(site), engines)]
    write_atomic(report, json.dumps({"checks": found}).encode())


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3:])
