"""``defectflow doctor``: whether everything is here that a run needs."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from defectflow.cli.shared import AsJson, SiteName, console, print_json
from defectflow.errors import InputError


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command()(doctor)


def doctor(
    site: SiteName = None,
    engine: Annotated[list[str] | None, typer.Option("--engine", help="Engine to look for on the site.")] = None,
    wait: Annotated[float, typer.Option("--wait", min=1, help="Seconds the site's job may wait.")] = 600.0,
    as_json: AsJson = False,
) -> None:
    """Check Python, engines, POTCAR library, custodian, cores, MPI and scheduler; status 1 if no engine can run.

    With a site: whether its queue answers and a one-minute job finds there what a study needs; status 1 if not.
    """
    if engine and site is None:
        raise InputError("goes with --site; without one all engines are looked for", where="--engine")
    checks = _checks() if site is None else _site_checks(site, engine or [], wait)
    usable = any(c["ok"] for c in checks if str(c["name"]).startswith("engine"))
    if site is not None:
        usable = all(c["ok"] for c in checks)
    if as_json:
        print_json({"checks": checks, "usable": usable})
    else:
        for check in checks:
            mark = "ok     " if check["ok"] else "missing"
            console().print(f"{mark} {check['name']}: {check['found']}", style=None if check["ok"] else "yellow")
    raise typer.Exit(0 if usable else 1)


def _site_checks(site: str, engines: list[str], wait: float) -> list[dict[str, object]]:
    from dataclasses import asdict

    from defectflow.engines import get_engine
    from defectflow.run.prove import prove_site

    for name in engines:
        get_engine(name)
    return [asdict(check) for check in prove_site(site, engines, wait, lambda text: print(text, file=sys.stderr))]


def _checks() -> list[dict[str, object]]:
    import platform
    import shutil
    from importlib.metadata import version

    from defectflow.engines import engine_names
    from defectflow.executors.local import usable_cores

    checks = [_check("python", True, platform.python_version()), _check("cores", True, str(usable_cores()))]
    checks += [_engine_check(name) for name in engine_names() if name != "replay"]
    mpiexec = shutil.which("mpiexec")
    scheduler = next((found for name in ("sbatch", "qsub", "bsub") if (found := shutil.which(name))), None)
    return [
        *checks,
        _library_check(),
        _check("custodian", True, version("custodian")),
        _check("mpiexec", mpiexec is not None, mpiexec or "not found; one rank per calculation then"),
        _check("scheduler", scheduler is not None, scheduler or "no sbatch, qsub or bsub: jobs run on this machine"),
    ]


def _library_check() -> dict[str, object]:
    from defectflow.engines.vasp.potcar import require_library
    from defectflow.errors import EngineError

    try:
        return _check("POTCAR library", True, str(require_library()))
    except EngineError as error:
        return _check("POTCAR library", False, str(error))


def _engine_check(name: str) -> dict[str, object]:
    from defectflow.engines import get_engine
    from defectflow.errors import EngineError

    try:
        return _check(f"engine {name}", True, get_engine(name).available())
    except EngineError as error:
        return _check(f"engine {name}", False, str(error))


def _check(name: str, ok: bool, found: str) -> dict[str, object]:
    return {"name": name, "ok": ok, "found": found}
