"""``defectflow init``: a recipe to edit, or a finished run to look at."""

from __future__ import annotations

import errno
import os
import shutil
import tomllib
from pathlib import Path
from typing import Annotated, Any

import typer


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command()(init)


def init(
    target: Annotated[Path, typer.Argument(help="Recipe file to write, or folder with --demo.", show_default=False)],
    template: Annotated[str, typer.Option("--from", help="Recipe to copy.")] = "quick",
    site: Annotated[str | None, typer.Option("--site", help="Copy a site file instead: slurm, pbspro, ...")] = None,
    demo: Annotated[bool, typer.Option("--demo", help="Copy the run folder of a real study (see --from).")] = False,
) -> None:
    """Write a recipe or a site file to start from."""
    from defectflow.errors import InputError
    from defectflow.resources import resource
    from defectflow.schema.jsonio import write_atomic

    if demo and site is not None:
        raise InputError("a finished run and a site file are two things", where="--demo --site", todo="choose one")
    if target.exists():
        raise InputError("exists already; nothing was changed", where=str(target), todo="choose another name")
    if demo:
        _demo(target, template)
    elif site is not None:
        write_atomic(target, resource("templates", f"sites/{site}.toml").read_bytes())
        print(f"{target}: edit it, then prove it: defectflow doctor --site {target}")
    else:
        text = resource("workflows", f"{template}.toml").read_bytes()
        write_atomic(target, text)
        _say_what_next(target, tomllib.loads(text.decode()))


def _demo(target: Path, template: str) -> None:
    from defectflow.demo import demo_folder

    _copy_whole(demo_folder(template), target)
    verb = {"quick": "compare", "carbon_capture": "screen rank"}[template]
    print(f"{target}: a finished run; try: defectflow {verb} {target}")


def _say_what_next(target: Path, recipe: dict[str, Any]) -> None:
    from defectflow.schema.recipe_file import kind_of

    verbs = {
        "chain": f"transport iv --parameters {target}",
        "convergence": f"converge run {target} -o runs/{target.stem}",
        "junction": f"junction run {target}",
        "screen": f"screen run {target} -o runs/{target.stem}",
    }
    verb = verbs.get(str(kind_of(recipe)), f"run {target} -o runs/{target.stem}")
    print(f"{target}: edit it, then: defectflow {verb}")
    if base := recipe.get("base"):
        beside = target.with_name(base)
        print(f"its base belongs beside it: defectflow init {beside} --from {beside.stem}")


def _copy_whole(source: Path, target: Path) -> None:
    """Copy a folder; a copy that fails leaves nothing."""
    half = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        shutil.copytree(source, half)
        half.rename(target)
    except (OSError, shutil.Error) as error:
        shutil.rmtree(half, ignore_errors=True)
        why = error.args[0][0][2] if isinstance(error, shutil.Error) else error.strerror
        raise OSError(errno.EIO, f"cannot be copied ({why})", str(target)) from None
