"""What a pair of energies costs, against a plain ASE + GPAW script at the same final settings.

    python benchmarks/cost_to_table.py pair [RECIPE] [--pair 4] [--rounds 1]     both ways, alternately, one core each
                                                       [--side-by-side]    the script's FM and AF at once, a core each
    python benchmarks/cost_to_table.py levers [RECIPE] [--pair 4]                levers of one static run, each alone
    python benchmarks/cost_to_table.py ranks [RECIPE] [--pair 4] [--rounds 3]    side by side, or two ranks each
    python benchmarks/cost_to_table.py plan RECIPE [--pair 4]                    levers of the plan of a relaxed pair
    python benchmarks/cost_to_table.py k [RECIPE]                                irreducible k-points of both ways
    python benchmarks/cost_to_table.py sum RUN [...]                             core-seconds of whole run folders

The plain script is what a user of ASE and GPAW would write: ``bulk("MgO").repeat(2)``, two O replaced by C where ASE
put them, every state from scratch at the final settings, GPAW's own eigensolver, mixer and convergence of the density,
the energy tolerance of the recipe. Where the recipe relaxes, the plain script relaxes with BFGS at the final mesh. Cost
is CPU time of the whole process, set-up included. The energies of both ways must agree: E_AF - E_FM to 2 meV, else the
ratio says nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from defectflow import load_recipe
from defectflow.engines import get_engine
from defectflow.inputs import plan_jobs, resolve
from defectflow.resources import resource
from defectflow.run import open_study
from defectflow.schema import CalcResult, Job, JobInputs, KMesh, Recipe
from defectflow.schema.jsonio import load_record, save_record
from defectflow.structures.build import pair_audit

PLAIN = """
import json, sys
import numpy as np
from ase.build import bulk
from ase.optimize import BFGS
from gpaw import GPAW, PW

o = json.loads(sys.argv[1])
atoms = bulk(o["host"], "rocksalt", a=o["a"], cubic=True).repeat(o["repeat"])
first = next(atom.index for atom in atoms if atom.symbol == "O")
offsets = atoms.get_distances(first, list(range(len(atoms))), vector=True) - np.array(o["vector"])
folded = offsets @ np.linalg.inv(atoms.cell.array)
second = int(np.argmin(np.abs(folded - np.round(folded)).sum(axis=1)))
atoms.symbols[[first, second]] = "C"
moments = np.zeros(len(atoms))
moments[[first, second]] = o["moments"]
atoms.set_initial_magnetic_moments(moments)
electrons = sum({"Mg": 2, "O": 6, "C": 4}[s] for s in atoms.symbols)
atoms.calc = GPAW(mode=PW(o["cutoff"]), xc="PBE", kpts=o["kpts"], occupations=o["occupations"], setups=o["setups"],
                  convergence={"energy": o["tolerance"] / electrons}, txt="plain.txt")
if o["count"]:
    print(len(atoms.calc.params.dft_component_builder(atoms, log=None).ibz.kpt_kc))
    sys.exit()
if o["relax"]:
    BFGS(atoms, logfile="bfgs.log").run(fmax=o["force"], steps=100)
energy = atoms.get_potential_energy()
ibz = atoms.calc.dft.ibzwfs.ibz
print(json.dumps({"e0": energy, "moment": float(atoms.calc.get_magnetic_moment()), "k": len(ibz.kpt_kc)}))
"""


HALVED = """
import json, sys
import numpy as np
import spglib
from ase import Atoms
from gpaw import GPAW, PW

o = json.loads(sys.argv[1])
kinds = sorted(set(o["species"]))
cell = (o["lattice"], o["coords"], [kinds.index(s) for s in o["species"]])
lattice, coords, numbers = spglib.standardize_cell(cell, to_primitive=True, no_idealize=True, symprec=1e-4)
symbols = [kinds[n] for n in numbers]
atoms = Atoms(symbols, cell=lattice, scaled_positions=coords, pbc=True)
atoms.set_initial_magnetic_moments([o["moment"] if s == "C" else 0.0 for s in symbols])
n = o["mesh"]
points = (np.indices((n, n, n)).reshape(3, -1).T - (n - 1) / 2) / n  # Monkhorst-Pack points of the large cell
shifts = np.indices((3, 3, 3)).reshape(3, -1).T - 1
large = np.linalg.inv(np.array(o["lattice"])).T
found = {}
for k in (points[:, None] + shifts[None]).reshape(-1, 3):
    small = k @ large @ np.array(lattice).T  # the same points and their images, in the zone of the small cell
    small -= np.round(small - 1e-6)
    found[tuple(np.round(small, 6))] = small
