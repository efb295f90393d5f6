"""The site builds without a warning, and needs nothing from the network."""

import os
import re
import subprocess
import sys
from importlib.util import find_spec

import pytest

from tests.pages import ROOT


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    for needed in ("mkdocs", "material", "mkdocstrings"):
        if find_spec(needed) is None:
            pytest.skip(f"{needed} is not installed: pip install 'defectflow[docs]'")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    env = {**os.environ, "NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WARNING" not in done.stderr
    return folder


def test_the_site_builds_without_a_warning(site):
    assert (site / "index.html").is_file()


def test_no_page_loads_anything_from_the_network(site):
    loads = re.compile(r"<(?:script|link|img|iframe)\b[^>]*?(?:src|href)=\"?(https?://[^\">\s]+)")
    found = {u for p in site.rglob("*.html") for u in loads.findall(p.read_text(encoding="utf-8"))}
    assert not found


def test_nothing_that_is_made_from_the_code_was_left_as_a_comment(site):
    assert not [p.name for p in site.rglob("*.html") if "<!-- made:" in p.read_text(encoding="utf-8")]


def test_the_reference_holds_every_verb_and_every_key(site):
    from defectflow.schema.settings import Settings

    commands = (site / "reference" / "commands.html").read_text(encoding="utf-8")
    recipe = (site / "reference" / "recipe.html").read_text(encoding="utf-8")
    assert all(
        f"<code>defectflow {verb}</code>" in commands for verb in ("run", "verify", "screen rank", "transport iv")
    )
    assert all(f"<code>{key}</code>" in recipe for key in Settings.model_fields)


def test_every_kind_of_recipe_has_its_keys(site):
    from defectflow.schema.kinds import MODELS

    text = (site / "reference" / "recipe.html").read_text(encoding="utf-8")
    assert not [model for model in MODELS.values() if model.__name__ not in text]


def test_every_public_name_is_in_the_reference(site):
    import defectflow

    text = "".join(p.read_text(encoding="utf-8") for p in (site / "reference").glob("*.html"))
    objects = {name: getattr(defectflow, name) for name in defectflow.__all__ if name != "__version__"}
    assert 'id="recipe"' in text
    assert not [n for n, o in objects.items() if n != "Recipe" and f'id="{o.__module__}.{n}"' not in text]


def test_the_schema_of_the_hand_off_is_published(site):
    assert (site / "handoff.schema.json").read_bytes() == (ROOT / "docs" / "handoff.schema.json").read_bytes()
