"""Runs the command line in forks of one process that has imported it, so that its start is paid once.

``python -m tests.forks`` reads one call a line, ``{"words", "env", "cwd", "out", "err"}``, and answers with its status.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import pkgutil
import signal
import sys
import traceback
from typing import Any

import defectflow

ALONE = ("__main__", ".worker", ".leash", ".interchange", ".pool", ".by_hand")  # programs of their own

LONGEST = 300  # s


def import_all() -> None:
    """Import what a verb may import, as far as it is installed."""
    for module in pkgutil.walk_packages(defectflow.__path__, "defectflow."):
        if not module.name.endswith(ALONE):
            with contextlib.suppress(ImportError):
                importlib.import_module(module.name)


def run(call: dict[str, Any]) -> int:
    """Status of the command line in a fork."""
    if (child := os.fork()) == 0:
        os._exit(_in_child(call))
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _in_child(call: dict[str, Any]) -> int:
    for number, name in ((0, os.devnull), (1, call["out"]), (2, call["err"])):
        os.dup2(os.open(name, os.O_RDWR | os.O_CREAT), number)
    signal.alarm(LONGEST)
    os.chdir(call["cwd"])
    os.environ.clear()
    os.environ.update(call["env"])
    sys.argv = ["defectflow", *call["words"]]
    try:
        from defectflow.cli.main import main

        main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001  (what Python itself would print)
        traceback.print_exc()
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return 0


if __name__ == "__main__":
    import_all()
    for line in sys.stdin:
        print(run(json.loads(line)), flush=True)
