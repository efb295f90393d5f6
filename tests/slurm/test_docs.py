"""The page "From laptop to cluster in ten minutes", command by command as it stands there."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pages import blocks

pytestmark = pytest.mark.slow
HERE = [b.text for b in blocks("docs/cluster.md") if b.says("run by") == "tests/slurm/test_docs.py"]


def test_the_page_is_followed_literally(slurm, tmp_path):
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    said = []
    for block in HERE:
        command = ["bash", "-e", "-c", block]
        env = {**os.environ, "PATH": path}
        done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=240, check=False)
        assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
        said.append(done.stdout)
    assert len(said) == 5
    assert "ranks of gpaw: one" in said[1]
    assert "12 done" in said[2]
    assert "drives runs/study" in said[3]
    assert "cancelled scheduler jobs: " in said[4]
