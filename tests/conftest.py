"""Fixtures: recipes as text, the shipped study, small synthetic records (which say that they are)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import hypothesis
import pytest

from defectflow.demo import demo_folder
from defectflow.resources import resource

# A loaded machine must not fail a test: no deadlines. The same examples every time in CI.
hypothesis.settings.register_profile("defectflow", deadline=None, derandomize=bool(os.environ.get("CI")))
hypothesis.settings.load_profile("defectflow")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def quick_text() -> str:
    return resource("workflows", "quick.toml").read_text()


@pytest.fixture
def recipe_file(tmp_path, quick_text):
    """Write the quick recipe, with replacements, and return its path."""

    def write(*replacements: tuple[str, str]) -> Path:
        text = quick_text
        for old, new in replacements:
            assert old in text, old
            text = text.replace(old, new)
        path = tmp_path / "recipe.toml"
        path.write_text(text)
        return path

    return write


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


@pytest.fixture
def defectflow():
    """Run the command line in its own process."""

    def call(*words: object, **environment: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "defectflow.cli.main", *map(str, words)]
        env = {**os.environ, **environment}
        return subprocess.run(command, capture_output=True, text=True, env=env, check=False, timeout=300)

    return call
