import pytest

from defectflow.errors import DefectFlowError
from defectflow.resources import listing
from defectflow.schema.site import load_site

SLURM = 'scheduler = "slurm"\n'


@pytest.fixture
def site(tmp_path):
    def load(text):
        path = tmp_path / "site.toml"
        path.write_text(text)
        return load_site(str(path))

    return load


@pytest.mark.parametrize("name", [n.removesuffix(".toml") for n in listing("templates", "sites")])
def test_every_site_of_the_package_is_valid(name):
    assert load_site(name).scheduler in ("none", "slurm", "pbspro", "lsf")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "scheduler: this key is missing"),
        ('scheduler = "slrum"', "scheduler: Input should be 'none', 'slurm', 'pbspro' or 'lsf'"),
        (SLURM + 'partion = "x"', 'unknown key; nearest valid key: "partition"'),
        (SLURM + 'walltime = "90"', 'expected hours:minutes:seconds, e.g. "24:00:00"'),
        (SLURM + 'walltime = "00:00:00"', "is no time"),
        (SLURM + 'walltime = "00:01:00"\nmargin = "00:00:40"', "margin leaves less than 30 s of the walltime"),
        (SLURM + 'partition = "a b"', 'must be one word, not "a b"'),
        (SLURM + 'directives = ["x\\nrm -rf ~"]', "must be one line of text"),
        (SLURM + "[resources]\ntasks = 0", "resources.tasks: Input should be greater than or equal to 1"),
        (SLURM + '[resources]\nmemory = "4000 MB"', '(4000 MB = "4 GB")'),
        (SLURM + '[launch]\ngpaw = "mpirun -n {cores}"', "{cores} is unknown; known: {tasks}, {threads}, {nodes}"),
        (SLURM + '[launch]\ngpaw = "mpirun {"', "launch"),
        (SLURM + '[launch]\ngpaw = "mpirun {tasks:s}"', "only plain {tasks} is understood, without a format"),
        (SLURM + '[launch]\ngpaw = "mpirun {tasks!z}"', "only plain {tasks} is understood, without a format"),
        (
            SLURM + '[resources]\nmemory = "0.0001 GB"',
            "resources.memory: Input should be greater than or equal to 0.001",
        ),
        ('scheduler = "none"\ndriver = "allocation"', "needs a scheduler that gives the allocation"),
        ('scheduler = "lsf"\nqos = "high"', "LSF has no qos"),
        ('scheduler = "pbspro"\nconstraint = "x"', "PBS Pro has no qos and no constraint"),
        (SLURM + "[jobs]\nretries = -1", "jobs.retries"),
        ("scheduler = ", "is not valid TOML"),
    ],
)
def test_a_wrong_site_names_its_key(site, text, message):
    with pytest.raises(DefectFlowError) as error:
        site(text)
    assert message in str(error.value)


def test_an_unknown_site_lists_those_of_the_package():
    with pytest.raises(DefectFlowError, match="allocation, laptop, lsf, pbspro, slurm"):
        load_site("nosuch")


def test_launch_words_hold_the_sites_numbers(site):
    read = site(SLURM + '[resources]\ntasks = 8\n[launch]\ngpaw = "mpirun -n {tasks}"')
    assert (read.launch_words("gpaw"), read.launch_words("vasp"), read.cores) == ("mpirun -n 8", "", 8)
