"""Times for people: on their own clock, and how far away."""

from datetime import datetime, timedelta

_UNITS = (("day", 86400), ("h", 3600), ("min", 60), ("s", 1))
_DAYS_FROM = 2 * 86400
_PARTS = 2


def local(text: str) -> str:
    """A time of the API on this machine's clock, to the minute, as in `2026-11-24 19:12 CET`."""
    return datetime.fromisoformat(text).astimezone().strftime("%Y-%m-%d %H:%M %Z")


def relative(text: str, now: datetime, parts: int = _PARTS) -> str:
    """How far away a time of the API is, as in `3 min ago`, `in 1 h 48 min` or `now`."""
    away = datetime.fromisoformat(text) - now
    if abs(away) < timedelta(seconds=1):
        return "now"
    return f"in {span(away, parts)}" if away > timedelta(0) else f"{span(-away, parts)} ago"


def span(length: timedelta, parts: int = _PARTS) -> str:
    """A length of time in its largest units, as in `1 h 48 min`; from two days on in days."""
    left = max(round(length.total_seconds()), 0)
    if left >= _DAYS_FROM:
        return f"{left // 86400} days"
    counts: list[tuple[int, str]] = []
    for unit, size in _UNITS[1:]:
        count, left = divmod(left, size)
        if count or counts:
            counts.append((count, unit))
    told = [f"{count} {unit}" for count, unit in counts[:parts] if count]
    return " ".join(told) or "0 s"
