"""The page on screening: its commands run, its recipe keys are read."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from defectflow.schema.screen import load_screen

ROOT = Path(__file__).resolve().parents[3]
TEXT = (ROOT / "docs" / "screening.md").read_text()
SEARCH, ROUNDS = re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)


@pytest.mark.slow
@pytest.mark.parametrize("block", re.findall(r"```bash\n(.*?)```", TEXT, re.DOTALL))
def test_the_commands_run_as_they_stand(block, tmp_path):
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-e", "-c", block], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_keys_of_the_page_are_keys_of_a_recipe(screen_file, screen_text):
    search = screen_text[screen_text.index("[[search]]") : screen_text.index("[settings]")]
    rounds = screen_text[screen_text.index("[[rounds]]") :]
    recipe = load_screen(screen_file((search, SEARCH), (rounds, ROUNDS)))
    assert (recipe.search[0].shells, recipe.cases[0].case, recipe.rounds[1].keep.order_error) == (
        (1, 2, 3),
        "capture",
        0.02,
    )
