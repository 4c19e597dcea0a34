"""Queue triggers against Azurite."""

import asyncio
import base64
import json
import re
import shutil
import signal
from pathlib import Path

import aiohttp
import pytest

from localhost.ports import free_ports
from localhost.programs import azurite, storage_connection_string
from tests.integration.localhost.conftest import StartHost, host_of
from tests.integration.localhost.gate import gate_before
from tests.integration.localhost.running import APP, RunningHost


def app_with(tmp_path: Path, timeout: str = "00:00:01.500", **queues: object) -> Path:
    """The sample app, with another time for functions and other settings for queues in its host.json."""
    app = tmp_path / "app"
    shutil.copytree(APP, app, dirs_exist_ok=True)
    options = json.loads((app / "host.json").read_text())
    options["functionTimeout"] = timeout
    options["extensions"]["queues"].update(queues)
    (app / "host.json").write_text(json.dumps(options))
    return app


async def test_a_message_is_handled_once_and_deleted(host: RunningHost) -> None:
    await host.send("in", "plain")
    await host.until_empty("in")
    assert await host.until_noted("on_message", body="plain") == [
        {"body": "plain", "count": 1, "id": host.noted("on_message", body="plain")[0]["id"]}
    ]


async def test_a_failed_message_is_tried_again_and_then_put_aside(host: RunningHost) -> None:
    await host.send("in", "fail2", "fail9")
    await host.until_noted("on_poison", body="fail9")
    await host.until_noted("on_message", 3, body="fail2")
    for body in ("fail2", "fail9"):
        assert [note["count"] for note in host.noted("on_message", body=body)] == [1, 2, 3]
    assert not host.noted("on_poison", body="fail2")


async def test_a_full_batch_does_not_hold_up_the_next(host: RunningHost) -> None:
    await host.send("slow", "1", *["0"] * 6)
    await host.until_noted("on_slow_message", ended="1")
    ended = [note["ended"] for note in host.noted("on_slow_message") if "ended" in note]
    assert ended == ["0"] * 6 + ["1"]


async def test_a_queue_that_is_deleted_is_made_again(host: RunningHost) -> None:
    async with host.queue("in") as queue:
        await queue.delete_queue()
    await host.send("in", "after the deletion")
    await host.until_noted("on_message", body="after the deletion")


