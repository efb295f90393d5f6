"""What PBS Pro and LSF answer, as their manuals print it (synthetic: there is none here), through commands on PATH."""

import json

import pytest

from defectflow.errors import EngineError
from defectflow.schedulers import get_scheduler

PBS_JOBS = {
    "Jobs": {
        "17.host": {
            "job_state": "R",
            "exec_host": "n3/0*16",
            "run_count": 2,
            "Variable_List": {"DEFECTFLOW_TAG": "mine", "HOME": "/h"},
        },
        "18.host": {"job_state": "Q", "comment": "Not Running: no nodes", "Variable_List": {"DEFECTFLOW_TAG": "mine"}},
        "19.host": {"job_state": "R", "Variable_List": {"DEFECTFLOW_TAG": "other"}},
        "20.host": {"job_state": "F", "Exit_status": -29, "Variable_List": {"DEFECTFLOW_TAG": "mine"}},
    }
}
LSF_JOBS = """101|RUN|-|-|n3|defectflow-1|mine
102|PEND|-|Not enough hosts|-|defectflow-2|mine
103|EXIT|TERM_RUNLIMIT: job killed after reaching LSF run time limit|-|n3|defectflow-3|mine
104|RUN|-|-|n4|defectflow-4|other
"""


@pytest.fixture
def command(tmp_path, monkeypatch):
    """A command on PATH that prints a text and keeps the words it was called with."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    def make(name, text="", status=0):
        (tmp_path / f"{name}.text").write_text(text)
        script = f'#!/bin/sh\necho "$@" >> {tmp_path}/{name}.called\ncat {tmp_path}/{name}.text\nexit {status}\n'
        (tmp_path / name).write_text(script)
        (tmp_path / name).chmod(0o755)
        return tmp_path / f"{name}.called"

    return make


def test_pbs_finds_its_jobs_by_their_tag(command):
    command("qstat", json.dumps(PBS_JOBS))
    jobs = {job.id: job for job in get_scheduler("pbspro").tagged("mine")}
    assert {k: j.state for k, j in jobs.items()} == {"17.host": "running", "18.host": "pending"}
    assert (jobs["17.host"].restarts, jobs["17.host"].node) == (1, "n3")
    assert "no nodes" in jobs["18.host"].words


def test_pbs_names_the_exit_status_of_a_job_that_ended(command):
    command("qstat", json.dumps({"Jobs": {"20.host": PBS_JOBS["Jobs"]["20.host"]}}))
    job = get_scheduler("pbspro").look(["20.host"])["20.host"]
    assert (job.state, job.words) == ("ended", "job_state F, Exit_status -29")


def test_pbs_cancels_job_by_job(command):
    called = command("qdel")
    get_scheduler("pbspro").cancel(["17.host", "18.host"])
    assert called.read_text().split() == ["17.host", "18.host"]


def test_pbs_returns_the_id_that_qsub_prints(command, tmp_path):
    command("qsub", "21.host\n")
    assert get_scheduler("pbspro").submit(tmp_path / "job.sh") == "21.host"


def test_lsf_finds_its_jobs_by_their_description(command):
    command("bjobs", LSF_JOBS)
    jobs = {job.id: job for job in get_scheduler("lsf").tagged("mine")}
    assert {k: j.state for k, j in jobs.items()} == {"101": "running", "102": "pending"}
    assert jobs["102"].words == "PEND, Not enough hosts"


def test_lsf_names_the_reason_of_a_job_that_ended(command):
    command("bjobs", LSF_JOBS.splitlines()[2] + "\n")
    job = get_scheduler("lsf").look(["103"])["103"]
    assert (job.state, "TERM_RUNLIMIT" in job.words) == ("ended", True)


def test_lsf_returns_the_id_in_bsubs_sentence(command, tmp_path):
    (tmp_path / "job.sh").write_text("#BSUB -J x\n")
    command("bsub", "Job <123> is submitted to queue <normal>.\n")
    assert get_scheduler("lsf").submit(tmp_path / "job.sh") == "123"


@pytest.mark.parametrize(("name", "program"), [("slurm", "squeue"), ("pbspro", "qstat"), ("lsf", "bjobs")])
def test_a_scheduler_that_fails_is_quoted(command, name, program):
    command(program, "slurm_load_jobs error: Unable to contact controller", status=1)
    with pytest.raises(EngineError, match="Unable to contact controller"):
        get_scheduler(name).tagged("mine")


@pytest.mark.parametrize("name", ["slurm", "pbspro", "lsf"])
def test_a_scheduler_that_is_not_there_is_named(monkeypatch, name):
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(EngineError, match="cannot be run"):
        get_scheduler(name).tagged("mine")


FORGOTTEN = {
    "slurm": ("scontrol", "slurm_load_jobs error: Invalid job id specified"),
    "pbspro": ("qstat", "qstat: Unknown Job Id 7"),
    "lsf": ("bjobs", "Job <7> is not found"),
}


@pytest.mark.parametrize("name", FORGOTTEN)
def test_a_job_that_the_scheduler_forgot_has_ended(command, name):
    program, words = FORGOTTEN[name]
    command(program, words, status=1)
    command("sacct", "Slurm accounting storage is disabled", status=1)
    assert get_scheduler(name).look(["7"])["7"].state == "ended"


@pytest.mark.parametrize("name", FORGOTTEN)
def test_a_job_has_not_ended_because_the_scheduler_does_not_answer(command, name):
    """Taken for ended it would be sent again, beside itself."""
    command(FORGOTTEN[name][0], "Unable to contact the controller: Connection refused", status=1)
    command("sacct", "COMPLETED|0:0")
    with pytest.raises(EngineError, match="Connection refused"):
        get_scheduler(name).look(["7"])


def test_an_outer_job_is_not_inherited(command, monkeypatch, tmp_path):
    """A driver inside a scheduler job sends others; SLURM_NTASKS of its own must not reach them."""
    monkeypatch.setenv("SLURM_NTASKS", "99")
    monkeypatch.setenv("SLURM_CONF", "/etc/slurm.conf")
    command("sbatch")
    (tmp_path / "sbatch").write_text('#!/bin/sh\necho "$SLURM_NTASKS-$SLURM_CONF"\n')
    assert get_scheduler("slurm").submit(tmp_path / "job.sh") == "-/etc/slurm.conf"
