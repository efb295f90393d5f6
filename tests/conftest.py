"""Fixtures: recipes as text, the shipped study, small synthetic records (which say that they are)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import hypothesis
import pytest

from defectflow.demo import demo_folder
from defectflow.resources import resource

# A loaded machine must not fail a test: no deadlines. The same examples every time in CI.
hypothesis.settings.register_profile("defectflow", deadline=None, derandomize=bool(os.environ.get("CI")))
hypothesis.settings.load_profile("defectflow")

ROOT = Path(__file__).resolve().parent.parent


def pytest_collection_modifyitems(items):
    """Files with slow tests first: two workers that share out whole files then end together."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture
def quick_text() -> str:
    return resource("workflows", "quick.toml").read_text()


@pytest.fixture
def recipe_file(tmp_path, quick_text):
    """Write the quick recipe, with replacements, and return its path."""

    return partial(_written, tmp_path / "recipe.toml", quick_text)


def _written(path: Path, text: str, *replacements: tuple[str, str]) -> Path:
    for old, new in replacements:
        assert old in text, old
        text = text.replace(old, new)
    path.write_text(text)
    return path


@pytest.fixture(scope="session")
def demo() -> Path:
    return demo_folder()


@pytest.fixture(scope="session")
def demo_study(demo):
    from defectflow.run import Study

    return Study.open(demo)


@pytest.fixture(scope="session")
def entries(demo_study):
    from defectflow.run.collect import collect

    return collect(demo_study)


@pytest.fixture(scope="session")
def forks():
    """A process that runs the command line in forks of itself."""
    command = [sys.executable, "-m", "tests.forks"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        yield server


@pytest.fixture
def defectflow(forks, tmp_path_factory):
    """Run the command line in its own process; with variables that count at its start in one that starts."""

    def call(*words: object, **environment: str) -> subprocess.CompletedProcess[str]:
        command, env = list(map(str, words)), {**os.environ, **environment}
        if any(name.startswith(("PYTHON", "MPL")) for name in environment):
            module = [sys.executable, "-m", "defectflow.cli.main", *command]
            return subprocess.run(module, capture_output=True, text=True, env=env, check=False, timeout=300)
        place = tmp_path_factory.mktemp("said")
        said = {"out": str(place / "out"), "err": str(place / "err")}
        print(json.dumps({"words": command, "env": env, "cwd": str(Path.cwd()), **said}), file=forks.stdin, flush=True)
        status = int(forks.stdout.readline())
        out, err = (Path(name).read_text(encoding="utf-8") for name in said.values())
        return subprocess.CompletedProcess(command, status, out, err)

    return call


SHARED = ROOT.parent / "shared" / "vasp-outputs"


@pytest.fixture(scope="session")
def vasp_outputs() -> Path:
    """Real VASP files with values read from their raw text, not part of the repository."""
    if not SHARED.is_dir():
        pytest.skip("the real VASP files (shared/vasp-outputs beside the checkout) are not here")
    return SHARED


@pytest.fixture(scope="session")
def toy_text() -> str:
    """A recipe that the stand-in for VASP runs in seconds."""
    return (ROOT / "tests" / "vasp" / "toy.toml").read_text()


@pytest.fixture
def toy(tmp_path, toy_text):
    path = tmp_path / "toy.toml"
    path.write_text(toy_text)
    return path


@pytest.fixture(scope="session")
def stand_in() -> dict[str, str]:
    """Environment in which VASP is its stand-in."""
    command = f"{sys.executable} -m defectflow.engines.vasp.standin"
    return {"DEFECTFLOW_VASP_CMD": command, "DEFECTFLOW_VASP_POLL": "0.3"}


@pytest.fixture(scope="session")
def toy_run(tmp_path_factory, toy_text, stand_in) -> Path:
    """Files of one run of the stand-in: synthetic numbers in VASP's formats."""
    from defectflow.engines import get_engine
    from defectflow.inputs import plan_jobs
    from defectflow.schema import load_recipe

    folder = tmp_path_factory.mktemp("toy")
    (folder / "toy.toml").write_text(toy_text)
    job = next(j for j in plan_jobs(load_recipe(folder / "toy.toml")) if j.path.endswith("AF/relax"))
    for name, text in get_engine("vasp").make_inputs(job).files:
        (folder / name).write_text(text)
    command = stand_in["DEFECTFLOW_VASP_CMD"].split()
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=60)
    return folder


@pytest.fixture(scope="session")
def screen_text() -> str:
    """Recipe of a screening that the stand-in for VASP runs in seconds."""
    return (ROOT / "tests" / "screen.toml").read_text()


@pytest.fixture
def screen_file(tmp_path, screen_text):
    """Write that recipe, with replacements, and return its path."""

    return partial(_written, tmp_path / "screen.toml", screen_text)