electrons = sum({"Mg": 2, "O": 6, "C": 4}[s] for s in symbols)
fours = [] if o["spacing"] is None else np.ceil(np.linalg.norm(lattice, axis=1) / o["spacing"] / 4).astype(int)
atoms.calc = GPAW(mode=PW(o["cutoff"]), xc="PBE", kpts=np.array(list(found.values())), occupations=o["occupations"],
                  setups=o["setups"], convergence={"energy": o["tolerance"] / electrons / 2}, txt="halved.txt",
                  gpts=[4 * int(n) for n in fours] or None,
                  mixer={"name": "pulay", "beta": 0.3, "nmaxold": 8, "weight": 20})
energy = atoms.get_potential_energy()
factor = len(o["species"]) / len(atoms)
moment = float(atoms.calc.get_magnetic_moment())
k = len(atoms.calc.dft.ibzwfs.ibz.kpt_kc)
print(json.dumps({"e0": energy * factor, "moment": moment * factor, "k": k, "atoms": len(atoms), "bz": len(found)}))
"""

FINE = 48  # FFT points along an edge of the supercell, on which cells of other shapes agree


@dataclass(frozen=True)
class Cost:
    """Of one state: E0 (eV), total moment (muB), irreducible k-points, core-seconds."""

    e0: float
    moment: float
    k: int
    seconds: float


def timed(command: list[str], folder: Path) -> tuple[str, float]:
    """Standard output of a process on one core, and its CPU time (s)."""
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    pipe = subprocess.PIPE  # held open: a worker ends when its standard input closes
    process = subprocess.Popen(command, cwd=folder, env=env, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
    assert process.stdout
    assert process.stderr
    out, wrong = process.stdout.read(), process.stderr.read()
    _, status, used = os.wait4(process.pid, 0)  # of this process and its own children, whatever runs beside it
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(command[:3])} failed:\n{wrong[-2000:]}")
    return out, used.ru_utime + used.ru_stime


def plain(recipe: Recipe, label: str, state: str, folder: Path) -> Cost:
    """The state by the plain script."""
    out, seconds = timed([sys.executable, "-c", PLAIN, json.dumps(plain_options(recipe, label, state))], folder)
    found = json.loads(out.splitlines()[-1])
    return Cost(found["e0"], found["moment"], found["k"], seconds)


def plain_options(recipe: Recipe, label: str, state: str, count: bool = False) -> dict[str, Any]:
    """What the plain script is told; with `count` it only counts its k-points."""
    from defectflow.engines.gpaw.parameters import kpts, occupations
    from defectflow.structures.host import host_structure

    orbit = next(o for o in pair_audit(recipe) if o.label == label)
    s = recipe.settings
    return {
        "count": count,
        "host": "MgO",
        "a": host_structure(recipe.host).lattice.a,
        "repeat": recipe.supercell.rows[0][0],
        "vector": list(orbit.vector),
        "moments": np.multiply((1, 1 if state == "FM" else -1), recipe.spin.pair_moments).tolist(),
        "cutoff": s.cutoff,
        "kpts": kpts(s.kpoints),
        "occupations": occupations(s.smearing),
        "setups": s.potentials.get("gpaw", {}),
        "tolerance": s.energy_tolerance,
        "force": s.force_tolerance,
        "relax": "relax" in recipe.stages,
    }


def ours(recipe: Recipe, label: str, state: str, folder: Path) -> Cost:
    """The state by the jobs of the package, one after the other."""
    jobs = [j for j in plan_jobs(one_pair(recipe, label)) if f"/{state}/" in j.path]
    total, result = 0.0, None
    for job in jobs:
        before = load_record(CalcResult, folder.parent / f"{job.after}.json") if job.after else None
        result, seconds = job_cost(resolve(job, before), folder / job.path)
        (folder.parent / job.path).parent.mkdir(parents=True, exist_ok=True)
        save_record(result, folder.parent / f"{job.path}.json")
        total += seconds
    assert result is not None
    return Cost(result.e0, result.total_moment, len(result.k_weights), total)


def one_pair(recipe: Recipe, label: str) -> Recipe:
    """The recipe with that pair alone and no bulk."""
    pairs = recipe.pairs.model_copy(update={"select": (int(label),)})
    return recipe.model_copy(update={"pairs": pairs, "bulk": None})


def job_cost(
    job: Job, folder: Path, preset: Callable[[dict[str, Any]], None] | None = None, ranks: int = 1
) -> tuple[CalcResult, float]:
    """Result and core-seconds of one job; `preset` may change the engine's numerics."""
    engine = get_engine("gpaw")
    folder.mkdir(parents=True, exist_ok=True)
    inputs = engine.make_inputs(job)
    for name, text in inputs.files:
        document = json.loads(text)
        if preset:
            preset(document["preset"])
        (folder / name).write_text(json.dumps(document, indent=1, sort_keys=True))
    _, seconds = timed(engine.command(folder, ranks), folder)
    written = JobInputs("gpaw", tuple((n, (folder / n).read_text()) for n, _ in inputs.files))
    return engine.read(folder, written), seconds


