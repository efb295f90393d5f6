"""``defectflow transport``: the hand-off to the transport model, and the model itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from defectflow.cli.grid import bounds, grid, once
from defectflow.cli.shared import AsJson, Force, RunFolder, console, print_json, refuse_existing

if TYPE_CHECKING:
    from defectflow.pipeline.transport import Wanted
    from defectflow.schema.chain import Chain
    from defectflow.schema.handoff import Handoff
    from defectflow.transport.fit import FitReport
    from defectflow.transport.model import Solution

transport = typer.Typer(
    name="transport", help="Levels to currents: hand-off, I(V), fits and scans of the chain.", no_args_is_help=True
)
PairLabel = Annotated[str, typer.Option("--pair", help="Label of the pair.")]
State = Annotated[str | None, typer.Option(help='"FM" or "AF".', show_default="the lower one")]
Reference = Annotated[
    str, typer.Option(help='Where E_F is: "junction" (the shipped line-up), a junction\'s run folder, a JSON file.')
]
Window = Annotated[float, typer.Option(min=0.1, max=50, help="Dopant states this far around E_F are taken (eV).")]
Uncertified = Annotated[
    bool, typer.Option("--uncertified", help="Hand on a pair whose certificate failed; it is said.")
]
Bias = Annotated[str, typer.Option(help="FIRST:LAST:POINTS or one number (mV); write --bias=-10:10:401.")]
Parameters = Annotated[
    str, typer.Option(help='"paper", a parameter file (TOML; defectflow init NAME --from paper_chain), or a hand-off.')
]
Leads = Annotated[
    str, typer.Option(help="Parameter file for what a hand-off does not know: leads, spinterfaces, kT, options.")
]


def add_to(app: typer.Typer) -> None:
    """Register the verbs."""
    for verb in (export, iv, fit, scan):
        transport.command()(verb)
    app.add_typer(transport)


def export(
    folder: RunFolder,
    pair: PairLabel,
    output: Annotated[Path, typer.Option("-o", "--output", help="JSON file; its CSV lies beside it.")],
    state: State = None,
    reference: Reference = "junction",
    window: Window = 4.0,
    spinterface: Annotated[
        Path | None, typer.Option(help="Parameter file whose spinterface goes into the hand-off.")
    ] = None,
    uncertified: Uncertified = False,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Write the levels, exchange and fitted chain of a pair for a transport model."""
    from defectflow.errors import InputError
    from defectflow.pipeline.transport import Wanted, write_handoff
    from defectflow.schema.chain import load_chain

    if output.suffix != ".json":
        raise InputError(f'"{output.name}" is no name of a hand-off', where="--output", todo="end it in .json")
    refuse_existing([output, output.with_suffix(".csv")], force)
    leads = load_chain(spinterface).spinterface if spinterface else None
    handoff = _handoff(folder, Wanted(pair, state, reference, window, uncertified), leads)
    output.parent.mkdir(parents=True, exist_ok=True)
    files = write_handoff(handoff, output)
    if as_json:
        print_json({"handoff": handoff.model_dump(mode="json", by_alias=True), "files": [str(f) for f in files]})
        return
    _print_handoff(handoff)
    console().print("written:", *(f"  {f}" for f in files), sep="\n")


def _handoff(folder: Path, wanted: Wanted, spinterface: Any = None) -> Handoff:
    from defectflow.errors import InputError
    from defectflow.pipeline.transport import make_handoff
    from defectflow.run import Study

    if wanted.state not in (None, "FM", "AF"):
        raise InputError(f'"{wanted.state}" is no spin order', where="--state", todo='expected "FM" or "AF"')
    return make_handoff(Study.open(folder), wanted, spinterface)


def _print_handoff(h: Handoff) -> None:
    from defectflow.export.transport import level_table

    screen = console()
    screen.print(f"pair {h.pair} {h.state}, {h.source['code']}: {h.statement}")
    screen.print(f"zero is {h.reference.name} ± {h.reference.uncertainty:.0f} meV")
    screen.print(level_table(h))
    if h.exchange:
        screen.print(f"J per bond {h.exchange.j_per_bond:+.1f} meV ({h.exchange.convention})")
    if h.fit:
        f = h.fit
        spins = f"S = {f.spin_length:g}, {f.order}"
        fitted = (
            f"e0 {f.e0:+.0f}, ASYM {f.asym:+.0f}, hopping {f.hopping:.0f}, exchange v {f.exchange:+.0f} meV ({spins})"
        )
        screen.print(f"chain: {fitted}; residual of {f.levels} bands: rms {f.rms:.0f}, worst {f.worst:.0f} meV")


