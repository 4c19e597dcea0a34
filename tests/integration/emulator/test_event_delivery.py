"""Handshakes, retries, dead letters."""

import asyncio
import json
import socket
from pathlib import Path
from typing import Any

import pytest

from emulator.eventgrid.courier import pause
from emulator.eventgrid.event import Schema
from emulator.eventgrid.subscription import Subscription
from emulator.testing import Azure
from tests.integration.emulator.support import Oci, Webhook, serving, until


def letters(folder: Path) -> list[Any]:
    return [json.loads(path.read_bytes())[0] for path in sorted(folder.rglob("*.json"))]


def state_of(azure: Azure, name: str = "promoter") -> dict[str, Any]:
    return next(one for one in azure.subscriptions() if one["name"] == name)


class TestHandshake:
    @pytest.mark.parametrize("schema", list(Schema))
    async def test_an_endpoint_that_answers_is_validated(
        self, azure: Azure, webhook: Webhook, schema: Schema
    ) -> None:
        await azure.subscribe("promoter", webhook.url, schema)

        assert (state_of(azure)["state"], webhook.handshakes) == ("Succeeded", 1)

    @pytest.mark.parametrize("schema", list(Schema))
    async def test_it_is_repeated_until_it_is_answered_and_events_wait_for_it(
        self, azure: Azure, dev: Oci, webhook: Webhook, schema: Schema
    ) -> None:
        webhook.refuse_handshakes = 2
        await azure.subscribe("promoter", webhook.url, schema, wait=False)
        assert state_of(azure)["state"] == "Creating"
        await dev.push("v1")

        await webhook.received(1)

        assert (state_of(azure)["state"], webhook.handshakes) == ("Succeeded", 3)

    async def test_an_endpoint_that_is_not_up_yet_gets_what_it_missed(self, azure: Azure, dev: Oci) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        await azure.subscribe("promoter", f"http://127.0.0.1:{port}/api/events", wait=False)
        await dev.push("v1")
        await until(lambda: state_of(azure)["trouble"])

        async with serving(Webhook(), port) as late:
            await late.received(1)

        assert late.subjects == ["shop/web:v1"]

    @pytest.mark.parametrize("schema", list(Schema))
    async def test_an_answer_that_permits_nothing_does_not_count(
        self, azure: Azure, webhook: Webhook, schema: Schema
    ) -> None:
        webhook.misunderstands = True
        await azure.subscribe("promoter", webhook.url, schema, wait=False)

        await until(lambda: webhook.handshakes > 1)

        assert state_of(azure)["state"] == "Creating"

    async def test_an_endpoint_can_be_validated_by_hand(self, azure: Azure, webhook: Webhook) -> None:
        webhook.refuse_handshakes = 10**6
        await azure.subscribe("promoter", webhook.url, wait=False)
        await until(lambda: webhook.validation_urls)
        arm = Oci(azure.session, azure.arm_url)

        wrong = await arm.ask("GET", "/emulator/subscriptions/promoter/validate?code=guessed")
        right = await arm.ask("GET", webhook.validation_urls[0].removeprefix(azure.arm_url))

        assert (wrong.status, right.status) == (404, 200)
        assert state_of(azure)["state"] == "Succeeded"

    async def test_one_that_does_not_answer_keeps_no_other_waiting(
        self, azure: Azure, dev: Oci, webhook: Webhook
    ) -> None:
        async with serving(Webhook(slow=asyncio.Event())) as stuck:
            await azure.subscribe("stuck", stuck.url)
            await azure.subscribe("down", "http://127.0.0.1:9/api/events", wait=False)
            await azure.subscribe("promoter", webhook.url)

            for number in range(40):
                await dev.push(f"v{number}")
            await webhook.received(40)

            assert stuck.events == []


class TestSubscriptionsOverHttp:
    async def test_put_get_delete(self, azure: Azure, dev: Oci, webhook: Webhook) -> None:
        arm = Oci(azure.session, azure.arm_url)
        address = "/emulator/subscriptions/promoter"

        created = await arm.ask("PUT", address, json={"endpoint": webhook.url, "registries": ["dev"]})
        await dev.push("v1")
        await webhook.received(1)
        await azure.settled()
        (shown,) = (await arm.ask("GET", "/emulator/subscriptions")).json["value"]
        deleted = [(await arm.ask("DELETE", address)).status for _ in range(2)]

        assert created.json["endpoint"] == webhook.url
        assert (shown["state"], shown["delivered"], shown["pending"]) == ("Succeeded", 1, 0)
        assert shown["registries"] == ["dev"]
        assert deleted == [204, 404]
        await dev.push("v2")
        assert azure.subscriptions() == []

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"endpoint": "no address"},
            {"endpoint": "http://h", "schema": "other"},
            {"endpoint": "http://h", "x": 1},
        ],
    )
    async def test_what_makes_no_sense_is_400(self, azure: Azure, body: object) -> None:
        answer = await Oci(azure.session, azure.arm_url).ask("PUT", "/emulator/subscriptions/x", json=body)

        assert (answer.status, answer.json["error"]["code"]) == (400, "BadRequest")

    async def test_another_endpoint_must_pass_the_handshake_too(self, azure: Azure, webhook: Webhook) -> None:
        await azure.subscribe("promoter", webhook.url)
        async with serving(Webhook()) as other:
            await azure.subscribe("promoter", other.url)
            await azure.subscribe("promoter", other.url)

        assert (webhook.handshakes, other.handshakes) == (1, 1)


