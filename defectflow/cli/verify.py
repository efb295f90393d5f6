"""``defectflow verify``: whether these energies may be subtracted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from defectflow.cli.shared import AsJson, console, print_json, verdict

if TYPE_CHECKING:
    from defectflow.schema import StateEntry


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command()(verify)


def verify(
    folders: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Run folders.", show_default=False)],
    as_json: AsJson = False,
) -> None:
    """Check every run and every FM/AF pair of studies; status 1 if one fails."""
    from defectflow.analyse.compare import compare_study
    from defectflow.export.tables import comparison_row
    from defectflow.run import Study
    from defectflow.run.collect import collect

    studies = {folder: collect(Study.open(folder)) for folder in folders}
    runs = [_run_row(folder, entry) for folder, entries in studies.items() for entry in entries]
    pairs = [comparison_row(c) for entries in studies.values() for c in compare_study(entries)]
    if as_json:
        print_json({"runs": runs, "pairs": pairs})
    else:
        _print(runs, pairs)
    passed = all(r["passed"] for r in runs) and all(p["certificate"]["passed"] for p in pairs)
    raise typer.Exit(0 if passed else 1)


def _run_row(folder: Path, entry: StateEntry) -> dict[str, Any]:
    from defectflow.analyse.verify import certificate, verify_state

    if entry.result is None:
        checked = certificate([f"{entry.name}: no result ({entry.missing})"], [])
    else:
        checked = verify_state(entry)
    return {
        "path": str(folder / entry.path),
        "passed": checked.passed,
        "reasons": list(checked.reasons),
        "remarks": list(checked.remarks),
    }


def _print(runs: list[dict[str, Any]], pairs: list[dict[str, Any]]) -> None:
    screen = console()
    for row in runs:
        _print_one(screen, row["path"], row)
    for row in pairs:
        _print_one(screen, f"pair {row['label']}, E_AF - E_FM", row["certificate"])


def _print_one(screen: Any, name: str, checked: dict[str, Any]) -> None:
    screen.print(verdict(checked["passed"]), name)
    for reason in checked["reasons"]:
        screen.print(f"       {reason}", style="red")
    for remark in checked["remarks"]:
        screen.print(f"       {remark}")
