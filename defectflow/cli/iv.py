"""``defectflow iv analyse``: measured or computed I(V) curves."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from defectflow.cli.shared import AsJson, console, print_json

if TYPE_CHECKING:
    from defectflow.transport.iv import IvReport

iv = typer.Typer(name="iv", help="Measured or computed I(V) curves.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    iv.callback()(_several)  # a verb of its own name even while it is the only one
    iv.command()(analyse)
    app.add_typer(iv)


def _several() -> None:
    """Measured or computed I(V) curves."""


def analyse(
    data: Annotated[Path, typer.Argument(metavar="CSV", help="bias_mV, P_nA, AP_nA, and sweep where repeated.")],
    window: Annotated[int, typer.Option(help="Points of the parabola whose slope is the conductance (odd).")] = 3,
    pitch: Annotated[float | None, typer.Option(help="Pitch of a square array of such junctions (nm).")] = None,
    as_json: AsJson = False,
) -> None:
    """Conductance, TMR, peaks with width and effective temperature, output power."""
    from defectflow.export.transport import iv_row
    from defectflow.formats.iv_table import read_iv
    from defectflow.transport.iv import Sweeps, power_density
    from defectflow.transport.iv import analyse as analysed

    report = analysed(Sweeps(*read_iv(data)), window)
    row = iv_row(report)
    if pitch is not None:
        for output in row["output"].values():
            output["density_W_per_cm2"] = power_density(output["power_pW"], pitch)
    if as_json:
        print_json(row)
    else:
        _print(report, row)


def _print(report: IvReport, row: dict[str, Any]) -> None:
    from defectflow.export.transport import analysis_table

    screen = console()
    screen.print(analysis_table(report))
    for name, peak in report.peaks.items():
        if peak is None:
            screen.print(f"{name}: no extremum inside the data")
            continue
        width = (
            "does not fall to half" if peak.fwhm is None else f"FWHM {peak.fwhm:.3g} mV, kT at {peak.temperature:.3g} K"
        )
        value = f"{100 * peak.value:+.4g} %" if name == "tmr" else f"{peak.value:+.4g} uS"
        screen.print(f"{name}: {value} at {peak.bias:+.4g} mV, {width}")
    for a, b in report.opposite:
        screen.print(f"I_P and I_AP have opposite signs (TMR < -100 %) from {a:+.4g} to {b:+.4g} mV")
    for bias in report.poles:
        screen.print(f"I_AP is zero at {bias:+.4g} mV: TMR diverges there, and no peak is read beside it")
    for name, o in row["output"].items():
        density = f", {o['density_W_per_cm2']:.4g} W/cm^2 in the array" if "density_W_per_cm2" in o else ""
        screen.print(f"{name} gives at most {o['power_pW']:.4g} pW, at {o['bias_mV']:+.4g} mV{density}")