class TestRetries:
    def test_the_schedule_is_the_documented_one(self) -> None:
        minute, hour = 60, 3600
        pauses = [pause(failed, 500) for failed in range(12)]
        assert pauses[:5] == [10, 30, minute, 5 * minute, 10 * minute]
        assert pauses[5:] == [30 * minute, hour, 3 * hour, 6 * hour, *[12 * hour] * 3]
        assert [pause(0, status) for status in (404, 408, 503)] == [5 * minute, 2 * minute, 30]
        assert pause(4, 404) == 10 * minute

    @pytest.mark.parametrize("status", [404, 408, 429, 500, 503, 302])
    async def test_what_is_not_taken_comes_again(
        self, azure: Azure, dev: Oci, webhook: Webhook, status: int
    ) -> None:
        await azure.subscribe("promoter", webhook.url)
        webhook.answers = [status, status]

        await dev.push("v1")
        events = await webhook.received(3)
        await azure.settled()

        assert events[0] == events[1] == events[2]
        assert [one["aeg-delivery-count"] for one in webhook.headers] == ["0", "1", "2"]
        assert (state_of(azure)["delivered"], state_of(azure)["deadLettered"]) == (1, 0)

    @pytest.mark.parametrize("status", [200, 201, 202, 203, 204])
    async def test_what_counts_as_taken(self, azure: Azure, dev: Oci, webhook: Webhook, status: int) -> None:
        await azure.subscribe("promoter", webhook.url)
        webhook.answers = [status]

        await dev.push("v1")
        await webhook.received(1)
        await azure.settled()

        assert (state_of(azure)["delivered"], len(webhook.events)) == (1, 1)

    async def test_what_is_not_taken_holds_nothing_else_up(
        self, azure: Azure, dev: Oci, webhook: Webhook
    ) -> None:
        await azure.subscribe("promoter", webhook.url)
        webhook.answers = [404]  # comes again after five minutes, scaled: 30 ms

        await dev.push("v1")
        await webhook.received(1)
        await dev.push("v2")
        await webhook.received(3)

        assert webhook.subjects == ["shop/web:v1", "shop/web:v2", "shop/web:v1"]


class TestDeadLetters:
    @pytest.mark.parametrize(
        ("status", "reason", "outcome"),
        [
            (400, "UndeliverableDueToHttpBadRequest", "BadRequest"),
            (401, "UndeliverableDueToHttpUnauthorized", "Unauthorized"),
            (403, "UndeliverableDueToHttpForbidden", "Forbidden"),
            (413, "UndeliverableDueToHttpRequestEntityTooLarge", "PayloadTooLarge"),
        ],
    )
    async def test_some_answers_are_final(
        self, azure: Azure, dev: Oci, webhook: Webhook, status: int, reason: str, outcome: str
    ) -> None:
        await azure.subscribe("promoter", webhook.url)
        webhook.answers = [status]

        await dev.push("v1")
        await webhook.received(1)
        await azure.settled()

        (letter,) = letters(azure.dead_letters)
        assert letter["deadLetterReason"] == reason
        assert letter["deliveryAttempts"] == 1
        assert letter["lastDeliveryOutcome"] == outcome
        assert letter["lastHttpStatusCode"] == status
        assert letter["publishTime"] <= letter["lastDeliveryAttemptTime"]
        assert {key: letter[key] for key in webhook.events[0]} == webhook.events[0]
        assert len(webhook.events) == 1
        assert state_of(azure)["deadLettered"] == 1

    async def test_after_the_last_attempt(self, azure: Azure, dev: Oci, webhook: Webhook) -> None:
        await azure.add_subscription("promoter", Subscription(webhook.url, max_delivery_attempts=3))
        webhook.answers = [500] * 9

        await dev.push("v1")
        await webhook.received(3)
        await azure.settled()

        (letter,) = letters(azure.dead_letters)
        assert (letter["deadLetterReason"], letter["deliveryAttempts"]) == ("MaxDeliveryAttemptsExceeded", 3)
        assert len(webhook.events) == 3

    async def test_after_the_time_to_live(self, azure: Azure, dev: Oci, webhook: Webhook) -> None:
        subscription = Subscription(webhook.url, event_time_to_live_in_minutes=60)
        await azure.add_subscription("promoter", subscription)
        webhook.answers = [500] * 99

        await dev.push("v1")
        await azure.settled()

        (letter,) = letters(azure.dead_letters)
        assert letter["deadLetterReason"] == "TimeToLiveExceeded"
        assert letter["deliveryAttempts"] == len(webhook.events)
        assert 1 < len(webhook.events) < 99

    async def test_as_a_cloud_event_in_lower_case(self, azure: Azure, dev: Oci, webhook: Webhook) -> None:
        await azure.subscribe("promoter", webhook.url, Schema.CLOUD_EVENTS)
        webhook.answers = [400]

        await dev.push("v1")
        await webhook.received(1)
        await azure.settled()

        (letter,) = letters(azure.dead_letters)
        assert (letter["specversion"], letter["deadletterreason"]) == (
            "1.0",
            "UndeliverableDueToHttpBadRequest",
        )
