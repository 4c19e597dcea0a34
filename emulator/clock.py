"""Time as Azure writes it."""

import time
from datetime import UTC, datetime

_TICKS = 10_000_000


def stamp(seconds: float | None = None) -> str:
    """Format a moment the way Azure does: RFC 3339, UTC, seven fractional digits.

    Args:
        seconds: Seconds since the epoch; now, when left out.
    """
    ticks = time.time_ns() // 100 if seconds is None else round(seconds * _TICKS)
    whole, fraction = divmod(ticks, _TICKS)
    return f"{datetime.fromtimestamp(whole, UTC):%Y-%m-%dT%H:%M:%S}.{fraction:07d}Z"
