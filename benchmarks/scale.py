"""How a study of many calculations weighs on its driver, and what the driver costs per calculation.

    python benchmarks/scale.py many [-n 10000]      memory of the driver, time of status, files per calculation
    python benchmarks/scale.py overhead [-n 40]     wall time per calculation, against plain Parsl and FireWorks

``many`` runs the driver proper on copies of one calculation of the shipped study. The replay engine serves each of
them in the driver's own process (starting ten thousand Python processes would measure Python), with all its files.

``overhead`` needs a SLURM with a partition "debug", and Parsl. The same command (one process of the replay engine in
one prepared folder) goes through defectflow, through Parsl alone and through FireWorks' rapidfire, one at a time, in
turn. FireWorks runs where ``--fireworks PYTHON`` names an interpreter that has it, with mongomock in memory in place
of a MongoDB server, which spares it the network. jobflow-remote needs a MongoDB server and a runner; there was none to
measure it with.
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
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from defectflow.engines import get_engine
from defectflow.engines.replay import worker
from defectflow.executors import Ended, Fence, Task, TaskExecutor, read_track
from defectflow.resources import resource as shipped
from defectflow.run import RunOptions, Study, run_study
from defectflow.run.options import Snapshot, options_at
from defectflow.schema import Job
from defectflow.schema.site import Site, load_site

QUICK = shipped("workflows", "quick.toml")
SITE = """
scheduler = "slurm"
partition = "debug"
walltime = "01:00:00"
[jobs]
at_once = 1
"""


class Many(Study):
    """A study whose jobs are copies of one static calculation, each in a folder of its own."""

    number = 10_000

    @cached_property
    def jobs(self) -> tuple[Job, ...]:
        """The copies."""
        one = next(job for job in Study(self.folder, self.recipe).jobs if job.path.endswith("FM/static"))
        return tuple(replace(one, path=f"pairs/copy_{n:05d}/FM/static") for n in range(self.number))


class InProcess(TaskExecutor):
    """Serves each calculation at once, in this process."""

    slots = 16

    def take_charge(self, fence: Fence, folders: Sequence[Path]) -> None:
        """Nothing is left."""

    def adopt(self, folder: Path) -> Future[Ended] | None:
        """There is none."""
        return None

    def leave(self) -> None:
        """Nothing runs."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run the replay engine's worker as a function."""
        task: Task = args[0]
        started = time.monotonic()
        worker.main(task.folder)
        done: Future[Any] = Future()
        done.set_result(Ended(0, time.monotonic() - started))
        return done


def many(number: int) -> None:
    """Print the driver's memory as jobs get done, the time of ``status`` and the files left."""
    Many.number = number
    worker.die_with_parent = lambda: None  # here it runs in this process
    with tempfile.TemporaryDirectory() as place:
        study = Many.create(Path(place) / "run", QUICK, "replay")
        memory: dict[int, float] = {}
        started = time.monotonic()
        run_study(
            study, get_engine("replay"), InProcess(), RunOptions(poll=1.0, watch=lambda s: _weigh(s, memory, number))
        )
        seconds = time.monotonic() - started
        print(
            f"{number} calculations in {seconds:.0f} s, {1000 * seconds / number:.1f} ms each (driver, engine, files)"
        )
        for done, mib in memory.items():
            print(f"  {done:6d} done: driver {mib:.0f} MiB")
        files = [p for p in study.folder.rglob("*") if p.is_file()]
        print(f"files: {len(files)}, {len(files) / number:.2f} per calculation")
        print(f"status: {_status(study.folder)}")


def _weigh(snapshot: Snapshot, memory: dict[int, float], number: int) -> None:
    done = sum(state == "done" for state in snapshot.states.values())
    if done >= len(memory) * number // 10:
        memory[done] = int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 2**20
        print(f"  {done} done", file=sys.stderr)


def _status(folder: Path) -> str:
    times = []
    for _ in range(5):
        started = time.monotonic()
        subprocess.run(
            [sys.executable, "-m", "defectflow.cli.main", "status", str(folder)], check=True, capture_output=True
        )
        times.append(time.monotonic() - started)
    return f"median {statistics.median(times):.2f} s, from {min(times):.2f} to {max(times):.2f} s (5 runs)"


def overhead(number: int, rounds: int, fireworks: str | None) -> None:
    """Print wall time per calculation through each, in turn."""
    ways: dict[str, Callable[[Path, int], float]] = {"defectflow": _through_defectflow, "Parsl": _through_parsl}
    if fireworks:
        ways["FireWorks"] = lambda place, n: _through_fireworks(place, n, fireworks)
    ways["bare"] = _bare
    times: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(rounds):
        for name, way in ways.items():
            with tempfile.TemporaryDirectory() as place:
                times[name].append(way(Path(place), number) / number)
            print(f"  round {turn + 1}, {name}: {times[name][-1]:.3f} s per calculation", file=sys.stderr)
    for name, found in times.items():
        ratios = [a / b for a, b in zip(times["defectflow"], found, strict=True)]
        spread = f"{statistics.median(ratios):.2f} (from {min(ratios):.2f} to {max(ratios):.2f})"
        print(f"{name:10s} {statistics.median(found):.3f} s per calculation; defectflow / {name}: {spread}")


