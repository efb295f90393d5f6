"""What mkdocs calls while it builds the site: pages that are made from the code, and the figure of the front page.

A page holds ``<!-- made: NAME -->`` where the text of the function ``NAME`` below belongs.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from inspect import cleandoc, getmodule
from pathlib import Path
from typing import Any, get_args

_MADE = re.compile(r"<!-- made: (\w+) -->")
_SYMBOL = re.compile(r"(\b(?:[A-Zμ]|Phi|mu)|\))_([A-Za-z]+)\b")
# How a value is written in TOML, by the name of its type in the source.
_WRITTEN = {
    "Energy": '"… eV" > 0',
    "SignedEnergy": '"… eV"',
    "Length": '"… A" > 0',
    "Force": '"… eV/A" > 0',
    "Moment": '"… muB" > 0',
    "Memory": '"… GB" > 0',
    "Milli": '"… meV" > 0',
    "SignedMilli": '"… meV"',
    "Level": '"… meV"',
    "Width": '"… meV" > 0',
    "Thermal": '"… meV" > 0',
    "Hopping": '"… meV"',
    "Polarisation": "number, -1 to 1",
    "LatticeConstant": '"… A"',
    "Any": "any value",
    "Spacing": '"… A"',
    "Distance": '"… A"',
    "NodeMemory": '"… GB" > 0',
    "Clock": '"hours:minutes:seconds"',
    "Line": "text",
    "Word": "text",
    "str": "text",
    "int": "whole number",
    "float": "number",
    "bool": "true or false",
    "StrictBool": "true or false",
    "StrictInt": "whole number",
    "StrictFloat": "number",
    "Count": "whole number",
    "Times": "whole number",
    "Fraction": "number, -1 to 1",
    "Vector": "[number, number, number]",
    "Place": "[number, number, number]",
    "IntRow": "[whole, whole, whole]",
    "Shells": "[whole number, …]",
    "Divisions": "whole number",
    "Dielectric": "number, or three rows of three",
}


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Fill in what is made from the code."""
    return _MADE.sub(lambda found: globals()[found[1]](), markdown)


def on_page_content(html: str, **_: Any) -> str:
    """Set the indices of symbols such as E_F and V_O low, outside of code."""
    parts = re.split(r"(<pre.*?</pre>|<code.*?</code>|<[^>]+>)", html, flags=re.S)
    return "".join(p if p.startswith("<") else _SYMBOL.sub(r"\1<sub>\2</sub>", p) for p in parts)


def on_files(files: Any, config: Any) -> Any:
    """Add the figure of the front page, drawn from the shipped study."""
    from mkdocs.structure.files import File

    files.append(File.generated(config, "energies.svg", content=_energies()))
    return files


def _energies() -> str:
    from defectflow.analyse.compare import compare_study
    from defectflow.demo import demo_folder
    from defectflow.export import plots
    from defectflow.pipeline import published_for
    from defectflow.run import Study
    from defectflow.run.collect import collect

    study = Study.open(demo_folder())
    figure = plots.energy_figure(compare_study(collect(study)), published_for(study.recipe))
    with tempfile.TemporaryDirectory() as folder:
        return plots.save(figure, Path(folder) / "energies")[1].read_text(encoding="utf-8")


def commands() -> str:
    """Every verb with its arguments and options, from the program itself."""
    import typer

    from defectflow.cli.main import app

    group: Any = typer.main.get_command(app)
    return "\n\n".join(
        text for name, command in group.commands.items() for text in _verb(f"defectflow {name}", command)
    )


def _verb(name: str, command: Any) -> Iterator[str]:
    yield f"## `{name}`\n\n{command.help or ''}"
    if hasattr(command, "commands"):
        for word, inner in command.commands.items():
            yield from (text.replace("## ", "### ", 1) for text in _verb(f"{name} {word}", inner))
        return
    rows = [_parameter(p) for p in command.params if not p.hidden and p.name != "help"]
    if rows:
        yield "| argument or option | meaning | default |\n|---|---|---|\n" + "\n".join(rows)


def _parameter(p: Any) -> str:
    named = any(o.startswith("-") for o in p.opts)
    words = ", ".join(f"`{o}`" for o in (*p.opts, *p.secondary_opts)) if named else f"`{(p.metavar or p.name).upper()}`"
    return f"| {words}{' (may be repeated)' if p.multiple else ''} | {_cell(p.help or '')} | {_cell(_default(p))} |"


def _default(p: Any) -> str:
    if p.required:
        return "required"
    if isinstance(p.show_default, str):
        return p.show_default
    if p.default is None or p.default is False or callable(p.default):
        return ""
    return f"`{p.opts[0] if p.default is True else p.default}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def recipe_of_pairs() -> str:
    """Keys of a study of pairs."""
    from defectflow.schema.recipe import Recipe

    return _records(Recipe)


def recipe_of_a_convergence_study() -> str:
    """Keys of a convergence study."""
    from defectflow.schema.convergence import ConvergenceRecipe

    return _records(ConvergenceRecipe, known=_of_pairs())


def recipe_of_a_screening() -> str:
    """Keys of a screening."""
    from defectflow.schema.screen import ScreenRecipe

    return _records(ScreenRecipe, known=_of_pairs())


