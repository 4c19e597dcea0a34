"""Custom topics, with azure-eventgrid's own publisher and with plain requests."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from azure.core.credentials import AzureKeyCredential, AzureSasCredential
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
from azure.core.messaging import CloudEvent
from azure.eventgrid import EventGridEvent, generate_sas
from azure.eventgrid.aio import EventGridPublisherClient

from emulator.errors import SubscribeError
from emulator.eventgrid.event import Schema
from emulator.eventgrid.subscription import Subscription
from emulator.testing import Azure
from tests.integration.emulator.support import Oci, Webhook

ORDERS, CHANGES = "orders", "changes"
STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
CLOUD_EVENT = {"specversion": "1.0", "id": "1", "source": "/shop", "type": "Shop.Changed"}


@pytest.fixture
async def azure(tmp_path: Path) -> AsyncIterator[Azure]:
    topics = {ORDERS: Schema.EVENT_GRID, CHANGES: Schema.CLOUD_EVENTS}
    async with Azure(registries=("dev",), data=tmp_path, topics=topics) as azure:
        yield azure


def publisher(
    azure: Azure, topic: str, credential: AzureKeyCredential | AzureSasCredential | None = None
) -> EventGridPublisherClient:
    key = AzureKeyCredential(azure.topic(topic).keys[0])
    return EventGridPublisherClient(azure.topic_url(topic), credential or key, retry_total=0)


def order(subject: str = "orders/1", data: object = None, **more: Any) -> EventGridEvent:  # noqa: ANN401
    return EventGridEvent(subject, "Shop.OrderPlaced", data or {"total": 5}, "2.1", **more)


def document(**changes: object) -> dict[str, object]:
    """An event in the Event Grid schema, with other values; None leaves one out."""
    event: dict[str, object] = {
        "id": "1",
        "subject": "s",
        "eventType": "t",
        "eventTime": "2026-07-29T18:30:00Z",
        "data": {},
        "dataVersion": "1",
    }
    return {name: value for name, value in (event | changes).items() if value is not None}


async def post(azure: Azure, topic: str, body: object, **headers: str) -> tuple[int, Any]:
    """Publish by a plain request; the status, and the error if there is one."""
    path = azure.topic_url(topic).removeprefix(azure.arm_url) if topic in {ORDERS, CHANGES} else topic
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    key = {"aeg-sas-key": azure.topic(CHANGES if topic == CHANGES else ORDERS).keys[1]}
    answer = await Oci(azure.session, azure.arm_url).ask(
        "POST", f"{path}?api-version=2018-01-01", data=BytesIO(content), headers=key | named
    )
    return answer.status, answer.json["error"] if answer.body else None


class TestTheRealPublisher:
    async def test_events_in_the_event_grid_schema(self, azure: Azure, webhook: Webhook) -> None:
        await azure.add_subscription("billing", Subscription(webhook.url, topics=[ORDERS]))

        async with publisher(azure, ORDERS) as client:
            await client.send([order("orders/1", id="a"), order("orders/2", data="text", id="b")])

        first, second = sorted(await webhook.received(2), key=lambda event: str(event["id"]))
        assert first["topic"] == azure.topic(ORDERS).resource_id
        assert (first["subject"], first["eventType"]) == ("orders/1", "Shop.OrderPlaced")
        assert (first["data"], second["data"]) == ({"total": 5}, "text")
        assert (first["dataVersion"], first["metadataVersion"]) == ("2.1", "1")
        assert webhook.headers[0]["aeg-data-version"] == "2.1"

    async def test_cloud_events_arrive_as_they_were_sent(self, azure: Azure, webhook: Webhook) -> None:
        wanted = Subscription(webhook.url, Schema.CLOUD_EVENTS, topics=[CHANGES])
        await azure.add_subscription("audit", wanted)
        sent = CloudEvent("/shop", "Shop.Changed", id="a", subject="x", data=[1], extensions={"trace": "t"})
        raw = CloudEvent("/shop", "Shop.Changed", id="b", data=b"\x00\x01")

        async with publisher(azure, CHANGES) as client:
            await client.send([sent, raw])

        first, second = sorted(await webhook.received(2), key=lambda event: str(event["id"]))
        assert (first["source"], first["subject"], first["data"]) == ("/shop", "x", [1])
        assert first["trace"] == "t"
        assert datetime.fromisoformat(first["time"]) == sent.time
        assert (second["data_base64"], "data" in second, "subject" in second) == ("AAE=", False, False)
        assert webhook.headers[0]["Content-Type"] == "application/cloudevents+json; charset=utf-8"

    async def test_events_in_the_event_grid_schema_are_delivered_as_cloud_events(
        self, azure: Azure, webhook: Webhook
    ) -> None:
        wanted = Subscription(webhook.url, Schema.CLOUD_EVENTS, topics=[ORDERS])
        await azure.add_subscription("audit", wanted)

        async with publisher(azure, ORDERS) as client:
            await client.send(order())

        (event,) = await webhook.received(1)
        assert (event["type"], event["source"]) == ("Shop.OrderPlaced", azure.topic(ORDERS).resource_id)

    async def test_a_signature_counts_until_it_expires(self, azure: Azure) -> None:
        url, key = azure.topic_url(ORDERS), azure.topic(ORDERS).keys[1]
        for hours, admitted in ((1, True), (-1, False)):
            expiry = datetime.now(UTC) + timedelta(hours=hours)
            credential = AzureSasCredential(generate_sas(url, key, expiry))
            async with publisher(azure, ORDERS, credential) as client:
                if admitted:
                    await client.send(order())
                else:
                    with pytest.raises(ClientAuthenticationError):
                        await client.send(order())
        assert len(azure.events()) == 1

    @pytest.mark.parametrize(
        "credential",
        [AzureKeyCredential("d3Jvbmc="), AzureSasCredential("r=x&e=2099-01-01&s=x"), AzureSasCredential("x")],
    )
    async def test_another_key_is_refused(
        self, azure: Azure, credential: AzureKeyCredential | AzureSasCredential
    ) -> None:
        async with publisher(azure, ORDERS, credential) as client:
            with pytest.raises(ClientAuthenticationError, match="not authorized for the topic 'orders'"):
                await client.send(order())
        assert azure.events() == []

    async def test_the_other_schema_is_refused(self, azure: Azure) -> None:
        async with publisher(azure, ORDERS) as orders, publisher(azure, CHANGES) as changes:
            with pytest.raises(HttpResponseError, match="'EventGridEvent' schema"):
                await orders.send(CloudEvent("/shop", "Shop.Changed"))
            with pytest.raises(HttpResponseError, match="'CloudEventV10' schema"):
                await changes.send(order())
        assert azure.events() == []


class TestRequests:
    async def test_one_structured_cloud_event(self, azure: Azure) -> None:
        assert await post(azure, CHANGES, CLOUD_EVENT, Content_Type=STRUCTURED) == (200, None)
        assert azure.events() == [CLOUD_EVENT]

    async def test_a_binary_cloud_event(self, azure: Azure) -> None:
        headers = {"ce_specversion": "1.0", "ce_id": "1", "ce_source": "/a%20b", "ce_type": "t"}
        for body, content_type in ((b'{"a": 1}', "application/json"), (b"\xff", "image/png")):
            assert await post(azure, CHANGES, body, Content_Type=content_type, **headers) == (200, None)
        first, second = azure.events()
        assert (first["source"], first["data"]) == ("/a b", {"a": 1})
        assert (second["datacontenttype"], second["data_base64"]) == ("image/png", "/w==")

    @pytest.mark.parametrize(
        ("body", "says"),
        [
            (b"{", "truncated"),
            (b"[" * 100_000, "recursion"),
            (document(), "Expected `array`"),
            ([document(id=None)], "missing required field `id`"),
            ([document(id="")], "`$.id`"),
            ([document(dataVersion=None)], "missing required field `dataVersion`"),
            ([document(eventTime="yesterday")], "`$.eventTime`"),
            ([document(topic="/elsewhere")], "its topic is /elsewhere"),
            ([document(), "event"], "Expected `object`"),
        ],
    )
    async def test_what_is_no_event_is_refused_with_all_that_came_with_it(
        self, azure: Azure, body: object, says: str
    ) -> None:
        status, error = await post(azure, ORDERS, body)
        assert (status, error["code"]) == (400, "BadRequest")
        assert says in error["message"]
        assert error["details"] == [{"code": "BadRequest", "message": error["message"]}]
        assert azure.events() == []

    @pytest.mark.parametrize(
        ("changes", "content_type", "says"),
        [
            ({"specversion": "0.3"}, STRUCTURED, "its specversion is 0.3"),
            ({"source": ""}, STRUCTURED, "`$.source`"),
            ({"time": "noon"}, STRUCTURED, "`$.time`"),
            ({"eventType": "t"}, STRUCTURED, "unlike eventType"),
            ({}, BATCH, "Expected `array`"),
            ({}, "application/json", "its Content-Type is application/json"),
        ],
    )
    async def test_what_is_no_cloud_event_is_refused(
        self, azure: Azure, changes: dict[str, object], content_type: str, says: str
    ) -> None:
        status, error = await post(azure, CHANGES, CLOUD_EVENT | changes, Content_Type=content_type)
        assert (status, error["code"]) == (400, "BadRequest")
        assert says in error["message"]

    async def test_a_megabyte_is_the_limit(self, azure: Azure) -> None:
        rest = len(json.dumps([document(data="")]))
        limit = 1024 * 1024
        assert await post(azure, ORDERS, [document(data="x" * (limit - rest))]) == (200, None)
        status, error = await post(azure, ORDERS, [document(data="x" * (limit - rest + 1))])
        assert (status, error["code"]) == (413, "PayloadTooLarge")

    async def test_a_topic_and_a_version_must_be_named(self, azure: Azure) -> None:
        assert (await post(azure, "/topics/nothing/api/events", []))[0] == 404
        answer = await Oci(azure.session, azure.arm_url).ask("POST", "/topics/orders/api/events", data=b"[]")
        assert "api-version" in answer.json["error"]["message"]


class TestWhoIsTold:
    async def test_a_subscription_hears_of_what_it_names(
        self, azure: Azure, dev: Oci, webhook: Webhook
    ) -> None:
        everything = Subscription(webhook.url, topics=["ORDERS"], registries=["dev"])
        await azure.add_subscription("both", everything)
        await azure.add_subscription("registries", Subscription(webhook.url))
        await azure.add_subscription("topic", Subscription(webhook.url, topics=[ORDERS]))

        await dev.push("v1")
        async with publisher(azure, ORDERS) as client:
            await client.send(order())
        await azure.settled()

        heard = {(each["aeg-subscription-name"]) for each in webhook.headers}
        assert heard == {"BOTH", "REGISTRIES", "TOPIC"}
        assert sorted(webhook.subjects) == ["orders/1"] * 2 + ["shop/web:v1"] * 2

    async def test_filters_hold_for_topics_too(self, azure: Azure, webhook: Webhook) -> None:
        wanted = Subscription(
            webhook.url, topics=[ORDERS], event_types=["Shop.OrderPlaced"], subject_ends_with="/2"
        )
        await azure.add_subscription("billing", wanted)
        async with publisher(azure, ORDERS) as client:
            other = EventGridEvent("orders/2", "Shop.OrderSent", {}, "1")
            await client.send([order("orders/1"), order("orders/2"), other])
        await azure.settled()
        assert [event["eventType"] for event in webhook.events] == ["Shop.OrderPlaced"]

    @pytest.mark.parametrize(
        ("topic", "says"),
        [("nothing", "there is no topic 'nothing'"), (CHANGES, "delivered in no other schema")],
    )
    async def test_a_topic_that_cannot_be_heard_is_refused(self, azure: Azure, topic: str, says: str) -> None:
        with pytest.raises(SubscribeError, match=says):
            await azure.add_subscription("x", Subscription("http://h", topics=[topic]))
        body = {"endpoint": "http://h", "topics": [topic]}
        answer = await Oci(azure.session, azure.arm_url).ask("PUT", "/emulator/subscriptions/x", json=body)
        assert answer.status == 400
        assert says in answer.json["error"]["message"]


async def test_topics_over_http_and_over_a_restart(azure: Azure, tmp_path: Path) -> None:
    arm = Oci(azure.session, azure.arm_url)
    made = await arm.ask("PUT", "/emulator/topics/late", json={"schema": "cloudevents"})
    assert made.json["endpoint"] == f"{azure.arm_url}/topics/late/api/events"
    assert (await arm.ask("PUT", "/emulator/topics/late", json={"schema": "other"})).status == 400
    assert [(await arm.ask("DELETE", "/emulator/topics/ORDERS")).status for _ in range(2)] == [204, 404]
    await azure.__aexit__(None, None, None)
    async with Azure(registries=("dev",), data=tmp_path) as again:
        shown = await Oci(again.session, again.arm_url).ask("GET", "/emulator/topics")
        topics = {topic["name"]: topic for topic in shown.json["value"]}
        assert set(topics) == {CHANGES, "late"}
        assert topics["late"]["key1"] == made.json["key1"]
    await azure.__aenter__()


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("topics/a%2Fb", "a topic's name has 3 to 50 letters"),
        ("subscriptions/..%2F..%2Fetc", "a subscription's name has 1 to 64 letters"),
    ],
)
async def test_a_name_that_is_none_is_refused(azure: Azure, path: str, says: str) -> None:
    """A subscription's is a folder of dead letters."""
    body = {"endpoint": "http://127.0.0.1:9"} if path.startswith("sub") else {}

    answer = await Oci(azure.session, azure.arm_url).ask("PUT", f"/emulator/{path}", json=body)

    assert (answer.status, answer.json["error"]["code"]) == (400, "BadRequest")
    assert says in answer.json["error"]["message"]