def iv(
    folder: Annotated[
        Path | None, typer.Argument(metavar="[RUN]", help="Run folder: the whole chain from DFT to currents.")
    ] = None,
    pair: Annotated[str | None, typer.Option("--pair", help="Label of the pair, with RUN.")] = None,
    parameters: Parameters = "paper",
    leads: Leads = "paper",
    bias: Bias = "-10:10:401",
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Folder for figure, curves and, with RUN, the hand-off.")
    ] = None,
    state: State = None,
    reference: Reference = "junction",
    uncertified: Uncertified = False,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Currents in P and AP, TMR and power against bias; from parameters, a hand-off, or a finished run."""
    from defectflow.errors import InputError
    from defectflow.pipeline.transport import Wanted, write_curves, write_handoff
    from defectflow.transport.model import solve_chain

    voltages = grid(bias, "--bias")
    if folder is None and (state or reference != "junction" or uncertified):
        what = "--state, --reference and --uncertified go with RUN: a hand-off or a parameter file has its own levels"
        raise InputError(what, todo="defectflow transport iv RUN --pair N, or transport export with these")
    if (folder is None) != (pair is None) or (folder and parameters != "paper"):
        raise InputError("RUN and --pair go together, and without --parameters", todo="defectflow transport iv --help")
    handoff = _handoff(folder, Wanted(pair, state, reference, uncertified=uncertified)) if folder and pair else None
    chain, notes = _chain(parameters, leads) if handoff is None else _from_handoff(handoff, leads)
    if output is not None:
        made = ["iv.csv", "iv_levels.csv", "iv.pdf", "iv.svg", *(["handoff.json", "handoff.csv"] if handoff else [])]
        refuse_existing([output / name for name in made], force)
    solution = solve_chain(chain, voltages)
    files = []
    if output is not None:
        output.mkdir(parents=True, exist_ok=True)
        files = write_handoff(handoff, output / "handoff.json") if handoff else []
        files += write_curves(solution, output / "iv")
    _show_iv(solution, notes, files, as_json)
    raise typer.Exit(1 if solution.spins.open_points else 0)


def _chain(parameters: str, leads: str) -> tuple[Chain, tuple[str, ...]]:
    from defectflow.errors import InputError
    from defectflow.schema.chain import load_chain, paper_chain
    from defectflow.schema.handoff import load_handoff

    if parameters.endswith(".json"):
        return _from_handoff(load_handoff(Path(parameters)), leads)
    if leads != "paper":
        raise InputError("goes with a hand-off or a run; a parameter file has its own leads", where="--leads")
    return paper_chain() if parameters == "paper" else load_chain(Path(parameters)), ()


def _from_handoff(handoff: Handoff, leads: str) -> tuple[Chain, tuple[str, ...]]:
    from defectflow.schema.chain import load_chain, paper_chain
    from defectflow.transport.handoff import chain_from

    return chain_from(handoff, paper_chain() if leads == "paper" else load_chain(Path(leads)))


def _show_iv(solution: Solution, notes: tuple[str, ...], files: list[Path], as_json: bool) -> None:
    from defectflow.export.transport import curve_columns, curve_table

    s = solution.spins
    thermal = solution.chain.spins.v != 0 and s.couplings is not None
    if as_json:
        spins = {"steps": s.steps, "change": s.change, "open": [list(p) for p in s.open_points]} if thermal else None
        document = {"chain": solution.chain.model_dump(mode="json", by_alias=True), "notes": list(notes)}
        print_json({**curve_columns(solution), **document, "spins": spins, "files": [str(f) for f in files]})
        return
    screen = console()
    screen.print(solution.chain.name)
    for note in notes:
        screen.print(f"note {note}", style="yellow")
    screen.print(curve_table(solution))
    screen.print(
        f"energy integrals: {solution.curves.points} points, error at most {solution.curves.errors.max():.1e} nA"
    )
    if thermal:
        open_ = f", NOT converged at {len(s.open_points)} biases" if s.open_points else ""
        screen.print(f"local spins: {s.steps} iterations, last change {s.change:.1e}{open_}")
    if files:
        screen.print("written:", *(f"  {f}" for f in files), sep="\n")


def fit(
    data: Annotated[Path, typer.Argument(metavar="CSV", help="Measured currents: bias_mV, P_nA, AP_nA, sweep.")],
    vary: Annotated[list[str], typer.Option("--vary", help="NAME, or NAME=LOW:HIGH (repeat it).")],
    parameters: Parameters = "paper",
    leads: Leads = "paper",
    as_json: AsJson = False,
) -> None:
    """Fit parameters of the chain to measured currents by least squares, within bounds."""
    from defectflow.cli.progress import counting
    from defectflow.formats.iv_table import read_iv
    from defectflow.transport.fit import EVALUATIONS
    from defectflow.transport.fit import fit as fitted
    from defectflow.transport.iv import Sweeps

    limits = {name: bounds(rest, "--vary") if rest else None for name, rest in once(vary, "--vary")}
    chain, notes = _chain(parameters, leads)
    with counting("fit", EVALUATIONS, quiet=as_json) as step:
        report = fitted(chain, limits, Sweeps(*read_iv(data)), lambda n, rms: step(n, f"rms {rms:.4g} nA"))
    _show_fit(report, notes, as_json)
    raise typer.Exit(0 if report.converged else 1)


def _show_fit(report: FitReport, notes: tuple[str, ...], as_json: bool) -> None:
    from defectflow.export.transport import rows_table

    rows = [vars(p) for p in report.parameters]
    if as_json:
        known = {k: getattr(report, k) for k in ("rms", "chi2", "evaluations", "converged", "message")}
        chain = report.chain.model_dump(mode="json", by_alias=True)
        print_json({"parameters": rows, **known, "correlation": report.correlation.tolist(), "chain": chain})
        return
    screen = console()
    for note in notes:
        screen.print(f"note {note}", style="yellow")
    screen.print(rows_table(rows))
    screen.print(f"rms {report.rms:.4g} nA after {report.evaluations} evaluations: {report.message}")
    if report.chi2 is not None:
        screen.print(f"chi2 per degree of freedom, with the errors of the sweeps: {report.chi2:.3g}")
    for p in report.parameters:
        if p.error is None or p.at_bound:
            why = "is not determined by these data" if p.error is None else "ended at its bound"
            screen.print(f"{p.name} {why}", style="yellow")


def scan(
    vary: Annotated[list[str] | None, typer.Option("--vary", help="NAME=FIRST:LAST:POINTS (repeat it).")] = None,
    parameters: Parameters = "paper",
    leads: Leads = "paper",
    bias: Bias = "-10:10:201",
    jobs: Annotated[int | None, typer.Option(min=1, max=1024, help="Processes.", show_default="all cores")] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="CSV file.")] = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Features of the curves over a grid of parameters; without --vary, how much each parameter changes them."""
    from defectflow.cli.progress import counting
    from defectflow.pipeline.scan import run_scan, run_sensitivity, write_rows
    from defectflow.transport.scan import Scan

    chain, notes = _chain(parameters, leads)
    axes = {name: grid(rest, "--vary") for name, rest in once(vary or [], "--vary")}
    refuse_existing([output] if output else [], force)
    wanted = Scan(chain, axes, grid(bias, "--bias"))
    with counting("scan", wanted.size, quiet=as_json) as step:
        rows = run_scan(wanted, jobs, lambda n: step(n, "")) if axes else run_sensitivity(chain, wanted.bias)
    if output is not None:
        write_rows(rows, output)
    _show_scan(rows, notes, output, as_json)


def _show_scan(rows: list[dict[str, Any]], notes: tuple[str, ...], output: Path | None, as_json: bool) -> None:
    from defectflow.export.transport import rows_table
    from defectflow.transport.features import FEATURES

    files = [str(output)] if output else []
    if as_json:
        print_json({"rows": rows, "features": FEATURES, "notes": list(notes), "files": files})
        return
    for note in notes:
        console().print(f"note {note}", style="yellow")
    console().print(rows_table(rows[:40]))
    if len(rows) > 40:
        console().print(f"{len(rows) - 40} further rows: write them with -o FILE.csv, or --json")
    for file in files:
        console().print(f"written: {file}")
