"""The ``defectflow`` command."""

from __future__ import annotations

import os
import re
import sys
from io import TextIOWrapper
from typing import Annotated

import typer

from defectflow import __version__
from defectflow.cli import (
    align,
    build,
    cancel,
    cells,
    collect,
    compare,
    converge,
    doctor,
    dos,
    energetics,
    export,
    init,
    inputs,
    iv,
    junction,
    logs,
    pairs,
    parse,
    report,
    reproduce,
    run,
    screen,
    status,
    submit,
    transport,
    verify,
    watch,
)
from defectflow.errors import DefectFlowError

app = typer.Typer(
    name="defectflow",
    help="Dopant pairs in oxides: from a recipe to certified FM/AF energies and spin-resolved DOS.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
_STUDY = (doctor, init, pairs, cells, build, inputs, run, submit, status, watch, logs, cancel, collect)
_RESULTS = (parse, verify, compare, converge, reproduce, dos, junction, align, screen, energetics)
_HANDED_ON = (transport, iv, export, report)
for module in (*_STUDY, *_RESULTS, *_HANDED_ON):
    module.add_to(app)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"defectflow {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None: ...


_WIDTH, _SECONDS = "[1-9][0-9]{0,3}", "[0-9]{1,11}"
_NUMBERS = {"COLUMNS": _WIDTH, "LINES": _WIDTH, "TERMINAL_WIDTH": _WIDTH, "SOURCE_DATE_EPOCH": _SECONDS}


def main() -> None:
    """Run the command line; what a user can cause ends with a message and status 2, not with a traceback."""
    _settle_environment()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without ± or Å shows a question mark
    try:
        app()
    except DefectFlowError as error:
        _end(str(error))
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        _end(f"{where}{error.strerror or error}")


def _settle_environment() -> None:
    """Leave out what rich or Matplotlib would end on, with a traceback."""
    os.environ["MPLBACKEND"] = "agg"  # figures are only written; Jupyter names a backend that this process lacks
    for name, pattern in _NUMBERS.items():
        if not re.fullmatch(pattern, os.environ.get(name, "")):
            os.environ.pop(name, None)


def _end(message: str) -> None:
    print(f"error: {message}", file=sys.stderr)
    raise SystemExit(2) from None


if __name__ == "__main__":
    main()
