"""Delivery to one subscription: handshake first, then at least once, again and again, until it is given up.

Schedule and rules: Microsoft Learn, Event Grid message delivery and retry.
"""

import asyncio
import logging
import secrets
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

from emulator.eventgrid.batches import batches
from emulator.eventgrid.dead_letter import DeadLetters, LetterError
from emulator.eventgrid.definitions import Definitions
from emulator.eventgrid.outbox import Delivery, Fate, Outbox, Outcome
from emulator.eventgrid.webhook import DELIVERED, Webhook, outcome_of
from emulator.faults import Effect, Faults, Operation

_log = logging.getLogger(__name__)

_SCHEDULE = (10, 30, 60, 300, 600, 1800, 3600, 10800, 21600, 43200)  # seconds; the last one repeats
_AT_LEAST: dict[int, int] = {
    HTTPStatus.NOT_FOUND: 300,
    HTTPStatus.REQUEST_TIMEOUT: 120,
    HTTPStatus.SERVICE_UNAVAILABLE: 30,
}
_LETTER_AGAIN = 30
_LETTER_TRIED = 4 * 3600
"""Seconds after which a dead letter that cannot be written is dropped."""
_STORE_AGAIN = 1
"""Seconds until what happened is written again, where it could not be, as on a full disk."""
_FINAL: dict[int, str] = {
    HTTPStatus.BAD_REQUEST: "UndeliverableDueToHttpBadRequest",
    HTTPStatus.UNAUTHORIZED: "UndeliverableDueToHttpUnauthorized",
    HTTPStatus.FORBIDDEN: "UndeliverableDueToHttpForbidden",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "UndeliverableDueToHttpRequestEntityTooLarge",
}
"""Answers after which there is no other attempt, and the reason in the dead letter."""


@dataclass(frozen=True)
class Pace:
    """How fast things go.

    Attributes:
        scale: Factor on the retry schedule and the time to live; 1 is Azure's pace.
        timeout: Seconds that an endpoint has to answer.
        handshake_every: Seconds between handshakes while the endpoint is not up.
        concurrency: Deliveries on their way to one endpoint at once.
    """

    scale: float = 1.0
    timeout: float = 30.0
    handshake_every: float = 0.5
    concurrency: int = 16


def pause(failed: int, status: int) -> float:
    """Seconds until the next attempt, at Azure's pace.

    Args:
        failed: How many attempts had failed before this one.
        status: How this one was answered; 0 where it was not.
    """
    return max(_SCHEDULE[min(failed, len(_SCHEDULE) - 1)], _AT_LEAST.get(status, 0))


