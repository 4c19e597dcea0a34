"""The switchboard: every effect, seen by the client that it troubles."""

import asyncio
import re
from collections import Counter
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from azure.core.exceptions import HttpResponseError, ServiceResponseTimeoutError
from azure.mgmt.containerregistry.aio import ContainerRegistryManagementClient

import emulator
from emulator.faults import EFFECTS, Effect, Fault, Faults, Operation
from emulator.testing import Azure
from tests.integration.emulator.support import (
    EMPTY,
    Oci,
    Webhook,
    answered,
    arm_client,
    digest_of,
    manifest,
)

SUBMIT, POLL, RUN = Operation.IMPORT_SUBMIT, Operation.IMPORT_POLL, Operation.IMPORT_RUN
READ, DELIVERY, ATTEMPT = Operation.MANIFEST_READ, Operation.EVENT_DELIVERY, Operation.EVENT_ATTEMPT
Arm = ContainerRegistryManagementClient


@pytest.fixture
async def digest(azure: Azure) -> str:
    return await azure.registry("dev").push("shop/web:v1")


async def submit(
    azure: Azure,
    arm: Arm,
    mode: str = "NoForce",
    **more: Any,  # noqa: ANN401 - passed on
) -> Any:  # noqa: ANN401 - a poller
    source = {"sourceImage": "shop/web:v1", "resourceId": azure.registry("dev").resource_id}
    parameters: Any = {"source": source, "targetTags": ["shop/web:v1"], "mode": mode}
    return await arm.registries.begin_import_image("promoter", "prod", parameters, polling_interval=0, **more)


async def arrived(azure: Azure) -> bool:
    await azure.settled()
    return await azure.registry("prod").digest("shop/web:v1") is not None


class TestSubmitting:
    @pytest.mark.parametrize(("status", "code"), [(429, "TooManyRequests"), (503, "ServiceUnavailable")])
    async def test_throttled(self, azure: Azure, arm: Arm, digest: str, status: int, code: str) -> None:
        azure.faults.add(Fault(SUBMIT, Effect.STATUS, status=status, retry_after=7, times=1))

        with pytest.raises(HttpResponseError) as raised:
            await submit(azure, arm)

        assert (raised.value.status_code, raised.value.error and raised.value.error.code) == (status, code)
        assert answered(raised.value).headers["Retry-After"] == "7"
        assert not await arrived(azure)
        await (await submit(azure, arm)).result()
        assert await arrived(azure)

    async def test_a_wait_below_a_second_is_told_in_milliseconds(
        self, azure: Azure, arm: Arm, digest: str
    ) -> None:
        azure.faults.add(Fault(SUBMIT, Effect.STATUS, status=429, retry_after=0.25))

        with pytest.raises(HttpResponseError) as raised:
            await submit(azure, arm)

        assert answered(raised.value).headers["retry-after-ms"] == "250"
        assert "Retry-After" not in answered(raised.value).headers

    async def test_the_clients_own_retries_get_through(self, azure: Azure, digest: str) -> None:
        azure.faults.add(Fault(SUBMIT, Effect.STATUS, status=503, retry_after=0.01, times=3))

        async with arm_client(azure) as patient:
            await (await submit(azure, patient)).result()

        assert await arrived(azure)

    async def test_answered_at_once(self, azure: Azure, arm: Arm, digest: str) -> None:
        azure.faults.add(Fault(SUBMIT, Effect.IMMEDIATE))

        poller = await submit(azure, arm)

        assert poller.polling_method().finished()
        assert await azure.registry("prod").digest("shop/web:v1") == digest

    async def test_answered_at_once_with_its_failure(self, azure: Azure, arm: Arm, digest: str) -> None:
        azure.faults.add(Fault(SUBMIT, Effect.IMMEDIATE), Fault(RUN, Effect.FAIL))

        with pytest.raises(HttpResponseError):
            await submit(azure, arm)

    async def test_no_location_looks_like_success(self, azure: Azure, arm: Arm, digest: str) -> None:
        azure.faults.add(Fault(SUBMIT, Effect.LOST_LOCATION), Fault(RUN, Effect.FAIL))

        await (await submit(azure, arm)).result()

        assert not await arrived(azure)

    async def test_a_500_though_the_import_runs(self, azure: Azure, arm: Arm, digest: str) -> None:
        azure.faults.add(Fault(SUBMIT, Effect.LOST_ANSWER, times=1))

        with pytest.raises(HttpResponseError) as lost:
            await submit(azure, arm)
        assert await arrived(azure)
        with pytest.raises(HttpResponseError) as again:
            await submit(azure, arm)

        assert (lost.value.status_code, again.value.status_code) == (500, 409)

    async def test_no_answer_in_time_though_the_import_runs(
        self, azure: Azure, arm: Arm, digest: str
    ) -> None:
        azure.faults.add(Fault(SUBMIT, Effect.HANG, seconds=60))

        with pytest.raises(ServiceResponseTimeoutError):
            await submit(azure, arm, read_timeout=0.2)

        assert await arrived(azure)

    async def test_late(self, azure: Azure, arm: Arm, digest: str) -> None:
        azure.faults.add(Fault(SUBMIT, Effect.DELAY, seconds=0.05))

        await (await submit(azure, arm)).result()

        assert await arrived(azure)


