"""Batches, delivery headers, and where dead letters go."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from azure.storage.blob.aio import ContainerClient

from emulator.eventgrid.batches import batches
from emulator.eventgrid.event import Event, Schema
from emulator.eventgrid.outbox import Delivery
from emulator.eventgrid.subscription import Subscription
from emulator.testing import Azure
from localhost.programs import storage_connection_string
from tests.integration.emulator.support import Oci, Webhook, until

BATCH_TYPES = {
    Schema.EVENT_GRID: "application/json",
    Schema.CLOUD_EVENTS: "application/cloudevents-batch+json",
}
NOWHERE = storage_connection_string(9, 9, 9)


def delivery(number: int, size: int, attempts: int = 0) -> Delivery:
    event = Event(str(number), "topic", "subject", "type", "time", {})
    return Delivery(number, event, size, 0.0, 0.0, attempts, None, None, None, None)


@pytest.mark.parametrize(
    ("sizes", "most", "kilobytes", "parted"),
    [
        ([], 5, 1, []),
        ([10, 10, 10], 1, 64, [1, 1, 1]),
        ([10, 10, 10], 2, 64, [2, 1]),
        ([600, 400, 400, 300], 9, 1, [2, 2]),
        ([5000, 100, 100], 9, 1, [1, 2]),
    ],
)
def test_how_events_are_parted(sizes: list[int], most: int, kilobytes: int, parted: list[int]) -> None:
    deliveries = [delivery(number, size) for number, size in enumerate(sizes)]
    found = list(batches(deliveries, most, kilobytes))
    assert [len(batch) for batch in found] == parted
    assert [each for batch in found for each in batch] == deliveries


def test_what_failed_more_often_goes_apart() -> None:
    deliveries = [delivery(1, 1, attempts=1), delivery(2, 1, attempts=1), delivery(3, 1)]
    assert [len(batch) for batch in batches(deliveries, 9, 64)] == [2, 1]


class TestBatches:
    @pytest.mark.parametrize("schema", list(Schema))
    async def test_what_is_due_together_comes_together(
        self, azure: Azure, dev: Oci, webhook: Webhook, schema: Schema
    ) -> None:
        wanted = Subscription(webhook.url, schema, max_events_per_batch=2)
        await due_together(azure, dev, webhook, wanted, ["v0", "v1", "v2"])

        await webhook.received(3)
        await azure.settled()

        assert len(webhook.headers) == 2
        assert sorted(webhook.subjects) == [f"shop/web:v{number}" for number in range(3)]
        assert webhook.headers[0]["Content-Type"] == f"{BATCH_TYPES[schema]}; charset=utf-8"

    async def test_a_batch_that_is_not_taken_comes_again_whole(
        self, azure: Azure, dev: Oci, webhook: Webhook
    ) -> None:
        webhook.answers = [500]
        wanted = Subscription(webhook.url, max_events_per_batch=9)
        await due_together(azure, dev, webhook, wanted, ["v1", "v2"])

        events = await webhook.received(4)
        await azure.settled()

        assert events[:2] == events[2:]
        assert [each["aeg-delivery-count"] for each in webhook.headers] == ["0", "1"]

    async def test_of_a_batch_that_is_refused_each_event_has_its_dead_letter(
        self, azure: Azure, dev: Oci, webhook: Webhook
    ) -> None:
        webhook.answers = [400]
        wanted = Subscription(webhook.url, max_events_per_batch=9)
        await due_together(azure, dev, webhook, wanted, ["v1", "v2"])

        await webhook.received(2)
        await azure.settled()

        assert len(webhook.headers) == 1
        letters = [json.loads(path.read_bytes())[0] for path in azure.dead_letters.rglob("*.json")]
        assert sorted(letter["subject"] for letter in letters) == ["shop/web:v1", "shop/web:v2"]


async def due_together(
    azure: Azure, dev: Oci, webhook: Webhook, subscription: Subscription, tags: list[str]
) -> None:
    """Let events wait for a handshake, and so be due at the same moment."""
    webhook.refuse_handshakes = 10**6
    await azure.add_subscription("promoter", subscription, wait=False)
    for tag in tags:
        await dev.push(tag)
    webhook.refuse_handshakes = 0


async def test_headers_of_a_subscription_are_sent_with_each_delivery(
    azure: Azure, dev: Oci, webhook: Webhook
) -> None:
    headers = {"Authorization": "Bearer abc", "X-Team": "shop"}
    await azure.add_subscription("promoter", Subscription(webhook.url, delivery_headers=headers))
    await dev.push("v1")
    await webhook.received(1)
    assert headers.items() <= webhook.headers[0].items()


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"maxDeliveryAttempts": 31}, "maxDeliveryAttempts is from 1 to 30"),
        ({"eventTimeToLiveInMinutes": 0}, "eventTimeToLiveInMinutes is from 1 to 1440"),
        ({"maxEventsPerBatch": 5001}, "maxEventsPerBatch is from 1 to 5000"),
        ({"preferredBatchSizeInKilobytes": 0}, "preferredBatchSizeInKilobytes is from 1 to 1024"),
        ({"deliveryHeaders": {f"x-{n}": "" for n in range(11)}}, "at most 10"),
        ({"deliveryHeaders": {"aeg-event-type": "x"}}, "Event Grid's own"),
        ({"deliveryHeaders": {"x y": "x"}}, "no name of a header"),
        ({"deliveryHeaders": {"x": "a\r\nb: c"}}, "one line"),
        ({"deadLetterContainer": "No"}, "deadLetterContainer is 3 to 63"),
    ],
)
async def test_a_subscription_that_azure_would_not_take_is_refused(
    azure: Azure, wrong: dict[str, object], says: str
) -> None:
    body = {"endpoint": "http://h"} | wrong
    answer = await Oci(azure.session, azure.arm_url).ask("PUT", "/emulator/subscriptions/x", json=body)
    assert answer.status == 400
    assert says in answer.json["error"]["message"]


class TestDeadLettersInBlobs:
    @pytest.fixture
    async def container(self, storage: str) -> AsyncIterator[ContainerClient]:
        async with ContainerClient.from_connection_string(storage, f"dead-{uuid4().hex[:8]}") as client:
            yield client

    async def test_the_blob_is_where_azure_writes_it_and_says_what_azure_says(
        self, tmp_path: Path, storage: str, webhook: Webhook, container: ContainerClient
    ) -> None:
        async with Azure(registries=("dev",), data=tmp_path, storage=storage) as azure:
            wanted = Subscription(
                webhook.url, max_delivery_attempts=2, dead_letter_container=container.container_name
            )
            await azure.add_subscription("My-Hook", wanted)
            webhook.answers = [503, 503]
            await Oci(azure.session, azure.registry("dev").url).push("v1")
            await azure.settled()
            await azure.settled()

        [name] = [blob.name async for blob in container.list_blobs()]
        folder, year, month, day, hour, file = name.split("/")
        assert (folder, file.endswith(".json")) == ("MY-HOOK", True)
        assert all(part == str(int(part)) for part in (year, month, day, hour))
        blob = await container.download_blob(name)
        [letter] = json.loads(await blob.readall())
        facts: dict[str, Any] = {key: letter[key] for key in letter if key not in webhook.events[0]}
        times = [facts.pop("publishTime"), facts.pop("lastDeliveryAttemptTime")]
        assert times == sorted(times)
        assert facts == {
            "deadLetterReason": "MaxDeliveryAttemptsExceeded",
            "deliveryAttempts": 2,
            "lastDeliveryOutcome": "Busy",
            "lastHttpStatusCode": 503,
        }

    async def test_a_letter_is_written_when_the_storage_is_back_also_after_a_restart(
        self, tmp_path: Path, storage: str, webhook: Webhook, container: ContainerClient
    ) -> None:
        wanted = Subscription(webhook.url, dead_letter_container=container.container_name)
        async with Azure(registries=("dev",), data=tmp_path, storage=NOWHERE, event_time_scale=0.01) as azure:
            await azure.add_subscription("hook", wanted)
            webhook.answers = [400]
            await Oci(azure.session, azure.registry("dev").url).push("v1")
            await until(lambda: traces(azure) == [("pending", "UndeliverableDueToHttpBadRequest")])
        async with Azure(registries=("dev",), data=tmp_path, storage=storage, event_time_scale=0.01) as azure:
            await azure.settled()
            assert traces(azure) == [("dead", "UndeliverableDueToHttpBadRequest")]
            assert azure.subscriptions()[0]["deadLettered"] == 1
        assert len([blob async for blob in container.list_blobs()]) == 1
        assert len(webhook.events) == 1

    async def test_after_four_hours_without_storage_a_letter_is_dropped(
        self, tmp_path: Path, webhook: Webhook
    ) -> None:
        wanted = Subscription(webhook.url, dead_letter_container="dead")
        async with Azure(registries=("dev",), data=tmp_path, storage=NOWHERE, event_time_scale=1e-5) as azure:
            await azure.add_subscription("hook", wanted)
            webhook.answers = [400]
            await Oci(azure.session, azure.registry("dev").url).push("v1")
            await azure.settled()
            assert traces(azure) == [("dropped", "UndeliverableDueToHttpBadRequest")]
            assert (azure.subscriptions()[0]["deadLettered"], azure.subscriptions()[0]["dropped"]) == (0, 1)


def traces(azure: Azure) -> list[tuple[str, str | None]]:
    """What became of the latest event."""
    return [(trace.fate, trace.reason) for trace in azure.told()[-1].traces]