async def test_base64_is_decoded_and_what_is_none_goes_straight_to_poison(
    start_host: StartHost, http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    host = await start_host(app=app_with(tmp_path, messageEncoding="base64"))
    encoded = base64.b64encode("grüße".encode()).decode()
    await host.send("in", "not base64!", encoded)
    await host.until_noted("on_message", body="grüße")
    await host.until_logged("-in-poison': it is not encoded as base64")
    assert [note["body"] for note in host.noted("on_message")] == ["grüße"]
    async with http.post(f"{host.url}/api/put", json={"one": "grüße"}):
        assert await host.contents("out") == [encoded]


async def test_a_failed_message_comes_back_after_the_visibility_timeout(
    start_host: StartHost, tmp_path: Path
) -> None:
    host = await start_host(app=app_with(tmp_path, visibilityTimeout="1.00:00:00"))
    await host.send("in", "fail1")
    await host.until_noted("on_message", body="fail1")
    await host.send("in", "later")
    await host.until_noted("on_message", body="later")
    assert await host.contents("in") == []
    async with host.queue("in") as queue:
        assert (await queue.get_queue_properties()).approximate_message_count == 1
    assert len(host.noted("on_message", body="fail1")) == 1


async def test_a_lease_is_renewed_while_the_function_runs(start_host: StartHost, tmp_path: Path) -> None:
    host = await start_host("--lease-seconds", "3", app=app_with(tmp_path, timeout="00:10:00"))
    await host.send("slow", "4")
    await host.until_empty("slow")
    assert [note["count"] for note in await host.until_noted("on_slow_message", ended="4")] == [1]
    assert len(host.noted("on_slow_message", started="4")) == 1


async def test_what_a_killed_host_was_at_comes_to_another(start_host: StartHost) -> None:
    first = await start_host("--lease-seconds", "1")
    await first.send("slow", "0.3")
    await first.until_noted("on_slow_message", started="0.3")
    first.part.kill()
    second = await start_host(SLOW_QUEUE=f"{first.prefix}-slow")
    assert [note["count"] for note in await second.until_noted("on_slow_message", ended="0.3")] == [2]


async def test_a_stop_lets_messages_finish_and_takes_no_more(start_host: StartHost) -> None:
    host = await start_host()
    await host.send("slow", "0.5")
    await host.until_noted("on_slow_message", started="0.5")
    host.part.signal(signal.SIGTERM)
    await host.until_logged("Stopping.")
    await host.send("in", "too late")
    assert await host.part.ended() == 0
    assert host.noted("on_slow_message", ended="0.5")
    assert not host.noted("on_message")
    async with host.queue("slow") as queue:
        assert (await queue.get_queue_properties()).approximate_message_count == 0


async def test_a_stop_gives_back_what_has_not_started(start_host: StartHost, storage: str) -> None:
    port = int(re.findall(r"QueueEndpoint=http://127.0.0.1:(\d+)", storage)[0])
    async with gate_before(port) as gate:
        host = await start_host(TestStorage=storage.replace(f":{port}/", f":{gate.port}/"))
        await host.send("in", "first")
        await host.until_noted("on_message", body="first")
        gate.close()
        await host.send("in", "second")
        async with host.queue("in") as queue:
            while await queue.peek_messages():  # noqa: ASYNC110 - nothing tells that it is fetched
                await asyncio.sleep(0.02)
        host.part.signal(signal.SIGTERM)
        await host.until_logged("Stopping.")
        gate.open()
        assert await host.part.ended() == 0
    assert await host.contents("in") == ["second"]
    assert not host.noted("on_message", body="second")


async def test_a_stop_gives_back_what_does_not_end_in_time(start_host: StartHost) -> None:
    host = await start_host("--drain-seconds", "0.1")
    await host.send("slow", "1.4")
    await host.until_noted("on_slow_message", started="1.4")
    host.part.signal(signal.SIGTERM)
    assert await host.part.ended() == 0
    assert await host.contents("slow") == ["1.4"]
    assert not host.noted("on_slow_message", ended="1.4")


async def test_told_twice_a_host_stops_at_once(start_host: StartHost) -> None:
    host = await start_host()
    await host.send("slow", "1.4")
    await host.until_noted("on_slow_message", started="1.4")
    host.part.signal(signal.SIGTERM)
    await host.until_logged("Stopping.")
    host.part.signal(signal.SIGTERM)
    assert await host.part.ended() == 0
    assert await host.contents("slow") == ["1.4"]


@pytest.mark.parametrize(("batch", "threshold", "most"), [(2, 1, 3), (1, 0, 1)])
async def test_so_many_messages_run_at_once_as_host_json_allows(
    tmp_path: Path, storage: str, batch: int, threshold: int, most: int
) -> None:
    host = host_of(tmp_path, storage, app=app_with(tmp_path, batchSize=batch, newBatchThreshold=threshold))
    async with host.queue("slow") as queue:
        await queue.create_queue()
    await host.send("slow", "0.8", *["0.1"] * 3)
    host.part.start()
    try:
        await host.until_empty("slow")
    finally:
        await host.part.stop()
    running = [0]
    for note in host.noted("on_slow_message"):
        running.append(running[-1] + (1 if "started" in note else -1))
    assert max(running) == most
    assert running[-1] == 0


async def test_outages_of_the_storage_are_survived_also_where_it_hangs(tmp_path: Path) -> None:
    ports = free_ports(3)
    store = azurite(*ports, data=tmp_path / "azurite", log=tmp_path / "azurite.log")
    options = ("--storage-seconds", "0.5", "--lease-seconds", "1")
    host = host_of(tmp_path, storage_connection_string(*ports), *options)
    try:
        host.part.start()
        await host.part.ready()
        for count, body in enumerate(("not yet up", "down", "stuck"), 1):
            await host.until_logged("The storage 'TestStorage' does not answer", count)
            if body == "stuck":
                store.signal(signal.SIGCONT)
            else:
                store.start()
                await store.ready()
            await host.send("in", body)
            await host.until_noted("on_message", body=body)
            await host.until_logged("The storage 'TestStorage' answers again", count)
            if body == "not yet up":
                await store.stop()
            elif body == "down":
                store.signal(signal.SIGSTOP)
        ticks = len(host.noted("each_second"))
        await host.until_noted("each_second", ticks + 1)
    finally:
        store.signal(signal.SIGCONT)
        await host.part.stop()
        await store.stop()
