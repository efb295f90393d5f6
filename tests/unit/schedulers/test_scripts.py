"""Job scripts, against the options that the schedulers document.

SLURM's scripts also run for real (tests/slurm); there is no PBS Pro and no LSF to run them on.
"""

import re
from pathlib import Path

import pytest

from defectflow.schedulers import driver_request, render, request_for
from defectflow.schema.site import load_site

# man qsub of OpenPBS 20 (doc/man1/qsub.1B) and of pbs_resources (walltime, select, ncpus, mpiprocs, ompthreads, mem).
PBS = {
    "-N": r"[\w-]{1,230}",
    "-v": r"DEFECTFLOW_TAG=[\w-]+",
    "-q": r"\S+",
    "-A": r"\S+",
    "-l": r"(select=\d+:ncpus=\d+:mpiprocs=\d+:ompthreads=\d+(:mem=\d+mb)?|walltime=\d+:\d\d:\d\d)",
    "-j": "oe",
    "-o": r"/\S+",
}
# bsub of the IBM Spectrum LSF 10.1 command reference.
LSF = {
    "-J": r"[\w-]+",
    "-Jd": r"[\w-]{1,4094}",
    "-q": r"\S+",
    "-P": r"\S+",
    "-n": r"\d+",
    "-R": r'"span\[ptile=\d+\]"',
    "-M": r"\d+MB",
    "-W": r"\d+:\d\d",
    "-o": r"/\S+",
}
FULL = """
scheduler = "{scheduler}"
partition = "fast"
account = "project"
walltime = "1-06:30:00"
setup = ["module load gpaw", "export X=$HOME/{{a}}"]
directives = [{directive}]
[resources]
nodes = 2
tasks = 32
threads = 4
memory = "120 GB"
"""


@pytest.fixture
def full(tmp_path):
    def script(scheduler, directive=""):
        path = tmp_path / "site.toml"
        path.write_text(FULL.format(scheduler=scheduler, directive=directive))
        site = load_site(str(path))
        return render(site, request_for(site, "pair-1", "defectflow-0123", "echo $HOME", Path("/run/log")))

    return script


def directives(text, word):
    return [line.removeprefix(word).strip().split(maxsplit=1) for line in text.splitlines() if line.startswith(word)]


@pytest.mark.parametrize(("scheduler", "word", "documented"), [("pbspro", "#PBS", PBS), ("lsf", "#BSUB", LSF)])
def test_every_directive_is_a_documented_one(full, scheduler, word, documented):
    found = directives(full(scheduler), word)
    assert {option for option, _ in found} == set(documented)
    assert all(re.fullmatch(documented[option], value) for option, value in found), found


def test_pbs_asks_for_chunks_and_has_no_days(full):
    text = full("pbspro")
    assert "#PBS -l select=2:ncpus=64:mpiprocs=16:ompthreads=4:mem=120000mb\n" in text
    assert "#PBS -l walltime=30:30:00\n" in text
    assert 'cd "$PBS_O_WORKDIR"\n' in text


def test_lsf_counts_cores_and_minutes(full):
    text = full("lsf")
    assert '#BSUB -n 128\n#BSUB -R "span[ptile=64]"\n#BSUB -M 120000MB\n#BSUB -W 30:30\n' in text


def test_slurm_says_what_the_site_says(full):
    text = full("slurm")
    for line in ("--partition=fast", "--account=project", "--nodes=2", "--ntasks=32", "--cpus-per-task=4"):
        assert f"#SBATCH {line}\n" in text
    assert "#SBATCH --mem=120000M\n#SBATCH --time=1-06:30:00\n" in text


def test_nothing_is_asked_for_that_the_site_does_not_say(full):
    """Parsl's own template asks for whole nodes and one task a node unless told otherwise."""
    text = full("slurm")
    assert "exclusive" not in text
    assert "ntasks-per-node" not in text
    assert "qos" not in text


def test_raw_directives_come_last_and_one_a_line(full):
    text = full("slurm", '"--exclude=n7", "--hint=nomultithread"')
    assert "#SBATCH --open-mode=append\n#SBATCH --exclude=n7\n#SBATCH --hint=nomultithread\n" in text


def test_shell_text_of_the_site_and_the_command_is_left_as_it_is(full):
    assert full("slurm").endswith("module load gpaw\nexport X=$HOME/{a}\necho $HOME\n")


def test_the_drivers_job_is_a_small_one(tmp_path):
    site = load_site("slurm")
    text = render(site, driver_request(site, "driver", "tag", "run", Path("/log")))
    assert "#SBATCH --ntasks=1\n" in text


def test_an_allocation_has_room_for_all_calculations():
    site = load_site("allocation")
    text = render(site, driver_request(site, "driver", "tag", "run", Path("/log")))
    assert "#SBATCH --nodes=4\n#SBATCH --ntasks=64\n" in text
