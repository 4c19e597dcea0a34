"""The contract of Scheduler, kept by the fake and by Queue Storage."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Protocol, override

import pytest
from azure.storage.queue.aio import QueueClient

from promoter.adapters.identity import Identity
from promoter.adapters.queue import QueueScheduler
from promoter.adapters.settings import KeyedStorage
from promoter.application.ports import Scheduler
from promoter.application.work import Advance, Consider, Work, from_message, to_message
from tests.contract.rows import WEB, digest
from tests.fakes.time import FakeClock, FakeScheduler

ADVANCE = Advance("prod", WEB, "lts")
CONSIDER = Consider(WEB, digest(1))
NOW = timedelta(0)


class Queue(Protocol):
    """A scheduler, and what shows on its queue now."""

    @property
    def scheduler(self) -> Scheduler: ...

    async def take(self) -> list[Work]: ...


class FakeQueue(Queue):
    def __init__(self) -> None:
        self._fake = FakeScheduler(FakeClock())

    @property
    @override
    def scheduler(self) -> Scheduler:
        return self._fake

    @override
    async def take(self) -> list[Work]:
        return self._fake.take_due()


class AzuriteQueue(Queue):
    def __init__(self, scheduler: QueueScheduler, client: QueueClient) -> None:
        self._scheduler = scheduler
        self.client = client

    @property
    @override
    def scheduler(self) -> Scheduler:
        return self._scheduler

    @override
    async def take(self) -> list[Work]:
        return [from_message(message.content) async for message in self.client.receive_messages()]


@pytest.fixture
async def real(azurite: KeyedStorage, fresh: str) -> AsyncIterator[AzuriteQueue]:
    scheduler = QueueScheduler(azurite, Identity(None, managed=False), f"work-{fresh}")
    async with QueueClient.from_connection_string(azurite.connection.reveal(), f"work-{fresh}") as client:
        yield AzuriteQueue(scheduler, client)
    await scheduler.aclose()


@pytest.fixture(params=["fake", "azurite"])
def queue(request: pytest.FixtureRequest) -> Queue:
    real: Queue = FakeQueue() if request.param == "fake" else request.getfixturevalue("real")
    return real


async def test_work_shows_as_it_was_given(queue: Queue) -> None:
    await queue.scheduler.wake(ADVANCE, NOW)
    await queue.scheduler.wake(CONSIDER, NOW)

    assert {type(work): work for work in await queue.take()} == {Advance: ADVANCE, Consider: CONSIDER}


async def test_work_does_not_show_before_its_time(queue: Queue) -> None:
    await queue.scheduler.wake(ADVANCE, timedelta(hours=1))
    await queue.scheduler.wake(CONSIDER, NOW)

    assert await queue.take() == [CONSIDER]


async def test_a_time_in_the_past_is_now(queue: Queue) -> None:
    await queue.scheduler.wake(ADVANCE, timedelta(seconds=-5))

    assert await queue.take() == [ADVANCE]


async def test_a_wait_longer_than_a_queue_knows_is_accepted(queue: Queue) -> None:
    await queue.scheduler.wake(ADVANCE, timedelta(days=30))

    assert await queue.take() == []


async def test_messages_are_plain_json_and_stay_until_they_are_taken(real: AzuriteQueue) -> None:
    await real.scheduler.wake(ADVANCE, NOW)

    [message] = [message async for message in real.client.receive_messages()]

    assert message.content == to_message(ADVANCE)
    assert message.expires_on is not None
    assert message.expires_on.year > 2100