def _prepared(place: Path, number: int) -> list[tuple[list[str], Path]]:
    engine = get_engine("replay")
    Many.number = number
    found = []
    for job in Many(place / "run", Study.load(QUICK)).jobs:
        folder = place / job.path
        folder.mkdir(parents=True)
        for name, text in engine.make_inputs(job).files:
            (folder / name).write_text(text)
        found.append((engine.command(folder, 1), folder))
    return found


def _call(command: list[str], folder: str) -> int:
    import subprocess

    with subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        return process.wait()


def _bare(place: Path, number: int) -> float:
    tasks = _prepared(place, number)
    started = time.monotonic()
    for command, folder in tasks:
        assert _call(command, str(folder)) == 0
    return time.monotonic() - started


def _through_defectflow(place: Path, number: int) -> float:
    from defectflow.executors.parsl import ParslExecutor
    from defectflow.run.cluster import cluster_tag

    Many.number = number
    (place / "site.toml").write_text(SITE)
    site: Site = load_site(str(place / "site.toml"))
    study = Many.create(place / "run", QUICK, "replay")
    options = options_at(site, "replay", RunOptions(poll=0.2))
    with ParslExecutor(site, study.folder, cluster_tag(study.folder)) as executor:
        run_study(study, get_engine("replay"), executor, options)
        ended = time.time()
    # From the start of the first calculation: the wait in the queue is the same for all and is not counted.
    return ended - min(track.started for job in study.jobs if (track := read_track(study.job_folder(job.path))))


def _through_parsl(place: Path, number: int) -> float:
    from parsl.concurrent import ParslPoolExecutor
    from parsl.config import Config
    from parsl.executors import HighThroughputExecutor
    from parsl.launchers import SimpleLauncher
    from parsl.providers import SlurmProvider

    tasks = _prepared(place, number)
    provider = SlurmProvider(
        partition="debug", walltime="01:00:00", max_blocks=1, init_blocks=1, exclusive=False, launcher=SimpleLauncher()
    )
    os.environ["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    workers = HighThroughputExecutor(provider=provider, max_workers_per_node=1, cores_per_worker=0.001)
    with ParslPoolExecutor(Config(executors=[workers], run_dir=str(place / "parsl"), initialize_logging=False)) as pool:
        assert pool.submit(_call, ["true"], str(place)).result() == 0
        started = time.monotonic()
        futures = [pool.submit(_call, command, str(folder)) for command, folder in tasks]
        assert all(future.result() == 0 for future in futures)
        return time.monotonic() - started


_FIREWORKS = """
import json, sys, time
import mongomock
import mongomock.gridfs
mongomock.gridfs.enable_gridfs_integration()
import fireworks.core.launchpad as launchpad
launchpad.MongoClient = mongomock.MongoClient
from fireworks import Firework, LaunchPad, ScriptTask
from fireworks.core.rocket_launcher import rapidfire
tasks = json.load(open(sys.argv[1]))
pad = LaunchPad(strm_lvl="ERROR")
pad.reset("", require_password=False)
for command, folder in tasks:
    # The worker ends when its input closes: a sleeping process holds it open.
    work = f"sleep 99 > open & {' '.join(command)} < open; s=$?; kill $!; exit $s"
    line = f"cd {folder} && mkfifo open && {{ {work}; }}"
    options = {"stdout_file": "out", "stderr_file": "err", "fizzle_bad_rc": True}
    pad.add_wf(Firework([ScriptTask.from_str(line, options)]))
started = time.monotonic()
rapidfire(pad, strm_lvl="ERROR")
seconds = time.monotonic() - started
done = pad.fireworks.count_documents({"state": "COMPLETED"})
assert done == len(tasks), done
print(seconds)
"""


def _through_fireworks(place: Path, number: int, python: str) -> float:
    tasks = [(command, str(folder)) for command, folder in _prepared(place, number)]
    (place / "tasks.json").write_text(json.dumps(tasks))
    (place / "fw.py").write_text(_FIREWORKS)
    done = subprocess.run(
        [python, "fw.py", "tasks.json"], cwd=place, check=False, capture_output=True, text=True, timeout=600
    )
    if done.returncode != 0:
        raise SystemExit(f"FireWorks failed:\n{done.stderr[-2000:]}")
    return float(done.stdout.split()[-1])


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("many", "overhead"))
    parser.add_argument("-n", "--number", type=int)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--fireworks", metavar="PYTHON")
    options = parser.parse_args()
    if options.what == "many":
        many(options.number or 10_000)
    else:
        overhead(options.number or 40, options.rounds, options.fireworks)


if __name__ == "__main__":
    main()
