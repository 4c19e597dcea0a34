"""Freeze windows: times in which nothing is claimed, by the clock on the wall of some place.

A window starts whenever its cron expression fires and ends its duration later, both as local time: from
Friday 16:00 for 64 hours is until Monday 08:00, also where the clocks are changed in between.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Self

import msgspec
from cronsim import CronSim, CronSimError

from promoter.domain.duration import Duration

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

_FIELDS = 5
MAX_CHAINED = 1000
_LOOKS = 100  # at windows that follow each other, before whoever waits is to ask again
_HORIZON = timedelta(days=366 * 20)
_MINUTE = timedelta(minutes=1)
_MARGIN = timedelta(hours=3)  # no place changes its clocks by more
_SOME_DAY = datetime(2024, 1, 1, tzinfo=UTC)  # before a leap day, so that every expression that can fire does


class Cron(str):
    """A cron expression of five fields: minute, hour, day of the month, month, day of the week."""

    __slots__ = ()
    EXAMPLE = "0 16 * * FRI"

    def __new__(cls, text: str) -> Self:
        """Check the text."""
        if len(text.split()) != _FIELDS:
            message = f"{text[:80]!r} is not a cron expression: five fields, as in 0 16 * * FRI"
            raise ValueError(message)
        try:
            next(CronSim(text, _SOME_DAY.replace(tzinfo=None)))
        except (CronSimError, StopIteration) as error:
            message = f"{text[:80]!r} is not a cron expression that ever fires: {str(error) or 'no such day'}"
            raise ValueError(message) from error
        return super().__new__(cls, text)

    @property
    def in_words(self) -> str:
        """The same in words, as in `at 16:00 on Friday`."""
        words: str = CronSim(self, _SOME_DAY.replace(tzinfo=None)).explain()
        return words[:1].lower() + words[1:]


@lru_cache(maxsize=64)
def _zone(name: str) -> "ZoneInfo":
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - 5 ms that no policy without windows needs

    return ZoneInfo(name)


class TimeZone(str):
    """A time zone of the IANA database, as in `Europe/Berlin`."""

    __slots__ = ()
    EXAMPLE = "Europe/Berlin"

    def __new__(cls, text: str) -> Self:
        """Check the text."""
        try:
            _zone(text)
        except (KeyError, ValueError, OSError) as error:
            message = f"{text[:60]!r} is not a time zone of the IANA database, as Europe/Berlin or UTC are"
            raise ValueError(message) from error
        return super().__new__(cls, text)


class FreezeWindow(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """A time that comes again and again, in which nothing is claimed.

    Attributes:
        name: What people call it.
        start: When it begins, as a cron expression in local time.
        duration: How long it lasts by the clock on the wall.
        timezone: Whose local time.
    """

    name: str
    start: Cron
    duration: Duration
    timezone: TimeZone = msgspec.field(default_factory=lambda: TimeZone("UTC"))

    def end(self, at: datetime) -> datetime | None:
        """When the window that a moment lies in ends, in UTC; None where it lies in none.

        Where clocks are set back and a local time comes twice, a window starts at the first and ends at the
        second; where they are set forward past its start, it starts then.
        """
        local = at.astimezone(_zone(self.timezone)).replace(tzinfo=None)
        for start in CronSim(self.start, local + self._ahead(at), reverse=True):
            if start <= local or self._utc(start)[0] <= at:
                end = max(self._utc(start + self.duration.delta))
                return end if at < end else None
        return None

    def _ahead(self, at: datetime) -> timedelta:
        """How much later than now a start that is past may be by the clock: that may have been set back."""
        zone = _zone(self.timezone)
        changed = (at - _MARGIN).astimezone(zone).utcoffset() != at.astimezone(zone).utcoffset()
        return _MARGIN if changed else _MINUTE

    def _utc(self, local: datetime) -> tuple[datetime, datetime]:
        """The moment of a local time, read in both ways that it can be where clocks are changed."""
        aware = local.replace(tzinfo=_zone(self.timezone))
        return aware.astimezone(UTC), aware.replace(fold=1).astimezone(UTC)


def thaw(windows: Sequence[FreezeWindow], at: datetime) -> datetime:
    """The first moment from `at` on that lies in none of the windows.

    Where very many follow each other, it is a moment up to which they do: whoever waits asks again then.
    """
    return _chained(windows, at, _LOOKS)[0]


def never_thaws(windows: Sequence[FreezeWindow], most: int = MAX_CHAINED) -> bool:
    """Whether the windows leave no gap between them, as far as `most` of them in a row can tell."""
    return not _chained(windows, _SOME_DAY, most)[1]


def _chained(windows: Sequence[FreezeWindow], at: datetime, most: int) -> tuple[datetime, bool]:
    """How far the windows reach that follow each other from `at` on, and whether there is a gap then."""
    horizon = at + _HORIZON
    for _ in range(most):
        ends = [end for window in windows if (end := window.end(at)) is not None]
        if not ends:
            return at, True
        at = max(ends)
        if at > horizon:
            break
    return at, False
