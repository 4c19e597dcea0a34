"""Events on their way, on disk: what is not delivered when the process ends is delivered by the next one."""

import time
from collections.abc import Collection
from dataclasses import dataclass

import msgspec

from emulator.eventgrid.event import Event
from emulator.eventgrid.subscription import State, Subscription
from emulator.store.database import Database

_HISTORY = 1000


@dataclass(frozen=True)
class Delivery:
    """One event for one subscription."""

    id: int
    event: Event
    published: float
    attempts: int


@dataclass(frozen=True)
class Record:
    """A subscription, and what became of its events."""

    name: str
    subscription: Subscription
    state: State
    delivered: int
    dead_lettered: int
    pending: int


class Outbox:
    """The events, the deliveries that are still to be made, and the subscriptions."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # Subscriptions

    def subscribe(self, name: str, subscription: Subscription) -> None:
        """Keep a subscription. A new endpoint or schema must pass the handshake anew."""
        definition = msgspec.json.encode(subscription).decode()
        old = next((record for record in self.records() if record.name == name), None)
        same = old and (old.subscription.endpoint, old.subscription.schema) == (
            subscription.endpoint,
            subscription.schema,
        )
        self._database.execute(
            "insert into subscriptions values (?, ?, 0, 0, 0)"
            " on conflict do update set definition = excluded.definition, validated = ? and validated",
            name,
            definition,
            bool(same),
        )

    def unsubscribe(self, name: str) -> bool:
        """Drop a subscription and what was to be delivered to it; False where there is none."""
        with self._database.transaction():
            self._database.execute("delete from deliveries where subscription = ?", name)
            return bool(self._database.execute("delete from subscriptions where name = ?", name))

    def records(self) -> list[Record]:
        """Read all subscriptions."""
        rows = self._database.all(
            "select name, definition, validated, delivered, dead_lettered,"
            " (select count(*) from deliveries where subscription = name) from subscriptions order by name"
        )
        return [
            Record(
                name=str(name),
                subscription=msgspec.json.decode(str(definition), type=Subscription),
                state=State.SUCCEEDED if validated else State.CREATING,
                delivered=int(delivered or 0),
                dead_lettered=int(dead or 0),
                pending=int(pending or 0),
            )
            for name, definition, validated, delivered, dead, pending in rows
        ]

    def validated(self, name: str) -> None:
        """Note that the endpoint passed the handshake."""
        self._database.execute("update subscriptions set validated = 1 where name = ?", name)

    # Events

    def publish(self, event: Event) -> int:
        """Keep an event, and give the number that deliveries name it by."""
        body = msgspec.json.encode(event).decode()
        number = self._database.insert(
            "insert into events (body, published) values (?, ?)", body, time.time()
        )
        self._database.execute(
            "delete from events where id <= ? and id not in (select event from deliveries)", number - _HISTORY
        )
        return number

    def events(self, limit: int = _HISTORY) -> list[Event]:
        """Read the latest events, the oldest of them first."""
        rows = self._database.all("select body from events order by id desc limit ?", limit)
        return [msgspec.json.decode(str(body), type=Event) for (body,) in reversed(rows)]

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
            "insert into deliveries (event, subscription, attempts, due, held) values (?, ?, 0, ?, ?)",
            event,
            subscription,
            due,
            held,
        )

    def due(self, subscription: str, limit: int, but: Collection[int]) -> list[Delivery]:
        """Read what is to be delivered now, but for what is being delivered already."""
        rows = self._database.all(
            "select d.id, e.body, e.published, d.attempts from deliveries d join events e on e.id = d.event"
            " where d.subscription = ? and d.due <= ? order by d.due, d.id limit ?",
            subscription,
            time.time(),
            limit + len(but),
        )
        deliveries = [
            Delivery(
                id=int(number or 0),
                event=msgspec.json.decode(str(body), type=Event),
                published=float(published or 0),
                attempts=int(attempts or 0),
            )
            for number, body, published, attempts in rows
            if number not in but
        ]
        return deliveries[:limit]

    def next_due(self, subscription: str, but: Collection[int]) -> float | None:
        """Read when something is to be delivered next."""
        rows = self._database.all(
            "select id, due from deliveries where subscription = ? order by due limit ?",
            subscription,
            len(but) + 1,
        )
        return next((float(due or 0) for number, due in rows if number not in but), None)

    def postpone(self, delivery: Delivery, due: float) -> None:
        """Note a failed attempt, and when the next one is due."""
        self._database.execute(
            "update deliveries set attempts = attempts + 1, due = ? where id = ?", due, delivery.id
        )

    def delivered(self, delivery: Delivery, subscription: str) -> None:
        """Note that an event has arrived, and let those go that were held until now."""
        with self._database.transaction():
            self._database.execute("delete from deliveries where id = ?", delivery.id)
            self._database.execute(
                "update subscriptions set delivered = delivered + 1 where name = ?", subscription
            )
            self._database.execute(
                "update deliveries set held = 0, due = ? where subscription = ? and held and id < ?",
                time.time(),
                subscription,
                delivery.id,
            )

    def dead(self, delivery: Delivery, subscription: str) -> None:
        """Note that an event was given up."""
        with self._database.transaction():
            self._database.execute("delete from deliveries where id = ?", delivery.id)
            self._database.execute(
                "update subscriptions set dead_lettered = dead_lettered + 1 where name = ?", subscription
            )
