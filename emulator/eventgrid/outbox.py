"""Events on their way, on disk: what is not delivered when the process ends is delivered by the next one."""

import time
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from emulator.eventgrid.event import Event
from emulator.store.database import Database, Row, Value

_HISTORY = 1000


class Fate(StrEnum):
    """What has become of one event for one subscription."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"  # given up, and written where dead letters go
    DROPPED = "dropped"  # given up, and its dead letter could not be written; or lost by a fault


_COUNT = {
    Fate.DELIVERED: "update subscriptions set delivered = delivered + 1 where name = ?",
    Fate.DEAD: "update subscriptions set dead_lettered = dead_lettered + 1 where name = ?",
    Fate.DROPPED: "update subscriptions set dropped = dropped + 1 where name = ?",
}


@dataclass(frozen=True)
class Outcome:
    """How an attempt ended. Without an answer, the status is 0."""

    status: int
    name: str


@dataclass(frozen=True)
class Delivery:
    """One event for one subscription.

    Attributes:
        id: Its number.
        event: The event.
        size: Bytes of the event.
        published: When the event was published, in seconds since the epoch.
        added: When the delivery was planned; its time to live counts from there.
        attempts: How many attempts have failed.
        last: How the last of them ended.
        attempted: When that was.
        reason: Why it was given up; its dead letter is still to be written.
        given_up: When that was.
    """

    id: int
    event: Event
    size: int
    published: float
    added: float
    attempts: int
    last: Outcome | None
    attempted: float | None
    reason: str | None
    given_up: float | None


@dataclass(frozen=True)
class Trace:
    """What has become of one event for one subscription."""

    subscription: str
    fate: Fate
    attempts: int
    outcome: str | None
    reason: str | None


@dataclass(frozen=True)
class Told:
    """An event that was published, and what became of it."""

    number: int
    event: Event
    published: float
    traces: list[Trace]


class Outbox:
    """The latest events, and their deliveries: those to be made, and what became of the others."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # Events

    def publish(self, event: Event) -> int:
        """Keep an event, and give the number that deliveries name it by."""
        body = msgspec.json.encode(event).decode()
        number = self._database.insert(
            "insert into events (body, published) values (?, ?)", body, time.time()
        )
        with self._database.transaction():
            self._database.execute(
                "delete from events where id <= ? and not exists"
                " (select 1 from deliveries d where d.event = events.id and d.fate = 'pending')",
                number - _HISTORY,
            )
            self._database.execute(
                "delete from deliveries where event <= ? and event not in (select id from events)",
                number - _HISTORY,
            )
        return number

    def events(self, since: float = 0, limit: int = _HISTORY) -> list[Told]:
        """Read the latest events, the oldest of them first."""
        rows = self._database.all(
            "select id, body, published from events where published >= ? order by id desc limit ?",
            since,
            limit,
        )
        traces = self._traces(int(rows[-1][0] or 0)) if rows else {}
        return [
            Told(
                number=int(number or 0),
                event=msgspec.json.decode(str(body), type=Event),
                published=float(published or 0),
                traces=traces.get(int(number or 0), []),
            )
            for number, body, published in reversed(rows)
        ]

    def _traces(self, first: int) -> dict[int, list[Trace]]:
        traces: dict[int, list[Trace]] = {}
        for event, name, fate, attempts, outcome, reason in self._database.all(
            "select event, subscription, fate, attempts, outcome, reason from deliveries"
            " where event >= ? order by id",
            first,
        ):
            trace = Trace(str(name), Fate(str(fate)), int(attempts or 0), _text(outcome), _text(reason))
            traces.setdefault(int(event or 0), []).append(trace)
        return traces

    # Deliveries

    def add(self, event: int, subscription: str, due: float, *, held: bool = False) -> None:
        """Plan a delivery.

        Args:
            event: The event's number.
            subscription: The subscription's name.
            due: When, in seconds since the epoch.
            held: Whether it is due as soon as a later event was delivered.
        """
        self._database.execute(
            "insert into deliveries (event, subscription, fate, attempts, added, due, held)"
            " values (?, ?, 'pending', 0, ?, ?, ?)",
            event,
            subscription,
            time.time(),
            due,
            held,
        )

    def lose(self, event: int, subscription: str) -> None:
        """Note that a fault lost an event on its way to a subscription."""
        self._database.execute(
            "insert into deliveries (event, subscription, fate, attempts, reason)"
            " values (?, ?, 'dropped', 0, 'InjectedFault')",
            event,
            subscription,
        )

    def due(self, subscription: str, limit: int, but: Collection[int]) -> list[Delivery]:
        """Read what is to be delivered now, but for what is being delivered already."""
        rows = self._database.all(
            "select d.id, e.body, e.published, d.added, d.attempts, d.status, d.outcome, d.attempted,"
            " d.reason, d.given_up from deliveries d join events e on e.id = d.event"
            " where d.subscription = ? and d.fate = 'pending' and d.due <= ? order by d.due, d.id limit ?",
            subscription,
            time.time(),
            limit + len(but),
        )
        return [_delivery(row) for row in rows if row[0] not in but][:limit]

    def next_due(self, subscription: str, but: Collection[int]) -> float | None:
        """Read when something is to be delivered next."""
        rows = self._database.all(
            "select id, due from deliveries where subscription = ? and fate = 'pending' order by due limit ?",
            subscription,
            len(but) + 1,
        )
        return next((float(due or 0) for number, due in rows if number not in but), None)

    def failed(self, delivery: Delivery, outcome: Outcome, attempted: float, due: float) -> None:
        """Note a failed attempt, and when the next one is due."""
        self._database.execute(
            "update deliveries set attempts = attempts + 1, status = ?, outcome = ?, attempted = ?, due = ?"
            " where id = ?",
            outcome.status,
            outcome.name,
            attempted,
            due,
            delivery.id,
        )

    def give_up(self, delivery: Delivery, reason: str) -> None:
        """Note that nothing is attempted any more, and that the dead letter is to be written."""
        now = time.time()
        self._database.execute(
            "update deliveries set reason = ?, given_up = ?, due = ? where id = ?",
            reason,
            now,
            now,
            delivery.id,
        )

    def postpone(self, delivery: Delivery, due: float) -> None:
        """Come back to it later."""
        self._database.execute("update deliveries set due = ? where id = ?", due, delivery.id)

    def end(self, delivery: Delivery, subscription: str, fate: Fate) -> None:
        """Note what has become of a delivery; one that arrived lets those go that were held until then."""
        with self._database.transaction():
            self._database.execute("update deliveries set fate = ?, held = 0 where id = ?", fate, delivery.id)
            self._database.execute(_COUNT[fate], subscription)
            if fate is Fate.DELIVERED:
                self._arrived(delivery, subscription)

    def _arrived(self, delivery: Delivery, subscription: str) -> None:
        self._database.execute(
            "update deliveries set attempts = attempts + 1, outcome = 'Success' where id = ?", delivery.id
        )
        self._database.execute(
            "update deliveries set held = 0, due = ? where subscription = ? and held and id < ?",
            time.time(),
            subscription,
            delivery.id,
        )


def _delivery(row: Row) -> Delivery:
    number, body, published, added, attempts, status, outcome, attempted, reason, given_up = row
    return Delivery(
        id=int(number or 0),
        event=msgspec.json.decode(str(body), type=Event),
        size=len(str(body)),
        published=float(published or 0),
        added=float(added or 0),
        attempts=int(attempts or 0),
        last=Outcome(int(status or 0), str(outcome)) if outcome else None,
        attempted=_time(attempted),
        reason=_text(reason),
        given_up=_time(given_up),
    )


def _text(value: Value) -> str | None:
    return None if value is None else str(value)


def _time(value: Value) -> float | None:
    return None if value is None else float(value)
