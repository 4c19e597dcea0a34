"""NCRONTAB, the schedules of timer triggers.

`{second} {minute} {hour} {day} {month} {day-of-week}`, in UTC; five fields mean second 0. Each field is `*`,
a value, a range or a list of these, with `/step`; months and days of the week have English names. Unlike in
Vixie cron a day must match both `day` and `day-of-week`. After github.com/atifaziz/NCrontab, which Azure
uses, except that it turns a backward range such as FRI-MON around, where this one refuses it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

_DAYS = ("SUNDAY", "MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY")
_MONTHS = (
    *("JANUARY", "FEBRUARY", "MARCH", "APRIL", "MAY", "JUNE"),
    *("JULY", "AUGUST", "SEPTEMBER", "OCTOBER", "NOVEMBER", "DECEMBER"),
)
_LONGEST_GAP = timedelta(days=366 * 8 + 2)
"""29 February comes again after eight years at most; what does not occur in that time never does."""


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()

    def parse(self, text: str) -> frozenset[int]:
        values: set[int] = set()
        for item in text.split(","):
            values.update(self._item(item))
        return frozenset(values)

    def _item(self, item: str) -> range:
        span, slash, step_text = item.partition("/")
        step = self._number(step_text, 1, 10_000) if slash else 1
        if span == "*":
            return range(self.low, self.high + 1, step)
        first_text, dash, last_text = span.partition("-")
        first = self._value(first_text)
        last = self._value(last_text) if dash else self.high if step > 1 else first
        if last < first:
            message = f"the range '{span}' of {self.name} runs backwards"
            raise ValueError(message)
        return range(first, last + 1, step)

    def _value(self, text: str) -> int:
        shortest = 3
        if text.isalpha() and len(text) >= shortest:
            for position, name in enumerate(self.names):
                if name.startswith(text.upper()):
                    return position + self.low
        return self._number(text, self.low, self.high)

    def _number(self, text: str, low: int, high: int) -> int:
        if not (text.isascii() and text.isdigit() and low <= int(text) <= high):
            message = f"'{text}' is no value for {self.name}, which takes {low} to {high}"
            raise ValueError(message)
        return int(text)


_FIELDS = (
    _Field("second", 0, 59),
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day", 1, 31),
    _Field("month", 1, 12, _MONTHS),
    _Field("day-of-week", 0, 6, _DAYS),
)


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a timer is due: the values each field takes."""

    text: str
    seconds: frozenset[int]
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    days_of_week: frozenset[int]

    @classmethod
    def parse(cls, text: str) -> "Schedule":
        """Read an NCRONTAB expression of five or six fields.

        Raises:
            ValueError: it is none; the message says why.
        """
        parts = text.split()
        if len(parts) == len(_FIELDS) - 1:
            parts.insert(0, "0")
        if len(parts) != len(_FIELDS):
            message = f"it has {len(parts)} fields in place of six"
            raise ValueError(message)
        return cls(text, *(field.parse(part) for field, part in zip(_FIELDS, parts, strict=True)))

    def next_after(self, moment: datetime) -> datetime:
        """The first time after `moment` that the schedule names.

        Raises:
            ValueError: there is none, as for 30 February.
        """
        time = moment.replace(microsecond=0) + timedelta(seconds=1)
        while time - moment <= _LONGEST_GAP:
            later = self._skip(time)
            if later == time:
                return time
            time = later
        message = f"'{self.text}' never occurs"
        raise ValueError(message)

    def _skip(self, time: datetime) -> datetime:
        """The start of the next month, day, hour, minute or second: of the longest that does not match."""
        if time.month not in self.months:
            return (time.replace(day=1, hour=0, minute=0, second=0) + timedelta(days=32)).replace(day=1)
        if time.day not in self.days or time.isoweekday() % 7 not in self.days_of_week:
            return time.replace(hour=0, minute=0, second=0) + timedelta(days=1)
        if time.hour not in self.hours:
            return time.replace(minute=0, second=0) + timedelta(hours=1)
        if time.minute not in self.minutes:
            return time.replace(second=0) + timedelta(minutes=1)
        return time if time.second in self.seconds else time + timedelta(seconds=1)
