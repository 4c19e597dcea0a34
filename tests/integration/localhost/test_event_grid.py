"""The Event Grid webhook."""

import json
from typing import Any

import aiohttp
import pytest

from tests.integration.localhost.running import RunningHost

NOTIFICATION = {"aeg-event-type": "Notification"}


def webhook(host: RunningHost, function: str = "on_event") -> str:
    return f"{host.url}/runtime/webhooks/eventgrid?functionName={function}"


def event(event_id: str, **data: object) -> dict[str, Any]:
    return {
        "id": event_id,
        "topic": "/subscriptions/x",
        "subject": "shop/web:v1",
        "eventType": "Microsoft.ContainerRegistry.ImagePushed",
        "eventTime": "2026-11-23T17:43:54.1234567Z",
        "data": data,
        "dataVersion": "1.0",
    }


async def test_the_validation_event_is_answered_with_its_code(
    host: RunningHost, http: aiohttp.ClientSession
) -> None:
    validation = [event("1", validationCode="abc", validationUrl="https://example.org")]
    headers = {"aeg-event-type": "SubscriptionValidation"}
    async with http.post(webhook(host), json=validation, headers=headers) as response:
        assert (response.status, await response.json()) == (200, {"validationResponse": "abc"})


async def test_the_cloudevents_handshake_allows_the_origin(
    host: RunningHost, http: aiohttp.ClientSession
) -> None:
    async with http.options(
        webhook(host), headers={"WebHook-Request-Origin": "eventgrid.azure.net"}
    ) as response:
        assert response.status == 200
        assert response.headers["WebHook-Allowed-Origin"] == "eventgrid.azure.net"


async def test_an_array_is_one_call_an_event(host: RunningHost, http: aiohttp.ClientSession) -> None:
    events = [event("batch-1"), event("batch-2")]
    async with http.post(webhook(host, "ON_EVENT"), json=events, headers=NOTIFICATION) as response:
        assert response.status == 202
    for each in events:
        assert [note["kind"] for note in host.noted("on_event", id=each["id"])] == ["EventGridEvent"]


async def test_a_cloud_event_stands_alone(host: RunningHost, http: aiohttp.ClientSession) -> None:
    cloud_event = {
        "specversion": "1.0",
        "id": "cloud",
        "source": "/x",
        "type": "t",
        "subject": "s",
        "data": {},
    }
    headers = {**NOTIFICATION, "Content-Type": "application/cloudevents+json; charset=utf-8"}
    async with http.post(webhook(host), data=json.dumps(cloud_event), headers=headers) as response:
        assert response.status == 202
    assert [note["kind"] for note in host.noted("on_event", id="cloud")] == ["CloudEvent"]


async def test_one_failure_fails_the_delivery_after_all_were_called(
    host: RunningHost, http: aiohttp.ClientSession
) -> None:
    events = [event("mixed-1", fail=True), event("mixed-2")]
    async with http.post(webhook(host), json=events, headers=NOTIFICATION) as response:
        assert response.status == 500
        assert "as asked" in await response.text()
    assert host.noted("on_event", id="mixed-2")


@pytest.mark.parametrize(
    ("function", "body", "headers", "status"),
    [
        ("nothing", "[]", NOTIFICATION, 404),
        ("echo", "[]", NOTIFICATION, 404),
        ("on_event", "[]", {}, 400),
        ("on_event", "[]", {"aeg-event-type": "Other"}, 400),
        ("on_event", "{", NOTIFICATION, 400),
        ("on_event", "[1]", NOTIFICATION, 400),
        ("on_event", "[{}]", {"aeg-event-type": "SubscriptionValidation"}, 400),
        ("on_event", "[]", {"aeg-event-type": "SubscriptionValidation"}, 400),
        ("on_event", "", {"aeg-event-type": "Unsubscribe"}, 202),
    ],
)
async def test_other_requests(
    host: RunningHost,
    http: aiohttp.ClientSession,
    function: str,
    body: str,
    headers: dict[str, str],
    status: int,
) -> None:
    async with http.post(webhook(host, function), data=body, headers=headers) as response:
        assert response.status == status
