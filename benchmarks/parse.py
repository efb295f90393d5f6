"""Speed of reading and writing VASP's files against what a user would pick instead.

    python benchmarks/parse.py FOLDER [--rounds 7] [--only xml]

FOLDER holds real VASP files (gzip'd), as shared/vasp-outputs beside a checkout does. Every reader runs in fresh
processes, the readers of a case in turn; figures are CPU seconds (user and system, start of Python and imports
included) and peak memory, ratios are taken within a round, and given as median (smallest to largest).
Needs pymatgen; vasprunrs where it is installed (pip install vasprunrs). BLAS runs on one thread for all.
"""

from __future__ import annotations

import argparse
import gzip
import importlib.util
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

READ = "import sys\nopen(sys.argv[1], 'rb').read()"
GUNZIP = '!gunzip -c "$0" > /dev/null'
OURS = """import sys
from defectflow.formats.vasprun import read_vasprun
v = read_vasprun(sys.argv[1])
v.steps[-1].e0, v.fermi, v.total_moment, v.dos, v.steps[-1].coords, v.steps[-1].scf"""
PYMATGEN = """import sys, warnings
warnings.simplefilter('ignore')
from pymatgen.io.vasp import Vasprun
v = Vasprun(sys.argv[1], parse_potcar_file=False)
v.final_energy, v.efermi, v.eigenvalues, v.complete_dos, v.final_structure, v.converged"""
RUST = """import sys, vasprunrs
v = vasprunrs.Vasprun(sys.argv[1])
v.ionic_steps, v.efermi, v.eigenvalues, v.dos, v.final_structure, v.converged"""
MOMENTS = "import sys\nfrom defectflow.formats.site_moments import read_site_moments\nread_site_moments(sys.argv[1])"
PYMATGEN_MOMENTS = "import sys\nfrom pymatgen.io.vasp import Outcar\nOutcar(sys.argv[1]).magnetization"
PLANAR = "import sys\nfrom defectflow.formats.locpot import read_planar_averages\nread_planar_averages(sys.argv[1])"
PYMATGEN_PLANAR = """import sys, warnings
warnings.simplefilter('ignore')
from pymatgen.io.vasp import Locpot
l = Locpot.from_file(sys.argv[1])
[l.get_average_along_axis(i) for i in range(3)]"""
CELLS = """import sys, pathlib
from defectflow.schema import load_recipe
from defectflow.resources import resource
from defectflow.inputs import plan_jobs
jobs = plan_jobs(load_recipe(resource('workflows', 'mgo_carbon_pairs.toml')))[2:12]
place = pathlib.Path(sys.argv[1])
folders = [place / str(i) for i in range(N)]
"""
WRITE_OURS = (
    CELLS
    + """from defectflow.engines import get_engine
engine = get_engine('vasp')
for i, folder in enumerate(folders):
    folder.mkdir(parents=True)
    for name, text in engine.make_inputs(jobs[i % 10]).files:
        (folder / name).write_text(text)"""
)
WRITE_PLAIN = (
    CELLS
    + """from defectflow.engines import get_engine
engine = get_engine('vasp')
texts = [engine.make_inputs(job).files for job in jobs]
for i, folder in enumerate(folders):
    folder.mkdir(parents=True)
    for name, text in texts[i % 10]:
        (folder / name).write_text(text)"""
)
WRITE_PYMATGEN = (
    CELLS
    + """from pymatgen.io.vasp import Incar, Kpoints, Poscar
structures = [job.cell.to_pymatgen() for job in jobs]
for i, folder in enumerate(folders):
    folder.mkdir(parents=True)
    Incar({'ENCUT': 500, 'MAGMOM': list(jobs[i % 10].cell.moments), 'ISPIN': 2}).write_file(folder / 'INCAR')
    Kpoints.monkhorst_automatic((6, 6, 6)).write_file(folder / 'KPOINTS')
    Poscar(structures[i % 10]).write_file(folder / 'POSCAR')"""
)
WRITE_ASE = (
    CELLS
    + """from ase.io import write
atoms = [job.cell.to_ase() for job in jobs]
for i, folder in enumerate(folders):
    folder.mkdir(parents=True)
    write(folder / 'POSCAR', atoms[i % 10], format='vasp', direct=True)
    (folder / 'INCAR').write_text('ENCUT = 500')
    (folder / 'KPOINTS').write_text('k')"""
)
XML = (
    "complete_run/K4Sn4O6", "fm_afm/MgMn2O4_static_1_fm", "big/YTOS198_F_O_1", "big/EuBaBrF108",
)  # fmt: skip


@dataclass(frozen=True)
class Cost:
    """CPU seconds and peak memory (MB) of one process."""

    seconds: float
    megabytes: float