def run_pair(recipe: Recipe, label: str, rounds: int, side_by_side: bool) -> None:
    """Both ways alternately: state by state, or the script's two states at once and then the package's."""
    measure = _plain_at_once if side_by_side else _alternately
    ratios = []
    for n in range(rounds):
        print(f"round {n + 1}", flush=True)
        with tempfile.TemporaryDirectory() as name:
            found = measure(recipe, label, Path(name))
        ratios.append(_total(found, "plain") / _total(found, "defectflow"))
        plainly, here = (1000 * (found[w, "AF"].e0 - found[w, "FM"].e0) for w in WAYS)
        print(
            f"  E_AF - E_FM: plain {plainly:+.1f} meV, defectflow {here:+.1f} meV; ratio {ratios[-1]:.1f}", flush=True
        )
    spread = f"({min(ratios):.1f} to {max(ratios):.1f}), {rounds} rounds"
    print(f"pair {label}: plain / defectflow = {statistics.median(ratios):.1f} {spread}")


def _alternately(recipe: Recipe, label: str, scratch: Path) -> dict[tuple[str, str], Cost]:
    return {(way, state): _shown(recipe, label, way, state, scratch) for state in ("FM", "AF") for way in WAYS}


def _plain_at_once(recipe: Recipe, label: str, scratch: Path) -> dict[tuple[str, str], Cost]:
    """The script's states do not need each other; the package's AF begins where its FM came to rest."""
    found = {}
    for way, cores in (("plain", 2), ("defectflow", 1)):
        with ThreadPoolExecutor(cores) as pool:
            costs = pool.map(lambda state, way=way: _shown(recipe, label, way, state, scratch), ("FM", "AF"))
            found.update({(way, state): cost for state, cost in zip(("FM", "AF"), costs, strict=True)})
    return found


def _shown(recipe: Recipe, label: str, way: str, state: str, scratch: Path) -> Cost:
    folder = scratch / f"{way}-{state}"
    folder.mkdir()
    c = WAYS[way](recipe, label, state, folder)
    row = f"{c.seconds:6.0f} core-s, {c.k} k, E0 = {c.e0:.4f} eV, M = {c.moment:.2f} muB"
    print(f"  {way:10s} {state}: {row}", flush=True)
    return c


def _total(found: dict[tuple[str, str], Cost], way: str) -> float:
    return sum(cost.seconds for (w, _), cost in found.items() if w == way)


WAYS = {"plain": plain, "defectflow": ours}


