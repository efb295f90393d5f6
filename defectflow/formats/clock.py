"""The clock of batch schedulers."""

from __future__ import annotations

import re

_CLOCK = re.compile(r"(?:(\d{1,6})-)?(\d{1,6}(?::\d{1,6}){0,2})", re.ASCII)


def clock_seconds(text: str) -> float | None:
    """Seconds of a scheduler's clock: ``90`` (minutes), ``05:00`` (minutes:seconds), ``05:00:00``, ``1-05:00:00``.

    None if it is none, such as ``UNLIMITED``.

    >>> clock_seconds("05:00:00"), clock_seconds("1-00:00:00"), clock_seconds("90"), clock_seconds("UNLIMITED")
    (18000.0, 86400.0, 5400.0, None)
    """
    found = _CLOCK.fullmatch(text.strip())
    if found is None:
        return None
    days, parts = found.group(1), [float(n) for n in found.group(2).split(":")]
    units = (3600.0, 60.0, 1.0) if days or len(parts) == 3 else (60.0, 1.0)
    return 86400.0 * int(days or 0) + sum(n * unit for n, unit in zip(parts, units, strict=False))
