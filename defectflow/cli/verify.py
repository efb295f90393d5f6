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
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH...", help="Run folders, or VASP runs of others.", show_default=False)
    ],
    as_json: AsJson = False,
) -> None:
    """Check the runs and FM/AF pairs of studies, or any VASP runs, of which two make a pair; status 1 if one fails."""
    from defectflow.export.tables import comparison_row
    from defectflow.pipeline.convergence import compared
    from defectflow.run import Study
    from defectflow.run.collect import collect

    foreign = [path for path in paths if not is_study(path)]
    studies = {folder: Study.open(folder) for folder in paths if folder not in foreign}
    runs = [_run_row(folder, entry) for folder, study in studies.items() for entry in collect(study)]
    pairs = [comparison_row(c) for study in studies.values() for c in compared(study)]
    others, foreign_pairs = _foreign_rows(foreign)
    runs, pairs = runs + others, pairs + foreign_pairs
    if as_json:
        print_json({"runs": runs, "pairs": pairs})
    else:
        _print(runs, pairs)
    passed = all(r["passed"] for r in runs) and all(p["certificate"]["passed"] for p in pairs)
    raise typer.Exit(0 if passed else 1)


def is_study(path: Path) -> bool:
    """Whether a path is a run folder of ours, or nothing that a code wrote."""
    from defectflow.run.same_study import SUMMARY

    names = ("OUTCAR", "vasprun", "result.json")
    if (path / SUMMARY).is_file():
        return True
    return path.is_dir() and not any(p.name.startswith(names) for p in path.iterdir())


def _foreign_rows(paths: list[Path]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    from defectflow.analyse.foreign import compare_foreign, verify_summary
    from defectflow.export.tables import certificate_row, foreign_row
    from defectflow.parse import parse_run

    summaries = [parse_run(path) for path in paths]
    rows = [{"path": s.path, **certificate_row(verify_summary(s))} for s in summaries]
    pairs = [foreign_row(compare_foreign(summaries[0], summaries[1]))] if len(summaries) == 2 else []
    return rows, pairs


def _run_row(folder: Path, entry: StateEntry) -> dict[str, Any]:
    from defectflow.analyse.verify import certificate, verify_state
    from defectflow.export.tables import certificate_row

    if entry.result is None:
        checked = certificate([f"{entry.name}: no result ({entry.missing})"], [])
    else:
        checked = verify_state(entry)
    return {"path": str(folder / entry.path), **certificate_row(checked)}


def _print(runs: list[dict[str, Any]], pairs: list[dict[str, Any]]) -> None:
    screen = console()
    for row in runs:
        _print_one(screen, row["path"], row)
    for row in pairs:
        delta = row["delta_af_fm"]
        value = "" if delta is None else f" = {1000 * delta:+.3f} ± {1000 * row['uncertainty']:.3f} meV per cell"
        _print_one(screen, f"pair {row['label']}, E_AF - E_FM{value}", row["certificate"])


def _print_one(screen: Any, name: str, checked: dict[str, Any]) -> None:
    screen.print(verdict(checked["passed"]), name)
    for reason in checked["reasons"]:
        screen.print(f"       {reason}", style="red")
    for remark in checked["remarks"]:
        screen.print(f"       {remark}")
