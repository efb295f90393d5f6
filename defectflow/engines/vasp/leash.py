"""Runs a command that must not outlive its parent: ``python -m defectflow.engines.vasp.leash COMMAND...``.

It leads a process group of its own. When its standard input closes, however the parent ended, the whole group dies,
launcher and ranks included.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading


def main(command: list[str]) -> int:
    """Run the command to its end, or kill the group when standard input closes."""
    threading.Thread(target=_wait_for_end, daemon=True).start()
    try:
        status = subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode
        return status if status >= 0 else 128 - status  # as a shell tells of a signal
    except OSError as error:
        print(f"{command[0]}: {error.strerror}", file=sys.stderr)
        return 127


def _wait_for_end() -> None:
    while os.read(0, 1024):
        pass
    os.killpg(os.getpgid(0), signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
