"""``defectflow dos``: spin-resolved DOS of a study, and the states around a reference energy."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from defectflow.cli.shared import AsJson, RunFolder, console, print_json, refuse_existing

if TYPE_CHECKING:
    from defectflow.run import Study
    from defectflow.schema import StateEntry

ANYWHERE = "where in it, the smearing decides: compare cells with --reference vbm or junction"


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command()(dos)


def dos(
    folder: RunFolder,
    pair: Annotated[list[str] | None, typer.Option("--pair", help="Only these pairs (repeat it).")] = None,
    reference: Annotated[
        str,
        typer.Option(
            help='Zero of energy: "fermi" of the cell, "vbm" of the host, "junction" (E_F of the shipped Co/MgO/Co),'
            " a junction's run folder, or a reference file (JSON)."
        ),
    ] = "fermi",
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Figure and CSV, without suffix.", show_default="RUN/figures/dos"),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that -o names.")] = False,
    as_json: AsJson = False,
) -> None:
    """Draw the DOS (PDF, SVG and the curves as CSV) and list the states around the zero of energy."""
    from defectflow.export.crossing import crossing_row
    from defectflow.pipeline import entry_crossing, write_dos
    from defectflow.run import Study

    study = Study.open(folder)
    entries = _wanted(study, pair)
    stem = _stem(output, force) if output is not None else folder / "figures" / "dos"
    states = [_states(study, entry, reference) for entry in entries]
    if reference not in ("fermi", "vbm"):
        for row, entry in zip(states, entries, strict=True):
            row["junction"] = crossing_row(entry_crossing(study, entry, reference))
    stem.parent.mkdir(parents=True, exist_ok=True)
    files = [str(p) for p in write_dos(study, reference, entries, stem)]
    if as_json:
        print_json({"states": states, "files": files})
    else:
        _print(states, files, reference)


def _stem(output: Path, force: bool) -> Path:
    from defectflow.errors import InputError

    if not output.name:
        raise InputError(f'"{output}" is no file name', where="--output", todo="give a name without suffix")
    refuse_existing([output.with_name(f"{output.name}.{suffix}") for suffix in ("csv", "pdf", "svg")], force)
    return output


def _wanted(study: Study, labels: list[str] | None) -> list[StateEntry]:
    from defectflow.errors import AnalysisError
    from defectflow.pipeline import has_dos
    from defectflow.run.collect import collect

    entries = collect(study)
    known = list(dict.fromkeys(e.pair.orbit.label for e in entries))
    for label in labels or []:
        if label not in known:
            raise AnalysisError(f'the study has no pair "{label}"', where="--pair", todo=f"it has {', '.join(known)}")
    chosen = [e for e in entries if has_dos(study, e) and (not labels or e.pair.orbit.label in labels)]
    if not chosen:
        raise AnalysisError("there is no result to draw yet", where=str(study.folder), todo="defectflow status RUN")
    return chosen


def _states(study: Study, entry: StateEntry, reference: str) -> dict[str, Any]:
    from defectflow.analyse.filling import open_gap
    from defectflow.analyse.verify import verify_state
    from defectflow.export.tables import level_row
    from defectflow.pipeline import dos_result, entry_levels
    from defectflow.pipeline.reference import reference_for

    zero, gap = reference_for(study, entry, reference), open_gap(dos_result(study, entry))
    levels, (up, down) = entry_levels(study, entry, reference)
    return {
        "name": entry.name,
        "pair": entry.pair.orbit.label,
        "state": entry.pair.state,
        "passed": verify_state(entry).passed,
        "reference": {"name": zero.name, "energy": zero.energy, "uncertainty": zero.uncertainty, "source": zero.source},
        "gap": None if gap is None else [edge - zero.energy for edge in gap],
        "window": study.recipe.dos.count_window,
        "states_up": up,
        "states_down": down,
        "levels": [level_row(level) for level in levels],
    }


def _print(states: list[dict[str, Any]], files: list[str], reference: str) -> None:
    from defectflow.analyse.dos import Level
    from defectflow.export.tables import level_table

    screen = console()
    for s in states:
        zero = s["reference"]
        warning = "" if s["passed"] else " (FAILED its certificate)"
        place = f"{zero['name']} = {zero['energy']:.3f} ± {zero['uncertainty']:.3f} eV"
        screen.print(f"{s['name']}{warning}: zero is {place}")
        if s["gap"] and reference == "fermi":
            top, bottom = s["gap"]
            screen.print(f"  it lies in a gap from {top:+.2f} to {bottom:+.2f} eV; {ANYWHERE}", soft_wrap=True)
        screen.print(
            f"  within ± {s['window']:g} eV: {s['states_up']:.2f} states up, {s['states_down']:.2f} down per cell"
        )
        levels = s["junction"]["levels"] if "junction" in s else s["levels"]
        if levels:
            screen.print(level_table(tuple(Level(**row) for row in levels)))
    if "junction" in states[0]:
        _print_statement(states)
    screen.print("written:", *(f"  {f}" for f in files), sep="\n")


def _print_statement(states: list[dict[str, Any]]) -> None:
    """Whether four spin-degenerate dopant states cut E_F of the junction, pair by pair and order by order."""
    from defectflow.analyse.crossing import PUBLISHED_BY

    screen = console()
    zero = states[0]["reference"]
    screen.print(f'"Four spin-degenerate states that intersect E_F" (fourth pair, AF; {PUBLISHED_BY}):')
    for s in states:
        j = s["junction"]
        warning = "" if s["passed"] else " (FAILED its certificate)"
        counts = "/".join(map(str, j["degenerate"]))
        others = f"up {'/'.join(map(str, j['up']))}, down {'/'.join(map(str, j['down']))}"
        screen.print(f"  {s['name']}{warning}: {j['as_published']}; spin-degenerate states cut: {counts} ({others})")
        if j["levels"] and not any(j["up"] + j["down"]):
            nearest = min((level["energy"] for level in j["levels"]), key=abs)
            screen.print(f"    the nearest dopant state lies at {nearest:+.2f} eV")
        if j["as_published_by_spin"]:
            screen.print("    two levels, each in both spins: four states if spins are counted apart")
    at = f"{zero['name']} minus, at and plus its uncertainty of {zero['uncertainty']:.2f} eV"
    screen.print(f"counted at {at}, smearing width included; dopant states only")
