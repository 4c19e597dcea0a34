"""What happened in a simulation, in the order in which it did."""

from datetime import datetime
from enum import StrEnum

import msgspec


class Sort(StrEnum):
    """What sort of thing is told."""

    NOTE = "note"
    STEP = "step"
    EVENT = "event"
    MET = "met"
    FAILED = "failed"


class Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that is told.

    Attributes:
        at: When it was so.
        details: More of it, a line each.
        step: The number of the step that it is, from 1.
    """

    at: datetime
    sort: Sort
    text: str
    details: tuple[str, ...] = ()
    step: int | None = None


class Timeline:
    """Everything that is told."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def tell(self, at: datetime, sort: Sort, text: str, *details: str, step: int | None = None) -> None:
        """Tell one thing more."""
        self.entries.append(Entry(at, sort, text, details, step))

    @property
    def failures(self) -> list[Entry]:
        """What was not as it was expected."""
        return [entry for entry in self.entries if entry.sort is Sort.FAILED]
