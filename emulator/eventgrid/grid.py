"""Event Grid: takes what registries raise, and has it delivered to who subscribed."""

import time
from pathlib import Path

import aiohttp
import msgspec

from emulator.background import Background
from emulator.eventgrid.courier import Courier, Pace
from emulator.eventgrid.event import Event
from emulator.eventgrid.outbox import Outbox
from emulator.eventgrid.subscription import State, Subscription
from emulator.eventgrid.webhook import Webhook
from emulator.faults import Effect, Faults, Operation
from emulator.store.database import Database


class EventGrid:
    """Publishing and subscribing. Events are in the outbox before anything is told of them."""

    def __init__(
        self,
        database: Database,
        session: aiohttp.ClientSession,
        faults: Faults,
        pace: Pace,
        dead_letters: Path,
    ) -> None:
        self._outbox = Outbox(database)
        self._session, self._faults, self._pace = session, faults, pace
        self._dead_letters = dead_letters
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
        for record in self._outbox.records():
            self._serve(record.name, record.subscription, record.state)

    async def stop(self, grace: float) -> None:
        """End what is on its way, within `grace` seconds. The rest stays in the outbox."""
        for courier in self._couriers.values():
            courier.stop()
        await self._background.stop(grace)

    def subscribe(self, name: str, subscription: Subscription) -> None:
        """Create or change a subscription. The handshake follows, and is repeated until it is answered."""
        if self._subscriptions.get(name) == subscription:
            return
        self._outbox.subscribe(name, subscription)
        if courier := self._couriers.pop(name, None):
            courier.stop()
        state = next(record.state for record in self._outbox.records() if record.name == name)
        self._serve(name, subscription, state)

    def unsubscribe(self, name: str) -> bool:
        """Drop a subscription; False where there is none."""
        self._subscriptions.pop(name, None)
        if courier := self._couriers.pop(name, None):
            courier.stop()
        return self._outbox.unsubscribe(name)

    def _serve(self, name: str, subscription: Subscription, state: State) -> None:
        webhook = Webhook(name, subscription, self._session, self._pace.timeout)
        courier = Courier(webhook, self._outbox, self._faults, self._pace, self._dead_letters)
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

    def raise_event(self, event: Event) -> None:
        """Publish an event. Inside a transaction it is kept or lost with it."""
        number = self._outbox.publish(event)
        registry = event.topic.rpartition("/")[2]
        for name, subscription in self._subscriptions.items():
            if subscription.wants(event, registry):
                self._plan(number, event, registry, name)
                self._couriers[name].wake()

    def _plan(self, number: int, event: Event, registry: str, subscription: str) -> None:
        drawn = self._faults.draw(Operation.EVENT_DELIVERY, registry, event.subject)
        if Effect.DROP in drawn:
            return
        due = time.time()
        if delay := drawn.get(Effect.DELAY):
            due += delay.seconds
        reorder = drawn.get(Effect.REORDER)
        if reorder:
            due += reorder.seconds
        for _ in range(2 if Effect.DUPLICATE in drawn else 1):
            self._outbox.add(number, subscription, due, held=reorder is not None)

    def events(self) -> list[Event]:
        """Read the latest thousand events, the oldest first, delivered or not."""
        return self._outbox.events()

    @property
    def idle(self) -> bool:
        """Whether nothing is left to deliver."""
        return all(record.pending == 0 for record in self._outbox.records())

    def view(self) -> list[dict[str, object]]:
        """Show the subscriptions, their state and what became of their events."""
        return [
            {
                "name": record.name,
                "state": record.state,
                "trouble": self._couriers[record.name].trouble,
                "delivered": record.delivered,
                "deadLettered": record.dead_lettered,
                "pending": record.pending,
                **msgspec.to_builtins(record.subscription),
            }
            for record in self._outbox.records()
        ]
