"""A real SLURM on loopback: two virtual nodes, partitions debug (4 h) and short (1 min)."""

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).resolve().parents[2]
START = ROOT.parent / "shared" / "slurm" / "start-slurm.sh"
QUICK = ROOT / "workflows" / "quick.toml"
SITE = """
scheduler = "slurm"
partition = "{partition}"
walltime = "{walltime}"
margin = "{margin}"
[jobs]
at_once = 2
calculations = 2
"""


def _squeue(*words):
    return subprocess.run(["squeue", "-h", *words], capture_output=True, text=True, check=True, timeout=60).stdout


def _start():
    if (
        shutil.which("sinfo")
        and subprocess.run(["sinfo"], capture_output=True, check=False, timeout=60).returncode == 0
    ):
        return
    if os.geteuid() != 0 or not Path("/etc/debian_version").is_file():
        pytest.skip("starting a SLURM needs root on Debian")
    if not START.is_file():
        pytest.skip("no SLURM runs here, and the script that starts one (shared/slurm) is not beside the checkout")
    env = {**os.environ, "SLURM_TEST_CPUS": "16"}  # room for the studies of two test processes
    started = subprocess.run(["bash", str(START)], capture_output=True, text=True, check=False, timeout=600, env=env)
    if started.returncode != 0:
        pytest.skip(f"SLURM did not start: {started.stderr[-500:]}")


@pytest.fixture(scope="session")
def slurm():
    """Start it if none runs; skip, with the reason, where that is not possible."""
    pytest.importorskip("parsl")
    with Path(tempfile.gettempdir(), "defectflow-slurm-start.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # of two test processes the second finds it running
        _start()
    partitions = subprocess.run(["sinfo", "-h", "-o", "%R"], capture_output=True, text=True, check=True).stdout.split()
    if not {"debug", "short"} <= set(partitions):
        pytest.skip(f"this SLURM has the partitions {partitions}, not debug and short")
    return SimpleNamespace(squeue=_squeue)


@pytest.fixture(scope="session")
def write_site():
    def write(folder, partition="debug", walltime="00:10:00", margin="00:00:30", more="", text=SITE):
        path = folder / "site.toml"
        path.write_text(text.format(partition=partition, walltime=walltime, margin=margin) + more)
        return path

    return write


def wait_for(condition, seconds=60.0):
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "timed out"
        time.sleep(0.1)
    return found


class Run:
    """A five-pair study of stored results (the replay engine) on a site, and its driver as a process."""

    def __init__(self, folder, site, step="0.2", **environment):
        self.folder, self.site, self.counter = folder / "run", site, folder / "count"
        self.environment = {
            **os.environ,
            "DEFECTFLOW_HEARTBEAT": "2",
            "DEFECTFLOW_REPLAY_STEP": step,
            "DEFECTFLOW_REPLAY_COUNT": str(self.counter),
            **environment,
        }

    def start(self, *words):
        command = [sys.executable, "-m", "defectflow.cli.main"]
        words = words or ("run", QUICK, "--engine", "replay", "--site", self.site, "-o", self.folder, "--no-figures")
        return subprocess.Popen(
            [*command, *map(str, words)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=self.environment,
            start_new_session=True,
        )

    def finish(self, *words, status=0):
        driver = self.start(*words)
        text, _ = driver.communicate(timeout=400)
        assert driver.returncode == status, text
        return text

    def submit(self):
        return self.finish("submit", QUICK, "--engine", "replay", "--site", self.site, "-o", self.folder)

    def until_done(self):
        """Wait until every job is done and nobody drives the study."""
        from defectflow.run.index import read_index

        def done():
            states = {row["state"] for row in read_index(self.folder).values()}
            return states == {"done"} and not (self.folder / "driver.json").exists()

        wait_for(done, 300)

    def study(self):
        from defectflow.run import open_study

        return open_study(self.folder)

    def running(self):
        """Folders of calculations that run now, with what they say of themselves."""
        from defectflow.executors import read_track

        tracks = {path.parent: read_track(path.parent) for path in self.folder.rglob("task.json")}
        return {folder: t for folder, t in tracks.items() if t and t.running}

    def ended(self):
        """How often each calculation came to its end."""
        lines = self.counter.read_text().split() if self.counter.exists() else []
        return {line.removeprefix(f"{self.folder}/"): lines.count(line) for line in lines}

    def until(self, number):
        """Wait until so many calculations run."""
        return wait_for(lambda: len(found := self.running()) >= number and found)

    def lost(self):
        return [words for job in self.study().jobs for words in self.study().state(job.path).lost]


@pytest.fixture
def run(slurm, tmp_path, write_site):
    made = Run(tmp_path, write_site(tmp_path))
    yield made
    if made.folder.is_dir():
        subprocess.run([sys.executable, "-m", "defectflow.cli.main", "cancel", str(made.folder)], check=False)
