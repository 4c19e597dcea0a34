"""Lengths of time, as people write them."""

import re
from datetime import timedelta
from typing import Self

_DURATION = re.compile(r"(?:[0-9]{1,5}[smhdw])+")
_PART = re.compile(r"([0-9]+)([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_MAX = timedelta(days=3650)


class Duration(str):
    """A length of time, ten years at most, as in `90s`, `15m`, `36h`, `7d`, `2w` or `1d12h`."""

    __slots__ = ()
    EXAMPLE = "2h"

    def __new__(cls, text: str) -> Self:
        """Check the text."""
        made = super().__new__(cls, text)
        if not _DURATION.fullmatch(text):
            message = f"{text[:40]!r} is not a duration: numbers with s, m, h, d or w, as in 90s, 2h or 1d12h"
            raise ValueError(message)
        if not timedelta(0) < made.delta <= _MAX:
            message = f"{text[:40]!r} must be longer than nothing, and ten years at most"
            raise ValueError(message)
        return made

    @property
    def delta(self) -> timedelta:
        """The same as a time delta."""
        parts = _PART.findall(self)
        return sum((timedelta(**{_UNITS[unit]: int(number)}) for number, unit in parts), timedelta(0))