def run_levers(recipe: Recipe, label: str) -> None:
    """Static runs of the FM and AF state with one lever taken away from the package's way."""
    alone = one_pair(recipe, label).model_copy(update={"stages": ("static",)})
    jobs = {s: next(j for j in plan_jobs(alone) if f"/{s}/" in j.path) for s in ("FM", "AF")}
    levers: dict[str, tuple[Callable[[Job], Job], Callable[[dict[str, Any]], None] | None]] = {
        "as it is": (lambda job: job, None),
        "origin on a cation, as in the conventional cell": (_on_cation, None),
        "no symmetry at all": (_without_symmetry, None),
        "GPAW's own eigensolver": (lambda job: job, lambda p: p["parameters"].pop("eigensolver")),
        "GPAW's own mixer": (lambda job: job, lambda p: p["parameters"].pop("mixer")),
        f"FFT grid of {FINE} points along an edge": (lambda job: job, _on_fine_grid),
    }
    for name, (change, preset) in levers.items():
        for state, job in jobs.items():
            with tempfile.TemporaryDirectory() as folder:
                result, seconds = job_cost(change(job), Path(folder) / "job", preset)
                steps, k = result.convergence.scf_steps, len(result.k_weights)
                print(
                    f"{name:48s} {state}: {seconds:5.0f} core-s, {steps} SCF steps x {k} k, E0 = {result.e0:.4f} eV",
                    flush=True,
                )

    _print_halved(jobs["FM"], None)
    _print_halved(jobs["FM"], 1.001 * float(np.linalg.norm(jobs["FM"].cell.lattice[0])) / FINE)


def run_ranks(recipe: Recipe, label: str, rounds: int) -> None:
    """Wall time of the static runs of FM and AF on two cores: side by side, or one after the other on two ranks."""
    alone = one_pair(recipe, label).model_copy(update={"stages": ("static",)})
    jobs = plan_jobs(alone)
    ratios = []
    for _ in range(rounds):
        side, after = (_wall(jobs, ranks) for ranks in (1, 2))
        ratios.append(after / side)
        print(f"  side by side {side:5.0f} s, one after the other on two ranks {after:5.0f} s", flush=True)
    spread = f"({min(ratios):.2f} to {max(ratios):.2f}), {rounds} rounds"
    print(f"pair {label}: two ranks / side by side = {statistics.median(ratios):.2f} {spread}")