class Courier:
    """The task that serves one subscription. Others go on whatever happens here."""

    def __init__(
        self,
        webhook: Webhook,
        definitions: Definitions,
        outbox: Outbox,
        faults: Faults,
        pace: Pace,
        dead_letters: DeadLetters,
    ) -> None:
        self._webhook, self._definitions, self._outbox = webhook, definitions, outbox
        self._faults, self._pace, self._dead_letters = faults, pace, dead_letters
        self._name, self._subscription = webhook.name, webhook.subscription
        self._wake = asyncio.Event()
        self._stopping = False
        self._under_way = 0
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
        self._definitions.validated(self._name)
        self.validated.set()
        self.wake()

    async def run(self, validation_url: str) -> None:
        """Serve the subscription until told to stop."""
        while not self._stopping:
            try:
                await self._run(validation_url)
            except* sqlite3.Error as errors:
                _log.error("%s: what happened cannot be kept (%s)", self._name, errors.exceptions[0])
                await asyncio.sleep(_STORE_AGAIN)

    async def _run(self, validation_url: str) -> None:
        self._under_way = 0
        self._on_their_way.clear()
        while not (self.validated.is_set() or self._stopping):
            await self._shake_hands(validation_url)
        async with asyncio.TaskGroup() as group:
            while not self._stopping:
                self._wake.clear()
                for batch in self._due():
                    self._under_way += 1
                    self._on_their_way.update(delivery.id for delivery in batch)
                    group.create_task(self._serve(batch))
                await self._sleep()

    def _due(self) -> list[list[Delivery]]:
        """What is to be done now, as far as there is room: deliveries, batch by batch, and dead letters."""
        free = self._pace.concurrency - self._under_way
        if not free:
            return []
        wanted = self._subscription
        due = self._outbox.due(self._name, free * wanted.max_events_per_batch, self._on_their_way)
        letters = [[delivery] for delivery in due if delivery.reason]
        live = [delivery for delivery in due if not delivery.reason]
        parted = batches(live, wanted.max_events_per_batch, wanted.preferred_batch_size_in_kilobytes)
        room_for_letters = max(1, free // 2)  # what is stuck there leaves room for deliveries
        return [*letters[:room_for_letters], *parted][:free]

    async def _shake_hands(self, validation_url: str) -> None:
        trouble = await self._webhook.validate(validation_url, self.validation_code)
        if trouble is None:
            self.accept()
            _log.info("%s: %s is validated", self._name, self._subscription.endpoint)
        elif trouble != self.trouble:
            _log.info("%s: waiting for %s (%s)", self._name, self._subscription.endpoint, trouble)
        self.trouble = trouble
        if trouble and not self.validated.is_set():
            self._wake.clear()
            await self._sleep_for(self._pace.handshake_every)

    async def _sleep(self) -> None:
        """Wait until something is due, something is new, or something that was on its way has ended."""
        full = self._under_way >= self._pace.concurrency
        due = None if full else self._outbox.next_due(self._name, self._on_their_way)
        await self._sleep_for(None if due is None else due - time.time())

    async def _sleep_for(self, seconds: float | None) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            pass

    async def _serve(self, batch: list[Delivery]) -> None:
        try:
            if batch[0].reason:
                await self._bury(batch[0])
            else:
                await self._deliver(batch)
        finally:
            self._under_way -= 1
            self._on_their_way.difference_update(delivery.id for delivery in batch)
            self.wake()

    async def _deliver(self, batch: list[Delivery]) -> None:
        """Make one attempt. That an event is too old is noticed only when one is due."""
        now = time.time()
        for delivery in batch:
            if self._expiry(delivery) <= now:
                self._outbox.give_up(delivery, "TimeToLiveExceeded")
        live = [delivery for delivery in batch if self._expiry(delivery) > now]
        if live:
            outcome = await self._attempt(live)
            for delivery in live:
                self._settle(delivery, outcome, now)

    async def _attempt(self, batch: Sequence[Delivery]) -> Outcome:
        drawn = [
            self._faults.draw(Operation.EVENT_ATTEMPT, delivery.event.source, delivery.event.subject)
            for delivery in batch
        ]
        await asyncio.sleep(max(each[Effect.DELAY].seconds if Effect.DELAY in each else 0 for each in drawn))
        for each in drawn:
            if Effect.STATUS in each:
                return outcome_of(each[Effect.STATUS].status)
        return await self._webhook.send(batch)

    def _settle(self, delivery: Delivery, outcome: Outcome, attempted: float) -> None:
        if outcome.status in DELIVERED:
            self._outbox.end(delivery, self._name, Fate.DELIVERED)
            return
        _log.info("%s: %s was not taken (%s)", self._name, delivery.event.subject, outcome.name)
        due = time.time() + pause(delivery.attempts, outcome.status) * self._pace.scale
        self._outbox.failed(delivery, outcome, attempted, due)
        if reason := _FINAL.get(outcome.status):
            self._outbox.give_up(delivery, reason)
        elif delivery.attempts + 1 >= self._subscription.max_delivery_attempts:
            self._outbox.give_up(delivery, "MaxDeliveryAttemptsExceeded")

    def _expiry(self, delivery: Delivery) -> float:
        return delivery.added + self._subscription.event_time_to_live_in_minutes * 60 * self._pace.scale

    async def _bury(self, delivery: Delivery) -> None:
        subject, wanted = delivery.event.subject, self._subscription
        try:
            where = await self._dead_letters.write(
                self._name, wanted.dead_letter_container, wanted.schema, delivery
            )
        except LetterError as error:
            self._bury_later(delivery, error)
        else:
            self._outbox.end(delivery, self._name, Fate.DEAD)
            _log.warning("%s: %s is dead, %s: %s", self._name, subject, delivery.reason, where)

    def _bury_later(self, delivery: Delivery, error: LetterError) -> None:
        subject, now = delivery.event.subject, time.time()
        if (delivery.given_up or 0) + _LETTER_TRIED * self._pace.scale <= now:
            self._outbox.end(delivery, self._name, Fate.DROPPED)
            _log.error("%s: %s is dropped; its dead letter was not written: %s", self._name, subject, error)
            return
        self._outbox.postpone(delivery, now + _LETTER_AGAIN * self._pace.scale)
        _log.warning("%s: the dead letter of %s is not written yet: %s", self._name, subject, error)
