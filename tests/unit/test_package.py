"""The package as a whole: light import, typed, complete wheel, documented examples."""

import doctest
import importlib
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ["pymatgen", "matplotlib", "gpaw", "ase", "scipy", "spglib", "pydantic", "numpy"]


def _loaded(code):
    code += f"; import sys; print([m for m in {HEAVY} if m in sys.modules])"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def test_import_loads_nothing_heavy():
    assert _loaded("import defectflow") == "[]"


def test_help_loads_nothing_heavy():
    assert _loaded("import defectflow.cli.main") == "[]"


def test_every_public_name_exists():
    import defectflow

    assert all(getattr(defectflow, name) for name in defectflow.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        defectflow.nonsense  # noqa: B018


MODULES = ["defectflow", "defectflow.analyse.exchange", "defectflow.demo"]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_in_docstrings(name):
    outcome = doctest.testmod(importlib.import_module(name))
    assert outcome.attempted > 0
    assert outcome.failed == 0


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


def test_the_wheel_holds_templates_workflows_types_and_the_demo(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {
        "defectflow/py.typed",
        "defectflow/_share/templates/gpaw/base.yaml",
        "defectflow/_share/workflows/quick.toml",
        "defectflow/materials/hosts.toml",
        "defectflow/data/quick/study.json",
    } <= names


@pytest.mark.slow
def test_the_installed_wheel_runs_in_an_environment_of_its_own(wheel, tmp_path):
    """The wheel alone is new there: its dependencies are those installed here, the checkout is not on the path."""
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "-q", "--no-deps", wheel], check=True, capture_output=True)
    site = next((tmp_path / "venv").glob("lib/python*/site-packages"))
    dependencies = Path(pytest.__file__).parent.parent
    (site / "dependencies.pth").write_text(f"{dependencies}\n")
    command = [tmp_path / "venv" / "bin" / "defectflow"]
    run = subprocess.run([*command, "init", "a.toml"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    run = subprocess.run([*command, "pairs", "a.toml"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "1.7321" in run.stdout
    where = subprocess.run([python, "-c", "import defectflow; print(defectflow.__file__)"], capture_output=True, text=True, check=True, cwd=tmp_path)  # fmt: skip
    assert str(site) in where.stdout
