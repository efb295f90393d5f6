"""Every block of the documentation does what it says: commands run, keys are keys, outputs are printed."""

import json
import os
import re
import shlex
from functools import cache
from pathlib import Path

import pytest

from tests import pages
from tests.pages import (
    PAGES,
    ROOT,
    Follower,
    blocks,
    check_words,
    find_command,
    keys_of,
    options_of,
    own,
    spoken,
    statements,
)

RUN_SOMEWHERE = ("bash", "python", "toml", "text", "indented")


@pytest.fixture(scope="module")
def followed(tmp_path_factory):
    """Folder in which a page was followed from its first block to its last."""

    @cache
    def follow(page: str) -> Path:
        follower = Follower(tmp_path_factory.mktemp("page"))
        for block in blocks(page):
            follower.follow(block)
        return follower.folder

    return follow


@pytest.mark.slow
@pytest.mark.parametrize("page", [p for p in PAGES if blocks(p)])
def test_the_page_is_followed_literally(page, followed, monkeypatch):
    for name in [n for n in os.environ if n.startswith("DEFECTFLOW_")]:
        monkeypatch.delenv(name)
    followed(page)


def test_the_page_on_transport_leaves_the_files_that_it_names(followed):
    made = {"chain/iv.svg", "chain/handoff.json", "pair4.csv", "from_file/iv.pdf", "paper/iv.csv", "scan.csv"}
    assert all((followed("docs/transport.md") / name).is_file() for name in made)


@pytest.mark.parametrize("page", PAGES)
def test_no_block_is_left_out(page):
    left = [b.name for b in blocks(page) if b.language not in RUN_SOMEWHERE and not b.says("shown")]
    assert not left, "neither run nor marked with a reason (see tests/pages.py)"


def test_what_is_not_run_has_a_reason_and_verbs_that_exist(capsys):
    for block in (b for page in PAGES for b in blocks(page) if b.says("not run")):
        assert len(block.says("not run").split()) > 2, block.name
        check_words(block)
        with capsys.disabled():
            print(f"\nnot run: {block.name}: {block.says('not run')}", end="")


def test_what_another_test_runs_is_run_there():
    elsewhere = {(b.page, b.says("run by")) for page in PAGES for b in blocks(page) if b.says("run by")}
    assert elsewhere
    for page, test in elsewhere:
        assert Path(page).name in (ROOT / test).read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES)
def test_commands_in_the_text_have_verbs_and_options_that_exist(page):
    for text in spoken(page):
        words = shlex.split(text.replace("…", "").split(" #")[0])[1:]
        command, _, rest = find_command([w for w in words if w != "VERB"])
        unknown = {w.split("=")[0] for w in rest if w.startswith("-") and len(w) > 1} - options_of(command)
        assert not unknown, text


ROWS = re.findall(r"^\| `(defectflow .*?)` \| (.*) \|$", (ROOT / "docs/reference/json.md").read_text("utf-8"), re.M)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """Folder with what the commands of the page on JSON name."""
    follower = Follower(tmp_path_factory.mktemp("json"))
    (follower.folder / "screen.toml").write_text(
        (ROOT / "tests/screen.toml").read_text(encoding="utf-8"), encoding="utf-8"
    )
    for recipe in ("quick", "co_mgo_co"):
        follower.run(f"defectflow init {recipe}.toml --from {recipe}")
    for study in ("demo --demo", "study --demo --from carbon_capture"):
        follower.run(f"defectflow init {study}")
    follower.run("defectflow transport iv --parameters paper --bias=-10:10:41 -o paper")
    return follower


@pytest.mark.parametrize(("command", "said"), ROWS, ids=[c for c, _ in ROWS])
def test_the_keys_of_a_json_output(command, said, prepared):
    if "FM_FOLDER" in command and not pages.VASP_OUTPUTS.is_dir():
        pytest.skip("the real VASP files are not here")
    text = prepared.run(command, any_status=True)
    named = set(re.findall(r"`(\w+)`", said))
    assert named <= keys_of(text)
    assert set(json.loads(text)) <= named


def test_every_verb_with_json_has_its_keys_on_the_page():
    import typer

    from defectflow.cli.main import app

    def verbs(group, name):
        for word, command in group.commands.items():
            yield from (
                verbs(command, f"{name} {word}") if hasattr(command, "commands") else [(f"{name} {word}", command)]
            )

    told = (ROOT / "docs/reference/json.md").read_text(encoding="utf-8")
    found = {name for name, c in verbs(typer.main.get_command(app), "defectflow") if "--json" in options_of(c)}
    assert not {name for name in found if f"`{name}" not in told}, "add a row, or a word, to docs/reference/json.md"


# The helper itself.


def test_a_here_document_is_one_statement():
    assert list(statements("cat > a <<'END'\nx\nEND\nls  # all\n")) == ["cat > a <<'END'\nx\nEND", "ls  # all"]


def test_a_command_in_a_shell_is_not_ours_alone():
    assert own("defectflow pairs a.toml  # status 2")
    assert not own("defectflow pairs a.toml > out")


def test_a_verb_that_does_not_exist_is_found():
    with pytest.raises(AssertionError, match="no verb nonsense"):
        find_command(["nonsense"])


def test_an_output_that_was_not_printed_is_found(tmp_path):
    follower = Follower(tmp_path)
    follower.printed = "one two\nthree\n"
    with pytest.raises(AssertionError, match="not in this order"):
        follower.follow(pages.Block("page", 1, "text", "", "", "three\none\n"))


def test_an_output_of_a_block_that_was_not_run_is_no_output(tmp_path):
    follower = Follower(tmp_path)
    follower.printed = "one\n"
    follower.follow(pages.Block("page", 1, "bash", "not run: takes an hour", "", "sleep 3600\n"))
    with pytest.raises(AssertionError, match="not printed"):
        follower.follow(pages.Block("page", 2, "text", "", "", "one\n"))
