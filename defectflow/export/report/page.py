"""A document as one HTML page that asks no network for anything."""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode
from typing import Any

from defectflow.errors import EngineError
from defectflow.resources import resource


def render(document: dict[str, Any]) -> str:
    """The page, with styles, scripts and plotly.js inside.

    Raises
    ------
    EngineError
        If plotly is not installed.
    """
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    texts = Environment(
        loader=FunctionLoader(_text), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    scripts = [plotly_script(), _text("figures.js")]
    return texts.get_template("page.html").render(
        d=document,
        data=embedded(document["data"]),
        scripts=scripts,
        policy=policy(scripts),
        style=_text("style.css"),
        licence=plotly_licence(),
    )


def _text(name: str) -> str:
    return resource("templates", f"report/{name}").read_text(encoding="utf-8")


def embedded(data: Any) -> str:
    """JSON that cannot end the script element it stands in, whatever texts it holds."""
    text = json.dumps(data, allow_nan=False, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def policy(scripts: list[str]) -> str:
    """Content-Security-Policy: exactly these scripts, and no request to anywhere."""
    hashes = " ".join(f"'sha256-{b64encode(hashlib.sha256(s.encode()).digest()).decode()}'" for s in scripts)
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data: blob:; font-src data:;"
        " connect-src 'none'; base-uri 'none'; form-action 'none'"
    )


def plotly_script() -> str:
    """The bundled plotly.js.

    Raises
    ------
    EngineError
        If plotly is not installed.
    """
    try:
        from plotly.offline import get_plotlyjs
    except ImportError as missing:
        todo = "pip install 'defectflow[report]' brings plotly"
        raise EngineError(f"a report needs plotly ({missing})", todo=todo) from None
    # A parser of HTML makes LF of CRLF, and a policy's hash is over what it then sees.
    return str(get_plotlyjs()).replace("\r\n", "\n").replace("</script", "<\\/script")


def plotly_licence() -> str:
    """Its MIT licence, from the installed package or, where that holds none, from the templates."""
    from importlib.metadata import files

    found = [f for f in files("plotly") or [] if f.name.upper().startswith("LICENSE")]
    return found[0].read_text() if found else _text("plotly_licence.txt")
