"""Options and printing that several verbs share."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from defectflow.schema.host import Host

RecipeFile = Annotated[Path, typer.Argument(metavar="RECIPE", help="Recipe file (TOML).", show_default=False)]
RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="Run folder.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
SiteName = Annotated[
    str | None,
    typer.Option("--site", help="Site file (TOML), or laptop, slurm, pbspro, lsf, allocation.", show_default=False),
]
HostName = Annotated[str, typer.Option("--host", help="Material such as MgO, or a structure file (CIF, POSCAR).")]
Sublattice = Annotated[
    str | None, typer.Option("--sublattice", help="Element whose sites are meant.", show_default="the anion")
]


def named_host(text: str) -> Host:
    """Host of a material's name or of a structure file."""
    from defectflow.schema.host import Host

    path = Path(text)
    return Host(file=text) if path.suffix or len(path.parts) != 1 or path.is_file() else Host(material=text)


def print_json(document: Any) -> None:
    """Print one JSON document, whole or not at all; a number that is not finite is an error, never NaN."""
    print(json.dumps(document, indent=1, allow_nan=False))


def console() -> Console:
    """Console that prints users' text as it is and does not cut tables when the output is a file or a pipe."""
    from rich.console import Console

    wide = None if sys.stdout is not None and sys.stdout.isatty() else 160
    return Console(width=wide, highlight=False, soft_wrap=True, markup=False)


def refuse_existing(paths: list[Path], force: bool) -> None:
    """Raise InputError at the first file that would be overwritten without `force`."""
    from defectflow.errors import InputError

    for path in paths:
        if path.exists() and not force:
            todo = "choose another name, or --force"
            raise InputError("exists already; nothing was changed", where=str(path), todo=todo)


Force = Annotated[bool, typer.Option("--force", help="Overwrite files.")]


def refuse_made(folder: Path | None, stem: str, force: bool) -> None:
    """Raise InputError if files of that stem are in the folder of an ``-o`` already."""
    refuse_existing(sorted(folder.glob(f"{stem}*")) if folder is not None else [], force)


def known_moment(moment: float | None) -> str:
    """Total moment (muB) with its sign, a question mark before the code has said any."""
    return "?" if moment is None else f"{moment:+.2f}"


def verdict(passed: bool) -> Text:
    """The word that a reader looks for first."""
    from rich.text import Text

    return Text("passed", style="green") if passed else Text("FAILED", style="red")
