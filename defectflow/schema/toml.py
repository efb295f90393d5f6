"""TOML files that users write."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from defectflow.errors import RecipeError


def read_toml(path: Path, kind: str, todo: str) -> dict[str, Any]:
    """Read a recipe or a site; one that is missing, too long or no TOML is a RecipeError.

    Parameters
    ----------
    kind : str
        What it is, for the messages.
    todo : str
        What to do where there is none.
    """
    try:
        if path.stat().st_size > 1_000_000:
            raise RecipeError(f"a {kind} is a short text; this file has over 1 MB", where=str(path))
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise RecipeError(f"no such {kind}", where=str(path), todo=todo) from None
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"cannot be read as text ({error})", where=str(path)) from None
    except (ValueError, RecursionError) as error:
        raise RecipeError(f"is not valid TOML: {error}", where=str(path)) from None