def recipe_of_a_junction() -> str:
    """Keys of a junction."""
    from defectflow.schema.junction import JunctionRecipe

    return _records(JunctionRecipe, known=_of_pairs())


def recipe_of_a_chain() -> str:
    """Keys of a transport chain."""
    from defectflow.schema.chain import Chain

    return _records(Chain, known=_of_pairs())


def site() -> str:
    """Keys of a site file."""
    from defectflow.schema.site import Site

    return _records(Site)


def _of_pairs() -> set[str]:
    from defectflow.schema.recipe import Recipe

    return {m.__name__ for m in _inner(Recipe)}


def _inner(model: Any) -> list[Any]:
    """A record and all records that its keys hold, each once, in the order in which a reader meets them."""
    found = [model]
    for record in found:
        module = vars(getmodule(record))
        for key in record.model_fields:
            for word in re.findall(r"\w+", _annotation(record, key)):
                inner = module.get(word)
                if isinstance(inner, type) and hasattr(inner, "model_fields") and inner not in found:
                    found.append(inner)
    return found


def _annotation(record: Any, key: str) -> str:
    return next(str(c.__annotations__[key]) for c in record.__mro__ if key in vars(c).get("__annotations__", {}))


def _records(model: Any, known: frozenset[str] | set[str] = frozenset()) -> str:
    return "\n\n".join(_record(record) for record in _inner(model) if record.__name__ not in known)


def _record(record: Any) -> str:
    rows = [
        f"| `{f.alias or key}` | {_type(record, key)} | {_shown(record, key)} |"
        for key, f in record.model_fields.items()
    ]
    text = cleandoc(record.__doc__ or "").replace("\n----------\n", "\n").split("\n\nParameters\n")
    about, *details = text[0].split("\n\nAttributes\n") + text[1:]
    listed = "\n\n".join(_details(d) for d in details)
    table = "| key | value | default |\n|---|---|---|\n" + "\n".join(rows)
    return f"### {record.__name__}\n\n{about}\n\n{table}\n\n{listed}"


def _details(section: str) -> str:
    """Numpy's list of parameters as a list."""
    lines = [line for line in section.splitlines() if line.strip("-").strip()]
    return "\n".join(
        f"- `{line.split(' : ')[0]}`:" if not line.startswith(" ") else f"  {line.strip()}" for line in lines
    )


def _shown(record: Any, key: str) -> str:
    field = record.model_fields[key]
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if value is None or value in ((), {}, ""):
        return ""
    if hasattr(type(value), "model_fields"):
        return "(its defaults)"
    units = (re.search(r"… ([\w/]+)", _WRITTEN.get(w, "")) for w in re.findall(r"\w+", _annotation(record, key)))
    return _cell(f"`{_toml(value, next((u[1] for u in units if u), ''))}`")


def _toml(value: Any, unit: str = "") -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return f"[{', '.join(_toml(v, unit) for v in value)}]"
    if hasattr(value, "model_dump"):
        items = ((k, v) for k, v in value.model_dump().items() if v is not None)
        return "{ " + ", ".join(f"{k} = {_toml(v)}" for k, v in items) + " }"
    if isinstance(value, float):
        return f'"{value:g} {unit}"' if unit else f"{value:g}"
    return f'"{value}"' if isinstance(value, str) else str(value)


def _type(record: Any, key: str) -> str:
    """The annotation in words; other records become links."""
    module = vars(getmodule(record))
    text = re.sub(
        r"\b[A-Z]\w+", lambda m: _choices(module.get(m[0])) or m[0], _annotation(record, key).replace("\n", " ")
    )
    text = re.sub(r"Annotated\[(.+?), Field\((.*?)\)\]", lambda m: f"{m[1]}{_bounds(m[2])}", text)
    text = re.sub(r"Literal\[(.*?)\]", lambda m: m[1].replace(", ", " or ").replace("'", '"'), text)
    text = re.sub(r"tuple\[([^\[\]]+), \.\.\.\]", r"[\1, …]", text)
    text = re.sub(r"tuple\[([^\[\]]+)\]", r"[\1]", text)
    for _ in range(2):
        text = re.sub(r"dict\[(?:\w+), (.+)\]", r"table of \1", text)
    text = text.replace(" | None", "").replace(" | ", " or ")
    records = {m.__name__ for m in _inner(record)}
    words = re.split(r'("[^"]*")', text)
    return _cell("".join(w if w.startswith('"') else re.sub(r"\w+", lambda m: _word(m[0], records), w) for w in words))


def _choices(alias: Any) -> str:
    """Words of a name that stands for a choice of texts."""
    words = get_args(alias)
    return f"Literal[{', '.join(map(repr, words))}]" if words and all(isinstance(w, str) for w in words) else ""


def _word(word: str, records: set[str]) -> str:
    return f"[{word}](#{word.lower()})" if word in records else _WRITTEN.get(word, word)


def _bounds(text: str) -> str:
    limits = dict(re.findall(r"(ge|gt|le|lt|pattern)=([^,]+)", text))
    low, high = (limits.get("ge", limits.get("gt")), limits.get("le", limits.get("lt")))
    if low and high:
        return f", {low} to {high}"
    return f", at least {low}" if low else f", at most {high}" if high else ""