class TestPolling:
    @pytest.mark.parametrize("status", [400, 403, 500])
    async def test_a_poll_that_fails_though_the_import_runs(
        self, azure: Azure, arm: Arm, digest: str, status: int
    ) -> None:
        azure.faults.add(Fault(POLL, Effect.STATUS, status=status, code="Broken"))

        with pytest.raises(HttpResponseError) as raised:
            await (await submit(azure, arm)).result()

        assert (raised.value.status_code, raised.value.error and raised.value.error.code) == (
            status,
            "Broken",
        )
        assert await arrived(azure)

    async def test_a_body_that_says_failed_looks_like_success(
        self, azure: Azure, arm: Arm, digest: str
    ) -> None:
        azure.faults.add(Fault(RUN, Effect.STUCK), Fault(POLL, Effect.FAILED_BODY))

        async with asyncio.timeout(20):
            await (await submit(azure, arm)).result()

        assert await azure.registry("prod").digest("shop/web:v1") is None


class TestRunning:
    async def test_an_import_that_fails(self, azure: Azure, arm: Arm, digest: str) -> None:
        azure.faults.add(Fault(RUN, Effect.FAIL, code="Mishap", message="It went wrong."))

        with pytest.raises(HttpResponseError, match="It went wrong") as raised:
            await (await submit(azure, arm)).result()

        assert (raised.value.status_code, raised.value.error and raised.value.error.code) == (400, "Mishap")
        assert not await arrived(azure)

    async def test_an_import_that_fails_and_looks_like_success(
        self, azure: Azure, arm: Arm, digest: str
    ) -> None:
        azure.faults.add(Fault(RUN, Effect.FAILED_BODY))

        await (await submit(azure, arm)).result()

        assert not await arrived(azure)

    async def test_an_import_that_never_ends(self, azure: Azure, arm: Arm, digest: str) -> None:
        azure.faults.add(Fault(RUN, Effect.STUCK))
        poller = await submit(azure, arm)

        for _ in range(3):
            await poller.polling_method().update_status()

        assert poller.status() == "InProgress"
        assert await azure.registry("prod").digest("shop/web:v1") is None

    async def test_an_import_that_takes_its_time(self, azure: Azure, arm: Arm, digest: str) -> None:
        azure.faults.add(Fault(RUN, Effect.DELAY, seconds=0.05))

        await (await submit(azure, arm)).result()

        assert await azure.registry("prod").digest("shop/web:v1") == digest

    @pytest.mark.parametrize("echo", [False, True])
    async def test_whether_an_import_raises_an_event_is_a_switch(
        self, azure: Azure, arm: Arm, digest: str, *, echo: bool
    ) -> None:
        azure.faults.import_echo = echo

        await (await submit(azure, arm)).result()

        events = [event for event in azure.events() if event["topic"] == azure.registry("prod").resource_id]
        assert [event["subject"] for event in events] == (["shop/web:v1"] if echo else [])


