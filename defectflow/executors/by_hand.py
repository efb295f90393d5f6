"""What a job script runs that a user sent by hand.

``python -m defectflow.executors.by_hand FOLDER THREADS MARGIN COMMAND...``
"""

from __future__ import annotations

import sys
from pathlib import Path

from defectflow.executors.task import Task, run_task


def main(folder: Path, threads: int, margin: float, command: list[str]) -> int:
    """Run one calculation as a driver would; what it leaves says where it runs and how it ended."""
    ended = run_task(Task(tuple(command), folder, threads=threads, margin=margin))
    if ended.words:
        print(ended.words, flush=True)
    return 0 if ended.status == 0 else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), sys.argv[4:]))
