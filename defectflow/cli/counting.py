"""``defectflow screen count``: how many distinct ways there are of doping a cell, before any is made."""

from __future__ import annotations

import re
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from defectflow.cli.shared import AsJson, HostName, Sublattice, named_host, print_json
from defectflow.errors import StructureError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from defectflow.structures.configurations import Limits, Part
    from defectflow.structures.symmetry import SiteGroup

MOST = 10_000_000  # configurations that are looked at one by one
_QUIET = 2.0  # seconds between two lines on progress
STOPPED = 130  # exit status


def count(
    cell: Annotated[
        str, typer.Option("--cell", help='"2x2x2", or the nine integers of a matrix: "1,1,0,0,1,1,1,0,1".')
    ],
    dopant: Annotated[
        list[str],
        typer.Option("--dopant", help='"C:2", "C_O:2", "V_Mg:1"; V is a vacancy. Repeats.', show_default=False),
    ],
    host: HostName = "MgO",
    sublattice: Sublattice = None,
    nearest: Annotated[float, typer.Option(help="Smallest distance of two dopants (A).")] = 0.0,
    diameter: Annotated[float, typer.Option(help="Largest distance of two dopants (A).")] = float("inf"),
    shells: Annotated[str, typer.Option(help='Allowed distances by number: "1,2"; nearest is 1.')] = "",
    count_only: Annotated[bool, typer.Option("--count-only", help="No degeneracies: at once, at any size.")] = False,
    most: Annotated[int, typer.Option(min=1, help="Largest number to look at one by one.")] = MOST,
    as_json: AsJson = False,
) -> None:
    """Count the symmetry-distinct configurations of dopants and vacancies in a cell, with their degeneracies."""
    from defectflow.structures.burnside import total_count
    from defectflow.structures.configurations import parse_part
    from defectflow.structures.prototypes import anion, host_cell
    from defectflow.structures.symmetry import site_group

    crystal = host_cell(named_host(host))
    limits = _limits(nearest, diameter, shells)
    parts = [parse_part(text, sublattice or anion(crystal)) for text in dopant]
    group = site_group(crystal, _matrix(cell), sorted({p.sublattice for p in parts}))
    found = _counted(group, parts, limits, count_only, most)
    document = {"configurations": found[0], "total": total_count(group, parts), "degeneracies": found[1]}
    if as_json:
        print_json({**document, "atoms": len(group.species), "operations": group.order, "limits": not limits.none})
        return
    _print(document, parts, len(group.species))


def _counted(
    group: SiteGroup, parts: Sequence[Part], limits: Limits, count_only: bool, most: int
) -> tuple[int, dict[str, int] | None]:
    """Number of configurations, and how many have each degeneracy, or None where only the number is asked for."""
    from defectflow.structures.burnside import burnside_count

    expected = burnside_count(group, parts)
    if limits.none and count_only:
        return expected, None
    if limits.none and expected > most:
        todo = "count them with --count-only, set limits, or raise --most"
        raise StructureError(f"there are {expected:,} configurations, too many to look at one by one", todo=todo)
    found = _streamed(group, parts, limits, expected, most)
    return sum(found.values()), None if count_only else {str(d): found[d] for d in sorted(found)}


def _streamed(group: SiteGroup, parts: Sequence[Part], limits: Limits, expected: int, most: int) -> Counter[int]:
    from defectflow.structures.configurations import distinct_configurations

    found: Counter[int] = Counter()
    number, shown = 0, time.monotonic()
    try:
        for batch in distinct_configurations(group, parts, limits):
            found.update(batch.degeneracy.tolist())
            number += len(batch)
            if number > most:
                todo = "set closer limits, or raise --most"
                raise StructureError(f"there are more than {most:,} configurations within the limits", todo=todo)
            if sys.stderr.isatty() and time.monotonic() - shown > _QUIET:
                shown = time.monotonic()
                print(f"{number:,} so far, of {expected:,} without limits", file=sys.stderr)
    except KeyboardInterrupt:
        print(f"stopped after {number:,} configurations", file=sys.stderr)
        raise typer.Exit(STOPPED) from None
    return found


def _matrix(text: str) -> tuple[tuple[int, int, int], ...]:
    from pydantic import ValidationError

    from defectflow.schema.host import Supercell

    numbers = [int(n) for n in re.findall(r"-?\d+", text)] if re.fullmatch(r"[-\d,;xX\s]{1,99}", text) else []
    if len(numbers) not in (3, 9):
        todo = 'write "2x2x2", or a matrix row by row: "1,1,0,0,1,1,1,0,1"'
        raise StructureError(f'"{text}" is no cell', where="--cell", todo=todo)
    rows = numbers if len(numbers) == 3 else [numbers[:3], numbers[3:6], numbers[6:]]
    try:
        return Supercell.model_validate({"matrix": rows}).rows
    except ValidationError as error:
        raise StructureError(error.errors()[0]["msg"].removeprefix("Value error, "), where="--cell") from None


def _limits(nearest: float, diameter: float, shells: str) -> Limits:
    from defectflow.structures.configurations import Limits

    if not 0 <= nearest <= diameter:
        raise StructureError("expected 0 <= nearest <= diameter", where="--nearest")
    if not re.fullmatch(r"(\d{1,4}(,\d{1,4})*)?", shells):
        raise StructureError(f'"{shells}" is no list of shells', where="--shells", todo='write "1,2"')
    return Limits(nearest, diameter, tuple(int(n) for n in shells.split(",") if n))


def _print(document: dict[str, Any], parts: Sequence[Part], atoms: int) -> None:
    what = ", ".join(f"{p.count} {p.label}" for p in parts)
    print(f"{what} in {atoms} atoms: {document['configurations']:,} distinct configurations of {document['total']:,}")
    for degeneracy, number in (document["degeneracies"] or {}).items():
        print(f"{number:>12,} with degeneracy {int(degeneracy):,}")