class TestReading:
    async def test_a_manifest_that_is_throttled(self, azure: Azure, dev: Oci, prod: Oci, digest: str) -> None:
        azure.faults.add(Fault(READ, Effect.STATUS, registry="dev", status=429, retry_after=2, times=1))
        await prod.push("v1")

        throttled, after = [await dev.ask("GET", "manifests/v1") for _ in range(2)]

        assert (throttled.status, throttled.code) == (429, "TOOMANYREQUESTS")
        assert throttled.headers["Retry-After"] == "2"
        assert after.status == 200
        assert (await prod.ask("GET", "manifests/v1")).status == 200

    async def test_by_subject(self, azure: Azure, dev: Oci, digest: str) -> None:
        azure.faults.add(Fault(READ, Effect.STATUS, subject="shop/*:v1", status=503))

        assert (await dev.ask("HEAD", "manifests/v1")).status == 503
        assert (await dev.ask("HEAD", f"manifests/{digest}")).status == 200


class TestTheRegistry:
    @pytest.mark.parametrize(
        ("operation", "method", "path"),
        [
            (Operation.MANIFEST_READ, "HEAD", "manifests/v1"),
            (Operation.MANIFEST_WRITE, "PUT", "manifests/v2"),
            (Operation.BLOB_READ, "GET", f"blobs/{digest_of(EMPTY)}"),
            (Operation.BLOB_WRITE, "POST", "blobs/uploads/"),
            (Operation.BLOB_WRITE, "GET", "blobs/uploads/some-session"),
            (Operation.DELETE, "DELETE", "manifests/v1"),
            (Operation.DELETE, "DELETE", f"blobs/{digest_of(EMPTY)}"),
            (Operation.DELETE, "DELETE", "/acr/v1/shop/web"),
            (Operation.METADATA, "GET", "tags/list"),
            (Operation.METADATA, "GET", f"referrers/{digest_of(EMPTY)}"),
            (Operation.METADATA, "PATCH", "/acr/v1/shop/web/_tags/v1"),
            (Operation.METADATA, "GET", "/v2/_catalog"),
            (Operation.TOKEN, "POST", "/oauth2/exchange"),
        ],
    )
    async def test_every_operation_is_struck_and_no_other(
        self, azure: Azure, dev: Oci, digest: str, operation: Operation, method: str, path: str
    ) -> None:
        others = [each for each in Operation if each is not operation and Effect.STATUS in EFFECTS[each]]
        azure.faults.add(*(Fault(each, Effect.STATUS, status=418) for each in others))
        azure.faults.add(Fault(operation, Effect.STATUS, status=503, retry_after=1, times=1))

        answer = await dev.ask(method, path)

        assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
        assert (await dev.ask(method, path)).status not in (418, 503)

    async def test_a_manifest_that_is_stored_though_the_answer_is_lost(self, azure: Azure, dev: Oci) -> None:
        await dev.push_blob(EMPTY)
        azure.faults.add(Fault(Operation.MANIFEST_WRITE, Effect.LOST_ANSWER, status=502, times=1))

        answer = await dev.push_manifest(manifest(), "v1")

        assert (answer.status, answer.code) == (502, "UNKNOWN")
        assert await azure.registry("dev").digest("shop/web:v1") == digest_of(manifest())

    async def test_a_blob_that_is_cut_in_half(self, azure: Azure, dev: Oci) -> None:
        blob = await dev.push_blob(b"0123456789" * 1000)
        azure.faults.add(Fault(Operation.BLOB_READ, Effect.CUT, times=1))

        with pytest.raises(aiohttp.ClientPayloadError):
            await dev.ask("GET", f"blobs/{blob}")

        assert len((await dev.ask("GET", f"blobs/{blob}")).body) == 10_000

    async def test_late(self, azure: Azure, dev: Oci, digest: str) -> None:
        azure.faults.add(Fault(Operation.METADATA, Effect.DELAY, seconds=600))

        with pytest.raises(TimeoutError):
            await dev.ask("GET", "tags/list", timeout=aiohttp.ClientTimeout(total=0.05))


