"""What was set up: custom topics and event subscriptions, on disk."""

from dataclasses import dataclass

import msgspec

from emulator.eventgrid.event import Schema
from emulator.eventgrid.subscription import State, Subscription
from emulator.store.database import Database


@dataclass(frozen=True)
class Record:
    """A subscription, and what became of its events."""

    name: str
    subscription: Subscription
    state: State
    delivered: int
    dead_lettered: int
    dropped: int
    pending: int


class Definitions:
    """The custom topics and the subscriptions."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add_topic(self, name: str, schema: Schema) -> None:
        """Keep a custom topic."""
        self._database.execute(
            "insert into topics values (?, ?) on conflict do update set schema = excluded.schema",
            name,
            schema,
        )

    def remove_topic(self, name: str) -> None:
        """Forget a custom topic."""
        self._database.execute("delete from topics where name = ?", name)

    def topics(self) -> dict[str, Schema]:
        """Read the custom topics."""
        rows = self._database.all("select name, schema from topics order by name")
        return {str(name): Schema(str(schema)) for name, schema in rows}

    def subscribe(self, name: str, subscription: Subscription) -> None:
        """Keep a subscription. A new endpoint or schema must pass the handshake anew."""
        definition = msgspec.json.encode(subscription).decode()
        old = next((record for record in self.records() if record.name == name), None)
        same = old and (old.subscription.endpoint, old.subscription.schema) == (
            subscription.endpoint,
            subscription.schema,
        )
        self._database.execute(
            "insert into subscriptions values (?, ?, 0, 0, 0, 0)"
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
            "select name, definition, validated, delivered, dead_lettered, dropped, (select count(*)"
            " from deliveries where subscription = name and fate = 'pending')"
            " from subscriptions order by name"
        )
        return [
            Record(
                name=str(name),
                subscription=msgspec.json.decode(str(definition), type=Subscription),
                state=State.SUCCEEDED if validated else State.CREATING,
                delivered=int(delivered or 0),
                dead_lettered=int(dead or 0),
                dropped=int(dropped or 0),
                pending=int(pending or 0),
            )
            for name, definition, validated, delivered, dead, dropped, pending in rows
        ]

    def validated(self, name: str) -> None:
        """Note that the endpoint passed the handshake."""
        self._database.execute("update subscriptions set validated = 1 where name = ?", name)
