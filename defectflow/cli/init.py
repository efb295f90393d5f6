"""``defectflow init``: a recipe to edit, or a finished run to look at."""

from __future__ import annotations

import shutil
import tomllib
from pathlib import Path
from typing import Annotated

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

    if target.exists():
        raise InputError("exists already; nothing was changed", where=str(target), todo="choose another name")
    if demo:
        from defectflow.demo import demo_folder

        shutil.copytree(demo_folder(template), target)
        verb = {"quick": "compare", "carbon_capture": "screen rank"}[template]
        print(f"{target}: a finished run; try: defectflow {verb} {target}")
        return
    from defectflow.resources import resource

    if site is not None:
        target.write_text(resource("templates", f"sites/{site}.toml").read_text(encoding="utf-8"), encoding="utf-8")
        print(f"{target}: edit it, then prove it: defectflow doctor --site {target}")
        return
    from defectflow.schema.recipe_file import kind_of

    text = resource("workflows", f"{template}.toml").read_text(encoding="utf-8")
    target.write_text(text, encoding="utf-8")
    verbs = {
        "chain": f"transport iv --parameters {target}",
        "junction": f"junction run {target}",
        "screen": f"screen run {target} -o runs/{target.stem}",
    }
    verb = verbs.get(str(kind_of(tomllib.loads(text))), f"run {target} -o runs/{target.stem}")
    print(f"{target}: edit it, then: defectflow {verb}")
