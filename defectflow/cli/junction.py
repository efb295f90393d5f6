"""``defectflow junction``: build, run and show a metal/oxide/metal junction and its Fermi level."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from defectflow.cli.run import EngineName, Jobs, Output, Ranks, Reuse
from defectflow.cli.shared import AsJson, RecipeFile, SiteName, console, print_json

if TYPE_CHECKING:
    from defectflow.schema.layers import JunctionCell
    from defectflow.schema.lineup import LineUp

junction = typer.Typer(
    name="junction", help="Metal/oxide/metal junctions: build, run, show the Fermi level.", no_args_is_help=True
)


def add_to(app: typer.Typer) -> None:
    """Register the verbs."""
    junction.command()(build)
    junction.command()(run)
    junction.command()(show)
    app.add_typer(junction)


def build(
    recipe: RecipeFile,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Folder for POSCAR, MAGMOM and extended XYZ.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print strain and layers of a junction, and write its cells if a folder is given."""
    from defectflow.export.structures import write_junction_cells
    from defectflow.schema.junction import load_junction
    from defectflow.schema.recipe_file import named_by
    from defectflow.structures.junction import build_junction

    wanted = load_junction(recipe)
    with named_by(recipe):
        cells = [build_junction(wanted, state) for state in wanted.states]
    files = write_junction_cells(cells, output) if output is not None else []
    rows = [_cell_row(cell) for cell in cells]
    if as_json:
        print_json({"junctions": rows, "files": [str(f) for f in files]})
        return
    for row in rows:
        _print_cell(row)
    for file in files:
        print(file)


def _cell_row(junction: JunctionCell) -> dict[str, Any]:
    from defectflow.schema.layers import heights

    cell = junction.cell
    layers = [
        {
            "kind": layer.kind,
            "side": layer.side,
            "depth": layer.depth,
            "height": float(z),
            "atoms": [cell.species[s] for s in layer.sites],
            "moment": float(cell.moments[list(layer.sites)].mean()),
        }
        for layer, z in zip(junction.layers, heights(cell, junction.layers), strict=True)
    ]
    return {
        "state": junction.state,
        "atoms": len(cell),
        "lattice": cell.lattice.tolist(),
        "strained": junction.strained,
        "strain": list(junction.strain),
        "layers": layers,
    }


def _print_cell(row: dict[str, Any]) -> None:
    a, b, c = ((sum(x * x for x in v)) ** 0.5 for v in row["lattice"])
    strain = ", ".join(f"{100 * s:+.2f} %" for s in row["strain"])
    console().print(f"{row['state']}: {row['atoms']} atoms, {a:.4f} x {b:.4f} x {c:.4f} A")
    console().print(f"strain of the {row['strained']} in the plane: {strain}")
    for layer in reversed(row["layers"]):
        atoms = "".join(f"{s}{n if n > 1 else ''}" for s, n in _counted(layer["atoms"]))
        moment = f" {layer['moment']:+.2f} muB" if layer["moment"] else ""
        console().print(f"  {layer['height']:8.3f} A  {layer['kind']:8s} {atoms}{moment}")


def _counted(symbols: list[str]) -> list[tuple[str, int]]:
    return [(s, symbols.count(s)) for s in dict.fromkeys(symbols)]


def run(
    recipe: RecipeFile,
    output: Output = None,
    engine: EngineName = "gpaw",
    site: SiteName = None,
    jobs: Jobs = None,
    ranks: Ranks = None,
    reuse: Reuse = None,
    as_json: AsJson = False,
) -> None:
    """Run a junction, or go on with it, and write its line-up and figures."""
    from defectflow.cli.place import check_place, place
    from defectflow.cli.run import create_with, finish_junction
    from defectflow.run import JunctionStudy

    folder = output or Path("runs") / recipe.stem
    check_place(engine, site, jobs, ranks, folder)
    study = create_with(JunctionStudy, folder, recipe, engine, reuse)
    finish_junction(study, place(study, site, jobs, ranks), as_json)


def show(
    folder: Annotated[
        Path | None, typer.Argument(metavar="[RUN]", help="Run folder of a junction; without it, the shipped one.")
    ] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Folder for figures and their numbers.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files in the folder of -o.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show E_F - E_VBM of a junction by all methods, what it ran on, and how sure it is."""
    from defectflow.pipeline.junction import junction_states, shipped_line_up, write_state
    from defectflow.run import JunctionStudy

    if folder is None:
        found = [shipped_line_up()]
    else:
        found = [(s.line, s.profile) for s in junction_states(JunctionStudy.open(folder))]
    files = []
    if output is not None:
        _check_empty(output, force)
        output.mkdir(parents=True, exist_ok=True)
        files = [str(p) for line, shape in found for p in write_state(line, shape, output)]
    report([line for line, _ in found], files, as_json)


def _check_empty(folder: Path, force: bool) -> None:
    from defectflow.errors import InputError

    if not force and folder.is_dir() and any(folder.iterdir()):
        todo = "choose another folder, or --force"
        raise InputError("is not empty; nothing was changed", where=str(folder), todo=todo)


def report(lines: list[LineUp], files: list[str], as_json: bool) -> None:
    """Print line-ups; as JSON the first one, with the others under ``states``."""
    from defectflow.export.lineup import line_up_row

    if as_json:
        rows = [line_up_row(line) for line in lines]
        print_json({**rows[0], "states": rows[1:], "files": files})
        return
    for line in lines:
        print_line_up(line)
    if files:
        console().print("written:", *(f"  {f}" for f in files), sep="\n")


def print_line_up(line: LineUp) -> None:
    """Every method, their mean, the Schottky heights and what stands against them."""
    from defectflow.export.lineup import line_up_table

    screen = console()
    screen.print(f"{line.name}, {line.state}: {line.source}")
    screen.print(line_up_table(line))
    screen.print(
        f"E_F - E_VBM = {line.adopted:.3f} ± {line.uncertainty:.3f} eV (methods differ by {line.spread:.3f} eV)"
    )
    screen.print(
        f"Phi_p = {line.phi_p:.2f} eV, Phi_n = {line.phi_n:.2f} eV: both with the gap of PBE, {line.gap:.2f} eV;"
        " a semilocal gap makes Schottky heights uncertain by more than these methods differ"
    )
    bend, charge = 1000 * line.flatness, 1000 * line.charge_flatness
    screen.print(f"middle of the barrier: potential bends by {bend:.0f} meV, anion against cation {charge:+.0f} meV")
    left, right = line.distances
    screen.print(f"metal to anion at the interfaces: {left:.3f} and {right:.3f} A; strain of the {line.strained}:")
    screen.print("  " + ", ".join(f"{100 * s:+.2f} %" for s in line.strain))
    screen.print("moments of the metal layers (muB): " + " ".join(f"{m:+.2f}" for m in line.metal_moments))
    for key, value in line.settings.items():
        screen.print(f"  {key}: {value}")
    if line.variants:
        screen.print(f"convergence, one thing changed at a time on {line.probe}:")
    for v in line.variants:
        screen.print(f"  {v.change}: {1000 * v.difference:+.0f} meV")
