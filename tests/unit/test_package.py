"""The package as a whole: light import, typed, complete wheel, documented examples."""

import doctest
import importlib
import re
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest
import yaml

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
        "defectflow/materials/phases.toml",
        "defectflow/data/quick/study.json",
        "defectflow/data/carbon_capture/study.json",
    } <= names


def test_the_wheel_holds_every_file_of_package_templates_and_workflows(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder, place in (("defectflow", ""), ("templates", "defectflow/_share/"), ("workflows", "defectflow/_share/")):
        there = [p for p in (ROOT / folder).rglob("*") if p.is_file() and "__pycache__" not in p.parts]
        assert not {f"{place}{p.relative_to(ROOT).as_posix()}" for p in there} - names


def test_the_wheel_holds_the_licence_and_says_so(wheel):
    with zipfile.ZipFile(wheel) as file:
        (info,) = (n for n in file.namelist() if n.endswith(".dist-info/METADATA"))
        metadata = file.read(info).decode().split("\n\n")[0]
        assert file.read(info.replace("METADATA", "licenses/LICENSE")) == (ROOT / "LICENSE").read_bytes()
    assert "License-Expression: MIT" in metadata
    assert "Description-Content-Type: text/markdown" in metadata


def test_the_citation_is_of_this_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for key in ("version", "license"):
        assert citation[key] == project[key]
    assert citation["authors"] == project["authors"]
    assert citation["abstract"].removesuffix(".") == project["description"]


@pytest.mark.slow
def test_the_installed_wheel_runs_in_an_empty_environment(wheel, tmp_path):
    """Nothing but the wheel and what it declares: a dependency missing from pyproject.toml fails here."""
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"
    quiet = ["-q", "--disable-pip-version-check", "--prefer-binary"]
    subprocess.run([python, "-m", "pip", "install", *quiet, wheel], check=True, capture_output=True, timeout=600)
    command = [tmp_path / "venv" / "bin" / "defectflow"]
    for words, expected in (
        (["init", "a.toml"], "a.toml"),
        (["pairs", "a.toml"], "1.7321"),
        (["init", "demo", "--demo"], "defectflow compare demo"),
        (["compare", "demo"], "+28.0"),
        (["dos", "demo", "--pair", "4"], "dos.svg"),
        (["run", "a.toml", "--engine", "replay"], "written:"),
    ):
        run = subprocess.run([*command, *words], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert expected in run.stdout, run.stderr


def test_the_python_example_of_the_readme_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), flags=re.DOTALL)
    for block in blocks:
        exec(compile(block, "README.md", "exec"), {})
    assert "(1.0, 1.0, 1.0) 1 8 ()" in capsys.readouterr().out