def _wall(jobs: tuple[Job, ...], ranks: int) -> float:
    """Seconds until all are done, 2 / ranks of them at a time."""
    with tempfile.TemporaryDirectory() as scratch, ThreadPoolExecutor(2 // ranks) as pool:
        start = time.perf_counter()
        list(pool.map(lambda job: job_cost(job, Path(scratch) / job.path, ranks=ranks), jobs))
        return time.perf_counter() - start


def run_plan(recipe: Recipe, label: str) -> None:
    """The plan of a relaxed pair, then with one lever taken away: the state that the lever is about."""
    fine = recipe.relax.model_copy(update={"kpoints": None})
    ideal = recipe.relax.model_copy(update={"begin": "ideal sites"})
    plans = [
        ("as it is", recipe.relax, ("FM", "AF")),
        ("AF relaxed from the ideal sites", ideal, ("AF",)),
        ("relaxed on the fine mesh", fine, ("FM",)),
    ]
    for name, relax, states in plans:
        with tempfile.TemporaryDirectory() as scratch:
            for state in states:
                folder = Path(scratch) / state
                folder.mkdir()
                cost = ours(recipe.model_copy(update={"relax": relax}), label, state, folder)
                print(f"{name:48s} {state}: {cost.seconds:5.0f} core-s, E0 = {cost.e0:.4f} eV", flush=True)


def run_counts(recipe: Recipe) -> None:
    """Irreducible k-points of the energies, by the plain script and by the package, of every pair."""
    for orbit in pair_audit(recipe):
        for state in ("FM", "AF"):
            with tempfile.TemporaryDirectory() as name:
                options = json.dumps(plain_options(recipe, orbit.label, state, count=True))
                plainly = int(timed([sys.executable, "-c", PLAIN, options], Path(name))[0])
            jobs = plan_jobs(one_pair(recipe, orbit.label))
            here = _irreducible(next(j for j in jobs if j.path.endswith(f"/{state}/static")))
            print(f"pair {orbit.label} {state}: plain {plainly}, defectflow {here}", flush=True)


def _irreducible(job: Job) -> int:
    from gpaw import GPAW

    from defectflow.engines.gpaw.parameters import gpaw_parameters
    from defectflow.engines.presets import load_preset

    preset = load_preset("gpaw", job.settings.profile)
    atoms = job.cell.to_ase()
    calc = GPAW(**gpaw_parameters(job, preset, 8.0 * len(atoms)), txt=None)
    return len(calc.params.dft_component_builder(atoms, log=None).ibz.kpt_kc)


def _print_halved(job: Job, spacing: float | None) -> None:
    """FM in the smaller cell that its translations allow, at the same k-points; `spacing` (A) of its FFT grid."""
    from defectflow.engines.gpaw.parameters import occupations

    s = job.settings
    options = {
        "species": job.cell.species,
        "lattice": job.cell.lattice.tolist(),
        "coords": job.cell.coords.tolist(),
        "moment": float(job.cell.moments.max()),
        "mesh": s.kpoints.mesh[0],
        "cutoff": s.cutoff,
        "occupations": occupations(s.smearing),
        "setups": s.potentials.get("gpaw", {}),
        "tolerance": s.energy_tolerance,
        "spacing": spacing,
    }
    with tempfile.TemporaryDirectory() as folder:
        out, seconds = timed([sys.executable, "-c", HALVED, json.dumps(options)], Path(folder))
    f = json.loads(out.splitlines()[-1])
    grid = "GPAW's own grid" if spacing is None else f"grid of {spacing:.3f} A"
    row = f"{grid}, {seconds:5.0f} core-s, {f['atoms']} atoms, {f['bz']} points, {f['k']} k, E0 = {f['e0']:.4f} eV"
    print(f"{'FM in the smallest cell of its translations':48s} FM: {row}")


def _on_cation(job: Job) -> Job:
    cation = next(i for i, s in enumerate(job.cell.species) if s not in ("O", "C"))
    return replace(job, cell=job.cell.with_coords(job.cell.coords - job.cell.coords[cation]))


def _on_fine_grid(preset: dict[str, Any]) -> None:
    preset["parameters"]["gpts"] = [FINE] * 3


def _without_symmetry(job: Job) -> Job:
    return replace(job, settings=job.settings.model_copy(update={"symmetry": False}))


def run_sum(folders: list[Path]) -> None:
    """Core-seconds and SCF steps x k-points of every finished job, by stage."""
    for folder in folders:
        study = open_study(folder)
        total: dict[str, list[float]] = {}
        for job in study.jobs:
            try:
                r = study.result(job.path)
            except Exception as error:  # noqa: BLE001  (a table of costs shows what there is)
                print(f"  {job.path}: no result ({error})")
                continue
            work = r.convergence.scf_steps * len(r.k_weights)
            entry = total.setdefault(job.stage, [0.0, 0.0, 0.0])
            for n, value in enumerate((1, r.core_seconds, work)):
                entry[n] += value
        for stage, (jobs, seconds, work) in total.items():
            row = f"{jobs:3.0f} jobs {seconds:8.0f} core-s {work:8.0f} SCF steps x k-points"
            print(f"{study.recipe.name} {stage:7s} {row}")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("pair", "levers", "ranks", "plan", "k", "sum"))
    parser.add_argument("paths", nargs="*", type=Path)
    parser.add_argument("--pair", default="4")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--side-by-side", action="store_true", help="of pair: the script's FM and AF at once")
    parser.add_argument("--mesh", type=int, help="shifted mesh of the energies in place of the recipe's")
    options = parser.parse_args()
    if options.what == "sum":
        run_sum(options.paths)
        return
    recipe = load_recipe(*options.paths[:1] or [resource("workflows", "quick.toml")])
    if options.mesh:
        mesh = KMesh(mesh=(options.mesh,) * 3, centring="shifted")
        recipe = recipe.model_copy(update={"settings": recipe.settings.model_copy(update={"kpoints": mesh})})
    modes: dict[str, Callable[[], None]] = {
        "pair": lambda: run_pair(recipe, options.pair, options.rounds, options.side_by_side),
        "levers": lambda: run_levers(recipe, options.pair),
        "ranks": lambda: run_ranks(recipe, options.pair, options.rounds),
        "plan": lambda: run_plan(recipe, options.pair),
        "k": lambda: run_counts(recipe),
    }
    modes[options.what]()


if __name__ == "__main__":
    main()
