"""The documentation as it stands in its pages: every fenced block, what is to be done with it, and a run of a page.

A block is run or read as its language says, in the order of the page and in one folder. A comment in the line above it can
say otherwise:

    <!-- not run: REASON -->           commands that need a licence, a cluster or hours; verbs and options are checked
    <!-- run by: tests/FILE -->        commands that another test runs
    <!-- needs: vasp-outputs -->       commands that run where the real VASP files are, and are checked elsewhere
    <!-- part of: FILE.toml -->        keys that are read in place of those of a whole recipe or site
    <!-- shown: REASON -->             text that is no output of the command above it

A ``text`` block is the output of the commands above it: its lines stand there in this order ("..." leaves lines out).
A command that ends with another status than 0 says so in a comment, ``# status 1``.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any
from unittest.mock import patch

ROOT = Path(__file__).resolve().parent.parent
VASP_OUTPUTS = ROOT.parent / "shared" / "vasp-outputs"
PAGES = ["README.md", *sorted(str(p.relative_to(ROOT)) for p in (ROOT / "docs").rglob("*.md"))]
_FENCE = re.compile(
    r"^(?:<!-- (?P<marker>.+?) -->\n)?^```(?P<language>\w*)(?: title=\"(?P<title>.+?)\")?\n(?P<text>.*?)^```$",
    re.M | re.S,
)
_INDENTED = re.compile(r"(?<=\n\n)((?: {4}.*\n)+)")
_SHELL = re.compile(r"[|&;<>$`*~\\]|\bEND\b")


@dataclass(frozen=True)
class Block:
    """A fenced block; `marker` is the comment above it, `title` the file that it is."""

    page: str
    line: int
    language: str
    marker: str
    title: str
    text: str

    @property
    def name(self) -> str:
        return f"{self.page}:{self.line}"

    def says(self, word: str) -> str:
        """What the comment says after a word of the list above."""
        return self.marker.removeprefix(f"{word}: ") if self.marker.startswith(f"{word}: ") else ""


def blocks(page: str) -> list[Block]:
    """Blocks of a page in their order; in the README indented ones hold commands, too."""
    text = (ROOT / page).read_text(encoding="utf-8")
    found = [_fenced(page, text, m) for m in _FENCE.finditer(text)]
    if page == "README.md":
        found += [Block(page, _line(text, m), "indented", "", "", m[1]) for m in _INDENTED.finditer(text)]
    return sorted(found, key=lambda b: b.line)


def _fenced(page: str, text: str, m: re.Match[str]) -> Block:
    return Block(page, _line(text, m), m["language"], m["marker"] or "", m["title"] or "", m["text"])


def _line(text: str, m: re.Match[str]) -> int:
    return text.count("\n", 0, m.start()) + 1


def spoken(page: str) -> list[str]:
    """Commands that stand in the text of a page, in backticks."""
    text = _FENCE.sub("", (ROOT / page).read_text(encoding="utf-8"))
    return re.findall(r"`(defectflow [^`]+)`", text)


def statements(text: str) -> Iterator[str]:
    """Commands of a block: single lines, lines that go on with a backslash, here-documents as a whole."""
    lines = iter(re.sub(r"\\\n\s*", "", text).splitlines())
    for line in lines:
        here = re.search(r"<<'?(\w+)'?", line)
        held = [line]
        while here and held[-1] != here[1]:
            held.append(next(lines))
        if line.strip() and not line.lstrip().startswith("#"):
            yield "\n".join(held)


def own(statement: str) -> bool:
    """Whether a command is ours alone, without a shell around it."""
    return statement.lstrip().startswith("defectflow ") and not _SHELL.search(statement.split(" #")[0])


class Follower:
    """Follows a page in a folder: keeps what was printed last, and the names of its Python."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.printed: str | None = ""  # None where it cannot be known on this machine
        self.names: dict[str, Any] = {"__name__": "page"}
        (folder / "workflows").symlink_to(ROOT / "workflows")
        if VASP_OUTPUTS.is_dir():
            for name, run in (("FM_FOLDER", "MgMn2O4_static_1_fm"), ("AF_FOLDER", "MgMn2O4_static_2_afm")):
                (folder / name).symlink_to(VASP_OUTPUTS / "fm_afm" / run)

    def follow(self, block: Block) -> None:
        """Do what a block says."""
        if block.title:
            (self.folder / block.title).write_text(block.text, encoding="utf-8")
        if any(block.says(word) for word in ("not run", "run by", "shown")):
            check_words(block)
            self.printed = "" if block.says("not run") else self.printed
        elif block.says("needs") and not VASP_OUTPUTS.is_dir():
            check_words(block)
            self.printed = None
        else:
            getattr(self, f"_{block.language}")(block)

    def _bash(self, block: Block) -> None:
        # What needs a shell runs in one, up to the next command of ours: variables last that long.
        parts = [list(group) for _, group in groupby(statements(block.text), own)]
        self.printed = "".join(self.run(s) for part in parts for s in (part if own(part[0]) else ["\n".join(part)]))

    def _indented(self, block: Block) -> None:
        for statement in statements(re.sub(r"^ {4}", "", block.text, flags=re.M)):
            if statement.startswith("make "):
                target = statement.split()[1]
                assert f"\n{target}:" in (ROOT / "Makefile").read_text(), f"no target {target}"
            elif own(statement):
                self.run(statement)

    def _python(self, block: Block) -> None:
        said = io.StringIO()
        with contextlib.chdir(self.folder), contextlib.redirect_stdout(said):
            exec(compile(block.text, block.name, "exec"), self.names)
        self.printed = said.getvalue()

    def _toml(self, block: Block) -> None:
        document = tomllib.loads(block.text)
        base = block.says("part of")
        if base:
            document = merged(tomllib.loads((ROOT / base).read_text(encoding="utf-8")), document)
        elif not block.title:
            raise AssertionError("a whole file has a title; part of one says of which")
        read_document(self.folder / "page.toml", document)

    def _text(self, block: Block) -> None:
        if self.printed is None:
            return
        left = " ".join(self.printed.split())
        for line in filter(None, (" ".join(x.split()) for x in block.text.splitlines())):
            if line != "...":
                assert line in left, f"{block.name}: not printed, or not in this order:\n{line}\n{self.printed}"
                left = left.split(line, 1)[1]

    def run(self, statement: str, *, any_status: bool = False) -> str:
        """Run a command and return what it printed; its exit status must be the one that it says."""
        expected = int((re.search(r"# status (\d+)", statement) or ["", "0"])[1])
        status, said = self._ours(statement) if own(statement) else self._shell(statement)
        assert any_status or status == expected, f"{statement}\nended with {status}\n{said}"
        return said

    def _ours(self, statement: str) -> tuple[int, str]:
        from defectflow.cli.main import main

        said, status = io.StringIO(), 0
        words = shlex.split(statement, comments=True)
        quiet = contextlib.redirect_stdout(said), contextlib.redirect_stderr(said)
        with contextlib.chdir(self.folder), patch.object(sys, "argv", words), quiet[0], quiet[1]:
            try:
                main()
            except SystemExit as end:
                status = int(end.code or 0)
        return status, said.getvalue()

    def _shell(self, statement: str) -> tuple[int, str]:
        env = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        done = subprocess.run(
            ["bash", "-e", "-c", statement],
            cwd=self.folder,
            env=env,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        return done.returncode, done.stdout + done.stderr


def check_words(block: Block) -> None:
    """Parse the commands of a block that is not run: a verb or an option that does not exist is an error."""
    for statement in statements(block.text) if block.language == "bash" else ():
        if statement.lstrip().startswith("defectflow "):
            command, name, words = find_command(shlex.split(statement, comments=True)[1:])
            command.make_context(name, words)


def find_command(words: list[str]) -> tuple[Any, str, list[str]]:
    """The command that words mean, its name, and the words that are left for it."""
    import typer

    from defectflow.cli.main import app

    command, name = typer.main.get_command(app), "defectflow"
    while hasattr(command, "commands") and words and not words[0].startswith("-"):
        assert words[0] in command.commands, f"there is no verb {words[0]}"
        name, *words = words
        command = command.commands[name]
    return command, name, words


def options_of(command: Any) -> set[str]:
    """Options that a command takes."""
    return {o for p in command.params for o in (*p.opts, *p.secondary_opts)} | {"--help", "-h"}


def merged(base: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    """A file in which a part takes the place of what it names; sources of keys that went with it are left out."""
    both = {
        k: merged(base[k], v) if isinstance(v, dict) and isinstance(base.get(k), dict) else v for k, v in part.items()
    }
    return {**base, **both} | ({"sources": {}} if "sources" in base else {})


def read_document(path: Path, document: dict[str, Any]) -> None:
    """Read a recipe of any kind or a site; one that is wrong raises a RecipeError."""
    from defectflow.schema.recipe_file import checked_recipe, kind_of
    from defectflow.schema.site import Site

    if "scheduler" in document:
        Site.model_validate(document, context={"in_recipe": True})
        return
    with patch("defectflow.schema.recipe_file.read_toml", lambda *_: document):
        checked_recipe(_model(kind_of(document)), path)


def _model(kind: str | None) -> Any:
    from defectflow.schema.chain import Chain
    from defectflow.schema.junction import JunctionRecipe
    from defectflow.schema.recipe import Recipe
    from defectflow.schema.screen import ScreenRecipe

    return {"pairs": Recipe, "junction": JunctionRecipe, "screen": ScreenRecipe, "chain": Chain}[kind or "pairs"]


def keys_of(text: str) -> set[str]:
    """Every key of a JSON document, however deep."""
    found: set[str] = set()

    def walk(node: Any) -> None:
        for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
            walk(child)
        found.update(node if isinstance(node, dict) else ())

    walk(json.loads(text))
    return found