def run(code: str, argument: str) -> Cost:
    """Run a snippet of Python, or behind "!" of the shell, in a fresh process."""
    env = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    command = ["sh", "-c", code[1:], argument] if code.startswith("!") else [sys.executable, "-c", code, argument]
    process = subprocess.Popen(command, env=env)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"failed: {code}")
    return Cost(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def alternate(snippets: dict[str, str], argument: str, rounds: int, clean: bool = False) -> dict[str, list[Cost]]:
    """Costs of every snippet, in turn; one round is not counted."""
    found: dict[str, list[Cost]] = {name: [] for name in snippets}
    for number in range(rounds + 1):
        for name, code in snippets.items():
            cost = run(code, argument)
            if clean:
                shutil.rmtree(argument)
            if number:
                found[name].append(cost)
    return found


def report(title: str, found: dict[str, list[Cost]], reference: str) -> None:
    """One row for each reader: CPU, memory, and its CPU over that of the reference."""
    print(f"\n{title}\n\n| | CPU (ms) | over {reference} | memory (MB) |\n|---|---|---|---|")
    for name, costs in found.items():
        ratios = [c.seconds / r.seconds for c, r in zip(costs, found[reference], strict=True)]
        spread = f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
        cpu, memory = (statistics.median(getattr(c, what) for c in costs) for what in ("seconds", "megabytes"))
        print(f"| {name} | {1000 * cpu:.0f} | {spread} | {memory:.0f} |", flush=True)


def unpacked(path: Path, place: Path) -> Path:
    """The file without its packing."""
    target = place / path.parent.name / path.name.removesuffix(".gz")
    target.parent.mkdir(exist_ok=True)
    with gzip.open(path) as source, target.open("wb") as plain:
        shutil.copyfileobj(source, plain, 1 << 16)  # this process stays small: its children inherit its peak
    return target


def xml(folder: Path, place: Path, rounds: int) -> None:
    """vasprun.xml: energy, E_F, moment, DOS with projections, positions, convergence."""
    peers = {"reading the bytes": READ, "defectflow": OURS, "pymatgen": PYMATGEN}
    if importlib.util.find_spec("vasprunrs"):
        peers["vasprunrs"] = RUST
    for name in XML:
        path = unpacked(folder / name / "vasprun.xml.gz", place)
        size = f"{path.stat().st_size / 1e6:.1f} MB"
        report(f"vasprun.xml, {name}, {size}", alternate(peers, str(path), rounds), "defectflow")


def packed(folder: Path, place: Path, rounds: int) -> None:
    """The same, packed by gzip."""
    path = folder / "big/EuBaBrF108/vasprun.xml.gz"
    peers = {"gunzip": GUNZIP, "defectflow": OURS}
    report("vasprun.xml.gz, big/EuBaBrF108", alternate(peers, str(path), rounds), "gunzip")


def moments(folder: Path, place: Path, rounds: int) -> None:
    """Site moments of an OUTCAR."""
    path = unpacked(folder / "spin/ZnS63_vZn_minus1/OUTCAR.gz", place)
    peers = {"reading the bytes": READ, "defectflow": MOMENTS, "pymatgen": PYMATGEN_MOMENTS}
    report(
        f"site moments of an OUTCAR of {path.stat().st_size / 1e6:.1f} MB",
        alternate(peers, str(path), rounds),
        "reading the bytes",
    )


def planar(folder: Path, place: Path, rounds: int) -> None:
    """Planar averages of a LOCPOT along three axes."""
    path = unpacked(folder / "locpot/ZnO_ZnS_interface/LOCPOT.gz", place)
    found = alternate({"pymatgen": PYMATGEN_PLANAR, "defectflow": PLANAR}, str(path), rounds)
    report(f"planar averages of a LOCPOT of {path.stat().st_size / 1e6:.1f} MB", found, "pymatgen")


def inputs(folder: Path, place: Path, rounds: int) -> None:
    """A thousand input folders; starting and building the ten cells is the same in all and taken off."""
    snippets = {
        "plain text": WRITE_PLAIN,
        "defectflow": WRITE_OURS,
        "ASE (POSCAR)": WRITE_ASE,
        "pymatgen": WRITE_PYMATGEN,
    }
    target = str(place / "written")
    thousand = alternate({k: v.replace("N)", "1000)") for k, v in snippets.items()}, target, rounds, clean=True)
    ten = alternate({k: v.replace("N)", "10)") for k, v in snippets.items()}, target, rounds, clean=True)
    start = {name: statistics.median(c.seconds for c in costs) for name, costs in ten.items()}
    net = {n: [Cost(c.seconds - start[n], c.megabytes) for c in costs] for n, costs in thousand.items()}
    report("990 further input folders (of 1,000)", net, "plain text")


CASES = {"xml": xml, "packed": packed, "moments": moments, "planar": planar, "inputs": inputs}


def main() -> None:
    """Run the cases that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", choices=CASES, action="append")
    options = parser.parse_args()
    for name in options.only or CASES:
        with tempfile.TemporaryDirectory() as place:
            CASES[name](options.folder, Path(place), options.rounds)


if __name__ == "__main__":
    main()
