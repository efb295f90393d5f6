"""What is sent to Parsl and to the scheduler, without either; the real ones are in tests/slurm."""

import re
import sys
import tomllib
from pathlib import Path

import pytest

from defectflow.run.cluster import PARSL
from defectflow.schedulers import SchedulerJob
from defectflow.schema.site import load_site

ROOT = Path(__file__).resolve().parents[3]
pytest.importorskip("parsl")


class Queue:
    """A scheduler that keeps scripts and says what it is told to."""

    name = "slurm"

    def __init__(self, words="COMPLETED"):
        self.words, self.cancelled = words, []

    def submit(self, script):
        self.script = script.read_text()
        return "7"

    def look(self, ids):
        return {i: SchedulerJob(i, "ended", self.words) for i in ids}

    def cancel(self, ids):
        self.cancelled += ids


@pytest.fixture
def provider(tmp_path):
    from defectflow.executors.provider import SiteProvider

    return SiteProvider(load_site("slurm"), Queue(), tmp_path, "defectflow-tag")


def test_a_block_is_one_job_of_the_site_and_no_launcher_stands_before_the_workers(provider):
    """Parsl's SrunLauncher hangs a calculation that starts MPI."""
    assert provider.submit("python -m workers", 1, "parsl.defectflow.block-3") == "7"
    assert provider.scheduler.script.endswith("\npython -m workers\n")
    assert "srun" not in provider.scheduler.script
    assert "#SBATCH --comment=defectflow-tag\n" in provider.scheduler.script
    assert "#SBATCH --ntasks=16\n" in provider.scheduler.script


@pytest.mark.parametrize(
    ("words", "state"),
    [
        ("TIMEOUT, reason TimeLimit, exit code 0:15", "TIMEOUT"),
        ("CANCELLED by 0, exit code 0:0", "CANCELLED"),
        ("PREEMPTED", "TIMEOUT"),
        ("NODE_FAIL", "FAILED"),
        ("OUT_OF_MEMORY, exit code 0:125", "FAILED"),
        ("no longer known to the scheduler", "FAILED"),
    ],
)
def test_the_schedulers_words_become_parsls_states(provider, words, state):
    provider.scheduler.words = words
    (status,) = provider.status(["7"])
    assert status.state.name == state
    assert words in status.message


def test_a_driver_that_leaves_cancels_no_running_job(provider):
    provider.leaving = True
    assert provider.cancel(["7"]) == [True]
    assert provider.scheduler.cancelled == []


def test_workers_do_not_drain_before_they_have_started():
    """27 empty jobs were seen where drain_period was shorter than their start-up."""
    from defectflow.executors.provider import WORKER_START, drain_period

    short = load_site("slurm").model_copy(update={"walltime": "00:01:00", "margin": "00:00:30"})
    assert drain_period(short) >= WORKER_START
    assert drain_period(load_site("slurm")) == 24 * 3600 - 600


def test_the_workers_are_watched_and_started_by_this_python(tmp_path):
    """Parsl starts process_worker_pool.py by its bare name."""
    from defectflow.executors.provider import pool_command

    text = pool_command(tmp_path, "token", 600.0)
    assert text.startswith(
        f"{sys.executable} -m defectflow.executors.pool {tmp_path} token 600 {sys.executable} -m parsl."
    )


def test_one_release_of_parsl_is_pinned_and_only_the_executor_knows_it():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert extras["hpc"] == [f"parsl=={PARSL}"]
    users = {p.name for p in (ROOT / "defectflow").rglob("*.py") if re.search(r"(from|import) parsl", p.read_text())}
    assert users == {"parsl.py", "provider.py"}