class TestTagRaces:
    async def test_a_tag_that_somebody_takes_first_fails_the_import(
        self, azure: Azure, arm: Arm, digest: str
    ) -> None:
        azure.faults.add(Fault(RUN, Effect.TAG_TAKEN))

        with pytest.raises(HttpResponseError, match="already exists"):
            await (await submit(azure, arm)).result()

        assert await azure.registry("prod").digest("shop/web:v1") not in (None, digest)
        (event,) = [one for one in azure.events() if one["topic"] == azure.registry("prod").resource_id]
        assert event["subject"] == "shop/web:v1"

    async def test_force_takes_it_back(self, azure: Azure, arm: Arm, digest: str) -> None:
        azure.faults.add(Fault(RUN, Effect.TAG_TAKEN))

        await (await submit(azure, arm, mode="Force")).result()

        assert await azure.registry("prod").digest("shop/web:v1") == digest

    async def test_a_tag_that_somebody_moves_right_after(self, azure: Azure, arm: Arm, digest: str) -> None:
        azure.faults.add(Fault(RUN, Effect.TAG_MOVED))

        await (await submit(azure, arm)).result()
        await azure.settled()

        assert await azure.registry("prod").digest("shop/web:v1") not in (None, digest)
        assert await azure.registry("prod").digest(f"shop/web@{digest}") == digest


class TestEvents:
    @pytest.fixture
    async def subscribed(self, azure: Azure, webhook: Webhook) -> Webhook:
        await azure.subscribe("promoter", webhook.url)
        return webhook

    async def test_duplicate(self, azure: Azure, dev: Oci, subscribed: Webhook) -> None:
        azure.faults.add(Fault(DELIVERY, Effect.DUPLICATE))

        await dev.push("v1")

        first, second = await subscribed.received(2)
        assert first == second

    async def test_dropped(self, azure: Azure, dev: Oci, subscribed: Webhook) -> None:
        azure.faults.add(Fault(DELIVERY, Effect.DROP, subject="*:v1"))

        await dev.push("v1")
        await dev.push("v2")
        await azure.settled()

        assert subscribed.subjects == ["shop/web:v2"]

    async def test_late(self, azure: Azure, dev: Oci, subscribed: Webhook) -> None:
        azure.faults.add(Fault(DELIVERY, Effect.DELAY, subject="*:v1", seconds=0.1))

        await dev.push("v1")
        await dev.push("v2")
        await subscribed.received(2)

        assert subscribed.subjects == ["shop/web:v2", "shop/web:v1"]

    async def test_reordered_behind_the_next(self, azure: Azure, dev: Oci, subscribed: Webhook) -> None:
        azure.faults.add(Fault(DELIVERY, Effect.REORDER, subject="*:v1", seconds=600))

        await dev.push("v1")
        await dev.push("v2")
        await subscribed.received(2)

        assert subscribed.subjects == ["shop/web:v2", "shop/web:v1"]

    async def test_reordered_with_nothing_behind_it_comes_all_the_same(
        self, azure: Azure, dev: Oci, subscribed: Webhook
    ) -> None:
        azure.faults.add(Fault(DELIVERY, Effect.REORDER, seconds=0.05))

        await dev.push("v1")

        await subscribed.received(1)

    async def test_an_attempt_that_fails_on_the_way(
        self, azure: Azure, dev: Oci, subscribed: Webhook
    ) -> None:
        azure.faults.add(Fault(ATTEMPT, Effect.STATUS, status=503, times=2))

        await dev.push("v1")
        await subscribed.received(1)

        assert subscribed.headers[0]["aeg-delivery-count"] == "2"


THROTTLED = {
    "operation": "import.submit",
    "effect": "status",
    "registry": "prod",
    "status": 429,
    "retryAfter": 2.0,
}


