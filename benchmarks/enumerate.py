"""Distinct configurations: the counts of independent programs, and the time that they and defectflow take.

    python benchmarks/enumerate.py --shry SHRY/bin/python --bsym BSYM/bin/python [--rounds 5] [--case 2:C:8]

Each program runs in fresh processes of its own Python (make one environment each: pip install shry; pip install bsym
pymatgen), all in turn, on MgO cells built from the lattice constant; BLAS runs on one thread for all. Printed are CPU
seconds (user and system) of the whole process, of what comes after the imports (symmetry search included), peak memory,
and the ratios to defectflow within a round as median (smallest to largest). Every count and every sum of degeneracies
has to be the same. A program that needs more than the limit is left out of the larger cases.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass

CASES = [f"2:C:{n}" for n in (2, 3, 4, 5, 6, 8)] + ["2:C:2+N:1+V:1", "3:C:2", "3:C:3", "3:C:4", "3:C:5"]
HEAD = """import sys, json, warnings
warnings.simplefilter('ignore')
n, mix = int(sys.argv[1]), dict((w.split(':')[0], int(w.split(':')[1])) for w in sys.argv[2].split('+'))
"""
OURS = (
    HEAD
    + """import numpy as np
import spglib
from defectflow.schema.cell import Cell
from defectflow.structures.configurations import Part, distinct_configurations
from defectflow.structures.symmetry import site_group
from time import process_time
start = process_time()
fcc = np.array([[0, 0, 0], [0, .5, .5], [.5, 0, .5], [.5, .5, 0]])
host = Cell(4.25 * np.eye(3), ('Mg',) * 4 + ('O',) * 4, np.concatenate([fcc, fcc + [.5, 0, 0]]), np.zeros(8))
group = site_group(host, np.diag([n] * 3), ['O'])
count = total = 0
for batch in distinct_configurations(group, [Part(k, 'O', v) for k, v in mix.items()]):
    count += len(batch)
    total += int(batch.degeneracy.sum())
"""
)
CELL = """from time import process_time
start = process_time()
cell = Structure.from_spacegroup('Fm-3m', Lattice.cubic(4.25), ['Mg', 'O'], [[0, 0, 0], [.5, .5, .5]])
cell.make_supercell([n] * 3)
sites = 4 * n**3
left = sites - sum(mix.values())
"""
SHRY = (
    HEAD
    + "from pymatgen.core import Lattice, Structure\nfrom shry.core import Substitutor\n"
    + CELL
    + """
names = {'O': left, **{'X0+' if k == 'V' else k: v for k, v in mix.items()}}
cell.replace_species({'O': {k: v / sites for k, v in names.items()}})
search = Substitutor(cell)
count = sum(1 for _ in search.make_patterns())
total = sum(search.weights())
"""
)
BSYM = (
    HEAD
    + """from pymatgen.core import Lattice, Structure
from bsym.interface.pymatgen import unique_structure_substitutions
"""
    + CELL
    + """
found = unique_structure_substitutions(cell, 'O', {'O': left, **{'X' if k == 'V' else k: v for k, v in mix.items()}})
count, total = len(found), sum(f.number_of_equivalent_configurations for f in found)
"""
)
TAIL = "print(json.dumps([int(count), int(total), process_time() - start]))"


@dataclass(frozen=True)
class Cost:
    """Counts of a program, its CPU seconds in all and after the imports, and its peak memory (MB)."""

    counts: tuple[int, int]
    whole: float
    inner: float
    megabytes: float


def run(python: str, code: str, case: str, limit: int) -> Cost | None:
    """One program on one case in a fresh process; None if it needs more CPU seconds than the limit."""
    env = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    command = [python, "-c", code + TAIL, *case.split(":", 1)]
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen(
            command,
            env=env,
            stdout=out,
            stderr=subprocess.DEVNULL,
            preexec_fn=lambda: _cap(limit),  # noqa: PLW1509
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        lines = out.read().decode().splitlines()
    if process.returncode != 0:
        return None
    count, total, inner = json.loads(lines[-1])
    return Cost((count, total), usage.ru_utime + usage.ru_stime, inner, usage.ru_maxrss / 1024)


def _cap(limit: int) -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))


def alternate(programs: dict[str, tuple[str, str]], case: str, rounds: int, limit: int) -> dict[str, list[Cost]]:
    """Costs of every program, in turn; one that is beyond the limit is not started again."""
    found: dict[str, list[Cost]] = {name: [] for name in programs}
    beyond: set[str] = set()
    for _ in range(rounds):
        for name, (python, code) in programs.items():
            cost = None if name in beyond else run(python, code, case, limit)
            if cost is None:
                beyond.add(name)
            else:
                found[name].append(cost)
    return {name: costs for name, costs in found.items() if name not in beyond}


def report(case: str, found: dict[str, list[Cost]]) -> None:
    """One row for each program."""
    counts = {c.counts for costs in found.values() for c in costs}
    if len(counts) != 1:
        raise SystemExit(f"{case}: the programs disagree: {counts}")
    ours = found["defectflow"]
    for name, costs in found.items():
        cells = [case, name, *(f"{n:,}" for n in costs[0].counts)]
        for what in ("whole", "inner"):
            ratios = [getattr(c, what) / getattr(o, what) for c, o in zip(costs, ours, strict=True)]
            seconds = statistics.median(getattr(c, what) for c in costs)
            cells += [f"{seconds:.3f}", f"{statistics.median(ratios):.1f} ({min(ratios):.1f} to {max(ratios):.1f})"]
        cells.append(f"{max(c.megabytes for c in costs):.0f}")
        print("| " + " | ".join(cells) + " |", flush=True)


def main() -> None:
    """Run the cases that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("shry", "bsym"):
        parser.add_argument(f"--{name}", help=f"Python that has {name}")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--limit", type=int, default=120, help="CPU seconds")
    parser.add_argument("--case", action="append", help="cube:dopants, as 2:C:2+N:1")
    options = parser.parse_args()
    programs = {"defectflow": (sys.executable, OURS), "SHRY": (options.shry, SHRY), "bsym": (options.bsym, BSYM)}
    there = {name: p for name, p in programs.items() if p[0]}
    print("| case | program | distinct | total | whole (s) | over defectflow | inner (s) | over defectflow | MB |")
    print("|---|---|---|---|---|---|---|---|---|")
    for case in options.case or CASES:
        report(case, alternate(there, case, options.rounds, options.limit))


if __name__ == "__main__":
    main()
