"""What is sent to an Event Grid topic, and what its answers mean."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from promoter.adapters.eventgrid import TopicPublisher
from promoter.adapters.identity import Identity
from promoter.adapters.settings import Secret, Topic
from promoter.domain.errors import UnavailableError
from promoter.domain.event import PhaseChanged
from promoter.domain.promotion import Phase
from tests.contract.rows import promotion
from tests.unit.adapters.scripted import Answer, ScriptedServer

EVENT = PhaseChanged.of(promotion(), Phase.FAILED)


@pytest.fixture
async def topic() -> AsyncIterator[ScriptedServer]:
    async with ScriptedServer() as server:
        yield server


@pytest.fixture
async def publisher(topic: ScriptedServer) -> AsyncIterator[TopicPublisher]:
    publisher = TopicPublisher(Topic(f"{topic.url}/api/events", Secret("key")), Identity(None, managed=False))
    yield publisher
    await publisher.aclose()


async def test_a_change_of_phase_is_sent_as_a_cloud_event(
    topic: ScriptedServer, publisher: TopicPublisher
) -> None:
    topic.answers = [Answer(200)]

    await publisher.publish(EVENT)

    [asked] = topic.asked
    assert isinstance(asked.json, list)
    [event] = asked.json
    data = event.pop("data")
    assert event == {
        "specversion": "1.0",
        "id": "prod~shop:web~9999999992.main~failed",
        "source": "/environments/prod",
        "type": "Promoter.PromotionFailed",
        "subject": "prod/shop/web:v1.2.3",
        "time": "2026-11-23T17:00:31.234567Z",
        "traceparent": EVENT.traceparent,
    }
    assert data["digest"] == EVENT.digest
    assert data["from"] == "dev"
    assert data["failure"] == {"code": "timed-out", "message": "took too long"}


async def test_the_same_change_has_the_same_id(topic: ScriptedServer, publisher: TopicPublisher) -> None:
    topic.answers = [Answer(200), Answer(200)]

    await publisher.publish(EVENT)
    await publisher.publish(EVENT)

    assert topic.asked[0].json == topic.asked[1].json


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_busy_topic_says_when_to_come_back(
    topic: ScriptedServer, publisher: TopicPublisher, status: int
) -> None:
    topic.answers = [Answer(status, headers={"Retry-After": "8"})]

    with pytest.raises(UnavailableError, match=f"publishing to the event topic failed: {status}") as raised:
        await publisher.publish(EVENT)

    assert raised.value.retry_after == timedelta(seconds=8)
    assert len(topic.asked) == 1


@pytest.mark.parametrize("status", [401, 403])
async def test_a_topic_that_lets_nobody_in_names_the_role(
    topic: ScriptedServer, publisher: TopicPublisher, status: int
) -> None:
    topic.answers = [Answer(status)]

    with pytest.raises(UnavailableError, match=f'{status}.*"EventGrid Data Sender"'):
        await publisher.publish(EVENT)


async def test_a_topic_that_is_down_is_unavailable() -> None:
    async with ScriptedServer() as gone:
        url = gone.url
    publisher = TopicPublisher(Topic(url, Secret("key")), Identity(None, managed=False))

    with pytest.raises(UnavailableError, match="publishing to the event topic failed"):
        await publisher.publish(EVENT)

    await publisher.aclose()
