"""Delivery to one subscription: handshake first, then at least once, again and again, until it is given up.

Schedule and rules: Microsoft Learn, Event Grid message delivery and retry.
"""

import asyncio
import logging
import secrets
import time
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from emulator.eventgrid.dead_letter import Outcome, write_dead_letter
from emulator.eventgrid.outbox import Delivery, Outbox
from emulator.eventgrid.webhook import DELIVERED, Webhook, outcome_of
from emulator.faults import Effect, Faults, Operation

_log = logging.getLogger(__name__)

_SCHEDULE = (10, 30, 60, 300, 600, 1800, 3600, 10800, 21600, 43200)  # seconds; the last one repeats
_AT_LEAST: dict[int, int] = {
    HTTPStatus.NOT_FOUND: 300,
    HTTPStatus.REQUEST_TIMEOUT: 120,
    HTTPStatus.SERVICE_UNAVAILABLE: 30,
}
_NO_RETRY = {
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
}


@dataclass(frozen=True)
class Pace:
    """How fast things go.

    Attributes:
        scale: Factor on the retry schedule and the time to live; 1 is Azure's pace.
        timeout: Seconds that an endpoint has to answer.
        handshake_every: Seconds between handshakes while the endpoint is not up.
        concurrency: Events on their way to one endpoint at once.
    """

    scale: float = 1.0
    timeout: float = 30.0
    handshake_every: float = 0.5
    concurrency: int = 16


class Courier:
    """The task that serves one subscription. Others go on whatever happens here."""

    def __init__(
        self, webhook: Webhook, outbox: Outbox, faults: Faults, pace: Pace, dead_letters: Path
    ) -> None:
        self._webhook, self._outbox, self._faults = webhook, outbox, faults
        self._pace, self._dead_letters = pace, dead_letters
        self._name, self._subscription = webhook.name, webhook.subscription
        self._wake = asyncio.Event()
        self._stopping = False
        self._on_their_way: set[int] = set()
        self.validation_code = secrets.token_urlsafe(16)
        self.validated = asyncio.Event()
        self.trouble: str | None = None

    def wake(self) -> None:
        """Look for something to deliver."""
        self._wake.set()

    def stop(self) -> None:
        """Take nothing new on, and end when what is on its way has ended."""
        self._stopping = True
        self._wake.set()

    def accept(self) -> None:
        """Take the endpoint for validated."""
        self._outbox.validated(self._name)
        self.validated.set()
        self.wake()

    async def run(self, validation_url: str) -> None:
        """Serve the subscription until told to stop."""
        while not (self.validated.is_set() or self._stopping):
            await self._shake_hands(validation_url)
        async with asyncio.TaskGroup() as group:
            while not self._stopping:
                self._wake.clear()
                free = self._pace.concurrency - len(self._on_their_way)
                for delivery in self._outbox.due(self._name, free, self._on_their_way) if free else ():
                    self._on_their_way.add(delivery.id)
                    group.create_task(self._deliver(delivery))
                await self._sleep()

    async def _shake_hands(self, validation_url: str) -> None:
        trouble = await self._webhook.validate(validation_url, self.validation_code)
        if trouble is None:
            _log.info("%s: %s is validated", self._name, self._subscription.endpoint)
            self.accept()
        elif trouble != self.trouble:
            _log.info("%s: waiting for %s (%s)", self._name, self._subscription.endpoint, trouble)
        self.trouble = trouble
        if trouble and not self.validated.is_set():
            self._wake.clear()
            await self._sleep_for(self._pace.handshake_every)

    async def _sleep(self) -> None:
        """Wait until something is due, something is new, or something that was on its way has ended."""
        full = len(self._on_their_way) >= self._pace.concurrency
        due = None if full else self._outbox.next_due(self._name, self._on_their_way)
        await self._sleep_for(None if due is None else due - time.time())

    async def _sleep_for(self, seconds: float | None) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            pass

    async def _deliver(self, delivery: Delivery) -> None:
        try:
            if self._expiry(delivery) <= time.time():
                self._give_up(delivery, "TimeToLiveExceeded", Outcome(0, "TimedOut"))
                return
            self._settle(delivery, await self._attempt(delivery))
        finally:
            self._on_their_way.discard(delivery.id)
            self.wake()

    async def _attempt(self, delivery: Delivery) -> Outcome:
        registry = delivery.event.topic.rpartition("/")[2]
        drawn = self._faults.draw(Operation.EVENT_ATTEMPT, registry, delivery.event.subject)
        if delay := drawn.get(Effect.DELAY):
            await asyncio.sleep(delay.seconds)
        if answer := drawn.get(Effect.STATUS):
            return outcome_of(answer.status)
        return await self._webhook.send(delivery)

    def _settle(self, delivery: Delivery, outcome: Outcome) -> None:
        if outcome.status in DELIVERED:
            self._outbox.delivered(delivery, self._name)
        elif outcome.status in _NO_RETRY:
            self._give_up(delivery, f"UndeliverableDueToHttp{outcome.name}", outcome, made=1)
        elif delivery.attempts + 1 >= self._subscription.max_delivery_attempts:
            self._give_up(delivery, "MaxDeliveryAttemptsExceeded", outcome, made=1)
        else:
            due = min(self._next_attempt(delivery, outcome), self._expiry(delivery))
            _log.info("%s: %s was not taken (%s)", self._name, delivery.event.subject, outcome.name)
            self._outbox.postpone(delivery, due)

    def _next_attempt(self, delivery: Delivery, outcome: Outcome) -> float:
        planned = _SCHEDULE[min(delivery.attempts, len(_SCHEDULE) - 1)]
        at_least = _AT_LEAST.get(outcome.status, 0)
        return time.time() + max(planned, at_least) * self._pace.scale

    def _expiry(self, delivery: Delivery) -> float:
        return delivery.published + self._subscription.event_time_to_live_in_minutes * 60 * self._pace.scale

    def _give_up(self, delivery: Delivery, reason: str, outcome: Outcome, made: int = 0) -> None:
        attempts = delivery.attempts + made
        letter = Delivery(delivery.id, delivery.event, delivery.published, attempts)
        path = write_dead_letter(
            self._dead_letters, self._name, self._subscription.schema, letter, reason, outcome
        )
        self._outbox.dead(delivery, self._name)
        _log.warning("%s: %s is dead, %s: %s", self._name, delivery.event.subject, reason, path)