class TestTheSwitchboard:
    async def test_put_get_delete(self, azure: Azure) -> None:
        arm = Oci(azure.session, azure.arm_url)
        wanted = {"seed": 7, "importEcho": True, "noForceSameDigest": "success", "faults": [THROTTLED]}

        put = await arm.ask("PUT", "/emulator/faults", json=wanted)
        got = await arm.ask("GET", "/emulator/faults")
        deleted = await arm.ask("DELETE", "/emulator/faults")

        assert put.json == got.json == wanted | {"faults": [THROTTLED | {"applied": 0}]}
        assert deleted.json == {"seed": 7, "importEcho": False, "noForceSameDigest": "conflict", "faults": []}

    @pytest.mark.parametrize(
        "fault",
        [
            {"operation": "import.submit"},
            {"operation": "import.submit", "effect": "duplicate"},
            {"operation": "import.submit", "effect": "status", "probability": 1.5},
            {"operation": "import.submit", "effect": "status", "status": 99},
            {"operation": "import.submit", "effect": "status", "retryAfter": -1},
            {"operation": "import.submit", "effect": "delay", "seconds": -1},
            {"operation": "import.submit", "effect": "status", "times": -1},
            {"operation": "import.submit", "effect": "status", "unknown": 1},
            {"operation": "import.submit", "effect": "status", "registry": "none"},
            {"operation": "none", "effect": "status"},
        ],
    )
    async def test_what_makes_no_sense_is_400_and_changes_nothing(self, azure: Azure, fault: object) -> None:
        azure.faults.add(Fault(SUBMIT, Effect.IMMEDIATE))

        answer = await Oci(azure.session, azure.arm_url).ask(
            "PUT", "/emulator/faults", json={"faults": [fault]}
        )

        assert (answer.status, answer.json["error"]["code"]) == (400, "BadRequest")
        assert len(azure.faults.view()["faults"]) == 1  # type: ignore[arg-type]

    async def test_a_site_may_come_later_and_a_topic_raises_events_too(self, azure: Azure) -> None:
        arm = Oci(azure.session, azure.arm_url)
        for operation in ("site.read", "event.delivery"):
            fault = {"operation": operation, "effect": "delay", "registry": "later"}
            assert (await arm.ask("POST", "/emulator/faults", json=fault)).status == 200

    @pytest.mark.parametrize("operation", list(Operation))
    def test_every_operation_can_go_wrong(self, operation: Operation) -> None:
        for effect in EFFECTS[operation]:
            assert Fault(operation, effect).effect is effect

    def test_one_seed_gives_one_schedule_in_whatever_order(self) -> None:
        subjects = [f"shop/web:v{number}" for number in range(200)]

        def schedule(seed: int, order: list[str]) -> dict[str, bool]:
            faults = Faults(seed)
            faults.add(Fault(SUBMIT, Effect.STATUS, probability=0.3))
            return {subject: bool(faults.draw(SUBMIT, "prod", subject)) for subject in order}

        assert schedule(1, subjects) == schedule(1, subjects[::-1])
        assert schedule(1, subjects) != schedule(2, subjects)
        assert 40 <= Counter(schedule(1, subjects).values())[True] <= 80

    def test_the_next_time_is_another_draw(self) -> None:
        faults = Faults()
        faults.add(Fault(SUBMIT, Effect.STATUS, probability=0.5))

        draws = [bool(faults.draw(SUBMIT, "prod", "shop/web:v1")) for _ in range(50)]

        assert set(draws) == {True, False}

    def test_times_counts_what_struck(self) -> None:
        faults = Faults()
        faults.add(Fault(SUBMIT, Effect.STATUS, times=2), Fault(SUBMIT, Effect.DELAY))

        drawn = [set(faults.draw(SUBMIT, "prod", "a:b")) for _ in range(3)]

        assert drawn == [{Effect.STATUS, Effect.DELAY}] * 2 + [{Effect.DELAY}]
        assert faults.draw(POLL, "prod", "a:b") == {}


def test_the_readme_names_every_operation_and_effect() -> None:
    page = (Path(emulator.__file__).parent / "README.md").read_text()
    rows = [line for line in page.splitlines() if line.startswith("| `")]

    for operation, effects in EFFECTS.items():
        (row,) = [row for row in rows if f"`{operation}`" in row.split("|")[1]]
        assert {str(effect) for effect in effects} <= set(re.findall(r"`([a-z-]+)`", row.split("|")[2])), row
