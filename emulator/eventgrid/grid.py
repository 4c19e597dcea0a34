"""Event Grid: takes what registries raise and what is published, and has it delivered to who subscribed."""

import re
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from http import HTTPStatus

import aiohttp
import msgspec

from emulator.background import Background
from emulator.errors import PublishError, SubscribeError
from emulator.eventgrid.courier import Courier, Pace
from emulator.eventgrid.dead_letter import DeadLetters
from emulator.eventgrid.definitions import Definitions
from emulator.eventgrid.event import Event, Schema
from emulator.eventgrid.outbox import Outbox, Told
from emulator.eventgrid.publishing import read_events
from emulator.eventgrid.subscription import State, Subscription
from emulator.eventgrid.topic import CustomTopic, topic_name
from emulator.eventgrid.webhook import Webhook
from emulator.faults import Effect, Faults, Operation
from emulator.store.database import Database

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Choice(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Which events, as the routes below `/emulator/events` take it; all that is named must hold.

    Attributes:
        ids: Of the events; empty is all.
        subject: A glob over the subject.
        since: When they were published, in seconds since the epoch.
    """

    ids: list[str] = []
    subject: str = "*"
    since: float = 0

    def takes(self, told: Told) -> bool:
        """Whether an event is chosen."""
        return (
            told.published >= self.since
            and (not self.ids or told.event.id in self.ids)
            and fnmatchcase(told.event.subject, self.subject)
        )


class EventGrid:
    """Publishing and subscribing. Events are in the outbox before anything is told of them."""

    def __init__(
        self,
        database: Database,
        session: aiohttp.ClientSession,
        faults: Faults,
        pace: Pace,
        dead_letters: DeadLetters,
        scope: str,
    ) -> None:
        """Take what it works with.

        Args:
            database: Keeps everything.
            session: Sends the requests to webhooks.
            faults: What goes wrong.
            pace: How fast things go.
            dead_letters: Where dead letters go.
            scope: The resource group of the custom topics, as a resource id.
        """
        self._database = database
        self._outbox, self._definitions = Outbox(database), Definitions(database)
        self._session, self._faults, self._pace = session, faults, pace
        self._dead_letters, self._scope = dead_letters, scope
        self._background = Background()
        self._couriers: dict[str, Courier] = {}
        self._subscriptions: dict[str, Subscription] = {}
        self._base_url = ""

    def start(self, base_url: str) -> None:
        """Serve the subscriptions that are there, and deliver what the last process left.

        Args:
            base_url: Where the emulator's own routes are, for the validation address in handshakes.
        """
        self._base_url = base_url
        for record in self._definitions.records():
            self._serve(record.name, record.subscription, record.state)

    async def stop(self, grace: float) -> None:
        """End what is on its way, within `grace` seconds. The rest stays in the outbox."""
        for courier in self._couriers.values():
            courier.stop()
        await self._background.stop(grace)

    # Custom topics

    def add_topic(self, name: str, schema: Schema) -> CustomTopic:
        """Create or change a custom topic.

        Raises:
            ValueError: The name is none.
        """
        self._definitions.add_topic(topic_name(name), schema)
        return CustomTopic(name, schema, self._scope)

    def remove_topic(self, name: str) -> bool:
        """Drop a custom topic; False where there is none."""
        topic = self.topic(name)
        if topic:
            self._definitions.remove_topic(topic.name)
        return topic is not None

    def topics(self) -> list[CustomTopic]:
        """The custom topics."""
        return [CustomTopic(name, schema, self._scope) for name, schema in self._definitions.topics().items()]

    def topic(self, name: str) -> CustomTopic | None:
        """A custom topic by its name, whatever its case."""
        return next((topic for topic in self.topics() if topic.name.lower() == name.lower()), None)

    def publish(self, name: str, headers: Mapping[str, str], body: bytes) -> None:
        """Take what a request publishes to a topic, all or nothing.

        Raises:
            PublishError: It is not authorized, or not what the topic takes.
        """
        topic = self.topic(name)
        if topic is None:
            raise PublishError(HTTPStatus.NOT_FOUND, "NotFound", f"There is no topic {name!r}.")
        if not topic.admits(headers, datetime.now(UTC)):
            message = (
                f"The request is not authorized for the topic {topic.name!r}. It needs one of its keys as "
                "aeg-sas-key, or a signature that has not expired as aeg-sas-token."
            )
            raise PublishError(HTTPStatus.UNAUTHORIZED, "Unauthorized", message)
        events = read_events(topic, headers, body)
        with self._database.transaction():
            for event in events:
                self.raise_event(event)

    # Subscriptions

    def subscribe(self, name: str, subscription: Subscription) -> None:
        """Create or change a subscription. The handshake follows, and is repeated until it is answered.

        Raises:
            SubscribeError: The name is none; a topic is not there, or cannot be delivered in that schema.
        """
        if not _NAME.fullmatch(name):
            message = f"a subscription's name has 1 to 64 letters, digits, - and _, this one is {name!r}"
            raise SubscribeError(message)
        self._check_topics(subscription)
        if self._subscriptions.get(name) == subscription:
            return
        self._definitions.subscribe(name, subscription)
        if courier := self._couriers.pop(name, None):
            courier.stop()
        state = next(record.state for record in self._definitions.records() if record.name == name)
        self._serve(name, subscription, state)

    def _check_topics(self, subscription: Subscription) -> None:
        for name in subscription.topics:
            topic = self.topic(name)
            if topic is None:
                message = f"there is no topic {name!r}; create it first: --topic {name}"
                raise SubscribeError(message)
            if topic.schema is Schema.CLOUD_EVENTS and subscription.schema is Schema.EVENT_GRID:
                message = f"the topic {name!r} takes CloudEvents, which are delivered in no other schema"
                raise SubscribeError(message)

    def unsubscribe(self, name: str) -> bool:
        """Drop a subscription; False where there is none."""
        self._subscriptions.pop(name, None)
        if courier := self._couriers.pop(name, None):
            courier.stop()
        return self._definitions.unsubscribe(name)

    def _serve(self, name: str, subscription: Subscription, state: State) -> None:
        webhook = Webhook(name, subscription, self._session, self._pace.timeout)
        courier = Courier(
            webhook, self._definitions, self._outbox, self._faults, self._pace, self._dead_letters
        )
        if state is State.SUCCEEDED:
            courier.validated.set()
        self._subscriptions[name], self._couriers[name] = subscription, courier
        code = courier.validation_code
        url = f"{self._base_url}/emulator/subscriptions/{name}/validate?code={code}"
        self._background.start(courier.run(url), f"delivery to {name}")

    def validate(self, name: str, code: str) -> bool:
        """Take an endpoint for validated by its code, as opening the validation address does."""
        courier = self._couriers.get(name)
        if courier is None or courier.validation_code != code:
            return False
        courier.accept()
        return True

    async def ready(self, name: str) -> None:
        """Wait until a subscription's endpoint is validated."""
        await self._couriers[name].validated.wait()

    # Events

    def raise_event(self, event: Event) -> None:
        """Publish an event. Inside a transaction it is kept or lost with it."""
        self._send(self._outbox.publish(event), event, self._subscriptions)

    def _send(self, number: int, event: Event, names: Iterable[str]) -> list[str]:
        """Plan the deliveries of an event to those of these subscriptions that want it, and name them."""
        wanted = [name for name in names if self._subscriptions[name].wants(event)]
        for name in wanted:
            self._plan(number, event, name)
            self._couriers[name].wake()
        return wanted

    def _plan(self, number: int, event: Event, subscription: str) -> None:
        drawn = self._faults.draw(Operation.EVENT_DELIVERY, event.source, event.subject)
        if Effect.DROP in drawn:
            self._outbox.lose(number, subscription)
            return
        due = time.time()
        if delay := drawn.get(Effect.DELAY):
            due += delay.seconds
        reorder = drawn.get(Effect.REORDER)
        if reorder:
            due += reorder.seconds
        for _ in range(2 if Effect.DUPLICATE in drawn else 1):
            self._outbox.add(number, subscription, due, held=reorder is not None)

    def events(self, choice: Choice | None = None) -> list[Told]:
        """Read the latest thousand events, the oldest first, and what became of each."""
        choice = choice or Choice()
        return [told for told in self._outbox.events(choice.since) if choice.takes(told)]

    def replay(self, choice: Choice, subscription: str | None = None) -> list[tuple[Told, list[str]]]:
        """Deliver events once more, as they were, to who wants them now.

        Args:
            choice: Which of the latest thousand.
            subscription: To it alone, if it wants them; None is all.

        Returns:
            The events, and to which subscriptions each goes.

        Raises:
            SubscribeError: There is no such subscription.
        """
        if subscription is not None and subscription not in self._subscriptions:
            message = f"there is no subscription {subscription!r}"
            raise SubscribeError(message)
        names = list(self._subscriptions) if subscription is None else [subscription]
        with self._database.transaction():
            return [(told, self._send(told.number, told.event, names)) for told in self.events(choice)]

    @property
    def idle(self) -> bool:
        """Whether nothing is left to deliver."""
        return all(record.pending == 0 for record in self._definitions.records())

    def view(self) -> list[dict[str, object]]:
        """Show the subscriptions, their state and what became of their events."""
        return [
            {
                "name": record.name,
                "state": record.state,
                "trouble": self._couriers[record.name].trouble,
                "delivered": record.delivered,
                "deadLettered": record.dead_lettered,
                "dropped": record.dropped,
                "pending": record.pending,
                **msgspec.to_builtins(record.subscription),
            }
            for record in self._definitions.records()
        ]
