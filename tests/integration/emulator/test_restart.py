"""What survives the end of the process, also a sudden one."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from emulator.faults import Effect, Fault, Operation
from emulator.sample_image import push_random_image
from emulator.testing import Azure
from tests.integration.emulator.support import Oci, Webhook, arm_client, digest_of, serving


@dataclass
class Program:
    """`python -m emulator up`, and where it serves."""

    process: asyncio.subprocess.Process
    urls: dict[str, str]
    banner: str

    async def until_said(self, text: str) -> None:
        """Read on until it has said that; `program` was told where its log goes."""
        assert self.process.stdout
        async with asyncio.timeout(20):
            while text not in (line := await self.process.stdout.readline()).decode():
                assert line, f"it ended before it said {text!r}"

    async def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        async with asyncio.timeout(20):
            return await self.process.wait()


@asynccontextmanager
async def program(data: Path | None, *more: str, log: int | None = None) -> AsyncIterator[Program]:
    arguments = [
        "up",
        *(("--data", str(data)) if data else ("--ephemeral",)),
        "--arm-port",
        "0",
        "--registry",
        "dev=0",
        "--registry",
        "prod=0",
        *more,
    ]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "emulator", *arguments), stdout=asyncio.subprocess.PIPE, stderr=log
    )
    try:
        assert process.stdout
        banner = ""
        while not banner.endswith("\n\n") or "data" not in banner:
            line = await asyncio.wait_for(process.stdout.readline(), 20)
            assert line, banner
            banner += line.decode()
        words = [line.split() for line in banner.splitlines() if line.startswith("  ")]
        urls = {words[0]: next(word for word in words if word.startswith("http")) for words in words[:3]}
        yield Program(process, urls, banner)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def arm(session: aiohttp.ClientSession, url: str, method: str, path: str, **more: Any) -> Any:  # noqa: ANN401
    address = path if path.startswith("http") else f"{url}{path}"
    async with session.request(method, address, headers={"Authorization": "Bearer x"}, **more) as answer:
        return answer.status, answer.headers.get("Location"), await answer.json(content_type=None)


IMPORT = (
    "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/promoter"
    "/providers/Microsoft.ContainerRegistry/registries/prod/importImage?api-version=1"
)


async def test_killed_with_an_event_and_an_import_in_flight_both_come_after_the_restart(
    tmp_path: Path,
) -> None:
    async with aiohttp.ClientSession() as session, serving(Webhook(slow=asyncio.Event())) as webhook:
        hook = ("--event-grid", f"promoter={webhook.url}")
        async with program(tmp_path, *hook, "--import-seconds", "600") as first:
            digest = await push_random_image(session, first.urls["dev"], "shop/web", "v1")
            dev = IMPORT.replace("/prod/importImage?api-version=1", "/dev")
            body = {
                "source": {"sourceImage": "shop/web:v1", "resourceId": dev},
                "targetTags": ["shop/web:v1"],
            }
            status, location, _ = await arm(session, first.urls["Resource"], "POST", IMPORT, json=body)
            assert status == 202
            upload = Oci(session, first.urls["dev"])
            started = (await upload.ask("POST", "blobs/uploads/")).headers["Location"]
            await upload.ask("PATCH", started, data=b"first half, ")
            assert await first.end(signal.SIGKILL) == -signal.SIGKILL

        assert webhook.slow
        webhook.slow.set()
        async with program(tmp_path, *hook, "--import-seconds", "0") as second:
            events = await webhook.received(3)
            assert "shop/web:v1" in [event["subject"] for event in events]

            operation = location.partition("/subscriptions")
            status, answer = 202, None
            while status == 202:
                address = f"/subscriptions{operation[2]}"
                status, _, answer = await arm(session, second.urls["Resource"], "GET", address)
            assert (status, answer) == (200, {"status": "Succeeded"})
            prod = Oci(session, second.urls["prod"])
            assert (await prod.ask("HEAD", "manifests/v1")).headers["Docker-Content-Digest"] == digest

            resumed = Oci(session, second.urls["dev"])
            assert (await resumed.ask("GET", started)).headers["Range"] == "0-11"
            whole = digest_of(b"first half, second half")
            finished = await resumed.ask("PUT", f"{started}?digest={whole}", data=b"second half")
            assert finished.status == 201
            assert await second.end(signal.SIGTERM) == 0


async def test_what_was_published_is_there_after_a_sudden_end_and_goes_to_who_subscribed(
    tmp_path: Path,
) -> None:
    options = ("--topic", "changes=cloudevents", "--event-subscriptions", str(tmp_path / "hooks.json"))
    async with aiohttp.ClientSession() as session, serving(Webhook(slow=asyncio.Event())) as webhook:
        hook = {"endpoint": webhook.url, "schema": "cloudevents", "topics": ["changes"]}
        (tmp_path / "hooks.json").write_text(json.dumps({"audit": hook}))
        async with program(tmp_path / "data", *options) as first:
            [line] = [line for line in first.banner.splitlines() if "takes cloudevents" in line]
            url, key = line.split()[1], line.split()[-1]
            event = {"specversion": "1.0", "id": "1", "source": "/shop", "type": "t", "subject": "s"}
            headers = {"aeg-sas-key": key, "Content-Type": "application/cloudevents+json"}
            address = f"{url}?api-version=2018-01-01"
            async with session.post(address, data=json.dumps(event), headers=headers) as answer:
                assert answer.status == 200
            await first.end(signal.SIGKILL)
        assert webhook.slow
        webhook.slow.set()
        async with program(tmp_path / "data", *options):
            assert (await webhook.received(1))[0] == event


async def test_ephemeral_keeps_nothing() -> None:
    async with program(None) as running, aiohttp.ClientSession() as session:
        folder = Path(running.banner.split()[-1])
        await push_random_image(session, running.urls["dev"], "shop/web", "v1")
        assert (folder / "emulator.db").exists()
        assert await running.end(signal.SIGTERM) == 0
        assert not folder.exists()  # noqa: ASYNC240 - nothing else runs here


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_stop_is_clean(tmp_path: Path, number: signal.Signals) -> None:
    async with program(tmp_path) as running:
        assert await running.end(number) == 0


async def test_the_banner_tells_what_is_where(tmp_path: Path) -> None:
    async with program(tmp_path) as running, aiohttp.ClientSession() as session:
        status, _, health = await arm(session, running.urls["Resource"], "GET", "/emulator/health")

        assert (status, health["status"]) == (200, "ok")
        assert health["registries"] == {"dev": running.urls["dev"], "prod": running.urls["prod"]}
        assert "resource group promoter, subscription 00000000-0000-0000-0000-000000000001" in running.banner


class TestWithinOneProcess:
    async def test_content_locks_and_tags_are_there_again(self, tmp_path: Path) -> None:
        async with Azure(registries=("dev",), data=tmp_path) as azure:
            digest = await azure.registry("dev").push("shop/web:v1")
            dev = Oci(azure.session, azure.registry("dev").url)
            await dev.ask("PATCH", "/acr/v1/shop/web/_tags/v1", json={"writeEnabled": False})

        async with Azure(registries=("dev",), data=tmp_path) as azure:
            dev = Oci(azure.session, azure.registry("dev").url)
            assert await azure.registry("dev").digest("shop/web:v1") == digest
            assert (await dev.ask("DELETE", "manifests/v1")).status == 405

    async def test_an_event_that_nobody_took_is_delivered_without_another_handshake(
        self, tmp_path: Path, webhook: Webhook
    ) -> None:
        async with Azure(registries=("dev",), data=tmp_path, event_time_scale=1) as azure:
            await azure.subscribe("promoter", webhook.url)
            azure.faults.add(Fault(Operation.EVENT_DELIVERY, Effect.DELAY, seconds=0.2))
            await Oci(azure.session, azure.registry("dev").url).push("v1")

        async with Azure(registries=("dev",), data=tmp_path):
            await webhook.received(1)

        assert (webhook.subjects, webhook.handshakes) == (["shop/web:v1"], 1)

    async def test_a_stuck_import_comes_to_its_end(self, tmp_path: Path) -> None:
        async with Azure(registries=("dev", "prod"), data=tmp_path) as azure, arm_client(azure) as client:
            digest = await azure.registry("dev").push("shop/web:v1")
            azure.faults.add(Fault(Operation.IMPORT_RUN, Effect.STUCK))
            source = {"sourceImage": "shop/web:v1", "resourceId": azure.registry("dev").resource_id}
            parameters: Any = {"source": source, "targetTags": ["shop/web:v1"]}
            await client.registries.begin_import_image("promoter", "prod", parameters, polling=False)

        async with Azure(registries=("dev", "prod"), data=tmp_path) as azure:
            await azure.settled()
            assert await azure.registry("prod").digest("shop/web:v1") == digest

    async def test_an_import_into_a_registry_that_is_served_no_more_fails(self, tmp_path: Path) -> None:
        async with Azure(registries=("dev", "prod"), data=tmp_path) as azure:
            await azure.registry("dev").push("shop/web:v1")
            azure.faults.add(Fault(Operation.IMPORT_RUN, Effect.STUCK))
            source = {"sourceImage": "shop/web:v1", "resourceId": azure.registry("dev").resource_id}
            _, location, _ = await arm(azure.session, azure.arm_url, "POST", IMPORT, json={"source": source})

        async with Azure(registries=("dev",), data=tmp_path) as azure:
            await azure.settled()
            path = "/subscriptions" + location.partition("/subscriptions")[2]
            status, _, answer = await arm(azure.session, azure.arm_url, "GET", path)
            assert (status, answer["error"]["code"]) == (400, "ResourceNotFound")

    async def test_what_a_killed_process_left_half_received_is_swept(self, tmp_path: Path) -> None:
        (tmp_path / "uploads").mkdir()
        (tmp_path / "uploads" / "orphan").write_bytes(b"half of a blob")

        async with Azure(registries=("dev",), data=tmp_path):
            assert list((tmp_path / "uploads").iterdir()) == []
