"""HTTP triggers, through the real worker library."""

import asyncio
import json
import re
from typing import Any

import aiohttp
import pytest

from localhost.host.homepage import DISABLED, homepage
from tests.integration.localhost.conftest import StartHost
from tests.integration.localhost.running import RunningHost


async def test_a_function_sees_the_request(host: RunningHost, http: aiohttp.ClientSession) -> None:
    url = f"{host.url}/api/Echo/abc/7?a=1&a=2&b=x%20y&empty="
    async with http.post(url, data="häuser".encode(), headers={"X-Probe": "yes"}) as response:
        assert response.status == 201
        assert response.headers["X-Answer"] == "yes"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert json.loads(await response.text()) == {
            "method": "POST",
            "params": {"name": "abc", "number": "7"},
            "query": {"a": "1,2", "b": "x y"},
            "header": "yes",
            "body": "häuser",
        }


async def test_the_most_specific_route_answers(host: RunningHost, http: aiohttp.ClientSession) -> None:
    expected = {
        "items/special": "literal GET",
        "items/5": "constrained 5",
        "items/abc": "free abc",
        "files/a/b%20c": "path a/b c",
        "items/a%0Ab": "free a\nb",
        "files": "path none",
    }
    for path, text in expected.items():
        async with http.get(f"{host.url}/api/{path}") as response:
            assert (response.status, await response.text()) == (200, text)


async def test_a_wrong_method_or_path_is_404_as_in_azure(
    host: RunningHost, http: aiohttp.ClientSession
) -> None:
    for method, path in (
        ("DELETE", "items/abc"),
        ("GET", "nothing"),
        ("GET", "echo/abc1"),
        ("GET", "echo/abc"),
    ):
        async with http.request(method, f"{host.url}/api/{path}") as response:
            assert response.status == 404
    async with http.get(f"{host.url}/items/special") as response:
        assert response.status == 404


async def test_the_root_tells_what_can_be_opened(host: RunningHost, http: aiohttp.ClientSession) -> None:
    async with http.get(f"{host.url}/") as response:
        assert (response.status, response.content_type) == (200, "text/html")
        links = re.findall(r'href="([^"]+)"', await response.text())
    assert "/api/items/special" in links
    assert not any("{" in each for each in links)
    for each in links:
        async with http.get(f"{host.url}{each}") as response:
            assert response.status != 404, each
    async with http.post(f"{host.url}/") as response:
        assert response.status == 404


def test_the_root_is_empty_where_the_setting_of_azure_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    assert homepage(["/api/<b>"]).text is not None
    assert "/api/&lt;b&gt;" in str(homepage(["/api/<b>"]).text)
    monkeypatch.setenv(DISABLED, "True")
    assert homepage(["/api/items"]).status == 204


async def test_a_function_without_methods_takes_all(host: RunningHost, http: aiohttp.ClientSession) -> None:
    async with http.delete(f"{host.url}/api/items/special") as response:
        assert await response.text() == "literal DELETE"


async def test_cookies_and_an_empty_answer(host: RunningHost, http: aiohttp.ClientSession) -> None:
    async with http.get(f"{host.url}/api/cookies") as response:
        assert response.status == 204
        assert response.headers["Set-Cookie"] == "a=b; Path=/"


async def test_a_failure_is_an_empty_500_and_its_traceback_is_logged(
    host: RunningHost, http: aiohttp.ClientSession
) -> None:
    async with http.get(f"{host.url}/api/broken") as response:
        assert (response.status, await response.read()) == (500, b"")
    await host.until_logged("LookupError: this is broken")
    log = host.part.log_text()
    outcome = r"\(Failed, Id=[^,]+, Duration=\d+ms\) LookupError\('this is broken'\)"
    failed = f"ERROR Executed 'Functions.broken' {outcome}"
    assert re.search(failed, log)
    assert "in broken\n" in log
    assert "azure_functions_runtime" not in log


async def test_what_runs_too_long_fails(host: RunningHost, http: aiohttp.ClientSession) -> None:
    async with http.post(f"{host.url}/api/slow", data="60") as response:
        assert response.status == 500
    assert "ms) It ran longer than 1.5 s, the functionTimeout in host.json." in host.part.log_text()


async def test_a_blocking_function_blocks_only_its_thread(
    host: RunningHost, http: aiohttp.ClientSession
) -> None:
    async with http.get(f"{host.url}/api/blocking?seconds=0.5") as blocked:
        async with http.get(f"{host.url}/api/items/special") as quick:
            assert await quick.text() == "literal GET"
        assert await blocked.text() == "blocked"


async def test_outputs_are_written_one_message_each(host: RunningHost, http: aiohttp.ClientSession) -> None:
    asked = {"one": '["not", "split"]', "many": ["a", "b"]}
    async with http.post(f"{host.url}/api/put", json=asked) as response:
        assert response.status == 200
    assert sorted(await host.contents("out")) == ['["not", "split"]', "a", "b"]
    async with http.post(f"{host.url}/api/put", json={"one": "never", "fail": True}) as response:
        assert response.status == 500
    assert "never" not in await host.contents("out")


async def test_an_output_that_cannot_be_written_fails_the_call(
    host: RunningHost, http: aiohttp.ClientSession
) -> None:
    async with http.post(f"{host.url}/api/put", json={"one": "x" * 70_000}) as response:
        assert response.status == 500
    assert "ms) The output 'one' was not written" in host.part.log_text()


async def test_a_thread_that_is_over_its_time_is_got_rid_of(
    start_host: StartHost, http: aiohttp.ClientSession
) -> None:
    host = await start_host()
    pid = host.part.pid
    async with asyncio.TaskGroup() as group:
        slow = group.create_task(text(http.post(f"{host.url}/api/slow", data="1.4")))
        async with http.get(f"{host.url}/api/blocking?seconds=60") as response:
            assert response.status == 500
    assert slow.result() == "slept"
    await host.until_logged("It holds a thread until the host has started afresh.")
    await host.until_logged("Started afresh.")
    async with http.get(f"{host.url}/api/items/special") as response:
        assert response.status == 200
    assert host.part.pid == pid


async def test_what_blocks_the_event_loop_is_ended_too(
    start_host: StartHost, http: aiohttp.ClientSession
) -> None:
    host = await start_host()
    with pytest.raises(aiohttp.ClientError):
        await http.post(f"{host.url}/api/stuck", data="60")
    async with http.get(f"{host.url}/api/items/special") as response:
        assert response.status == 200
    log = host.part.log_text()
    assert "CRITICAL 'Functions.stuck' is over its functionTimeout and cannot be ended" in log
    assert "time.sleep(float" in log


async def text(request: Any) -> str:  # noqa: ANN401 - aiohttp's request in a context
    async with request as response:
        found: str = await response.text()
        return found


class TestAdmin:
    async def test_the_state(self, host: RunningHost, http: aiohttp.ClientSession) -> None:
        status = await self.status(host, http)
        assert (status["state"], status["errors"]) == ("Running", [])
        assert status["processUptime"] > 0

    async def test_how_much_runs(self, host: RunningHost, http: aiohttp.ClientSession) -> None:
        async def until_running(*, anything: bool) -> None:
            async with asyncio.timeout(20):
                while bool((await self.status(host, http))["runningInvocations"]) is not anything:
                    pass

        async with asyncio.TaskGroup() as group:
            group.create_task(text(http.post(f"{host.url}/api/slow", data="1")))
            await until_running(anything=True)
        await until_running(anything=False)

    async def status(self, host: RunningHost, http: aiohttp.ClientSession) -> Any:  # noqa: ANN401 - JSON
        async with http.get(f"{host.url}/admin/host/status") as response:
            return await response.json()

    async def test_the_functions(self, host: RunningHost, http: aiohttp.ClientSession) -> None:
        async with http.get(f"{host.url}/admin/functions") as response:
            listing = {each["name"]: each for each in await response.json()}
        bindings = {name: each["config"]["bindings"] for name, each in listing.items()}
        assert bindings["on_event"][0]["type"] == "eventGridTrigger"
        assert {binding["type"] for binding in bindings["put"]} == {"httpTrigger", "http", "queue"}
        assert listing["free"]["invoke_url_template"] == f"{host.url}/api/items/{{id}}"
        async with http.get(listing["on_event"]["href"]) as response:
            assert await response.json() == listing["on_event"]

    async def test_functions_are_called_by_hand(self, host: RunningHost, http: aiohttp.ClientSession) -> None:
        event = {"id": "by-hand", "subject": "s", "eventType": "t", "eventTime": "2026-07-29T18:30:00Z"}
        for name, given in (
            ("on_message", "by hand"),
            ("on_event", json.dumps(event | {"topic": "x", "data": {}, "dataVersion": "1"})),
        ):
            async with http.post(f"{host.url}/admin/functions/{name}", json={"input": given}) as response:
                assert response.status == 202
        await host.until_noted("on_message", body="by hand")
        await host.until_noted("on_event", id="by-hand")

    @pytest.mark.parametrize(
        ("name", "body", "content_type", "status"),
        [
            ("nothing", "{}", "application/json", 404),
            ("daily", "{}", "text/plain", 415),
            ("daily", "[]", "application/json", 400),
            ("on_event", '{"input": "x"}', "application/json", 400),
            ("echo", "{}", "application/json", 400),
        ],
    )
    async def test_what_cannot_be_called_by_hand(
        self,
        host: RunningHost,
        http: aiohttp.ClientSession,
        name: str,
        body: str,
        content_type: str,
        status: int,
    ) -> None:
        headers = {"Content-Type": content_type}
        async with http.post(f"{host.url}/admin/functions/{name}", data=body, headers=headers) as response:
            assert response.status == status


async def test_the_start_is_announced_and_each_call_is_logged_like_func_does(
    host: RunningHost, http: aiohttp.ClientSession
) -> None:
    async with http.get(f"{host.url}/api/items/special"):
        pass
    log = host.part.log_text()
    assert f"echo: [POST,PUT] {host.url}/api/echo/{{name:alpha}}/{{number:int?}}" in log
    assert f"on_event: eventGridTrigger {host.url}/runtime/webhooks/eventgrid?functionName=on_event" in log
    assert f"on_message: queueTrigger {host.prefix}-in" in log
    assert "each_second: timerTrigger * * * * * *" in log
    time, call = r"\[[0-9-]{10}T[0-9:]{8}\.\d{3}Z\] ", r"Id=([0-9a-f-]{36})"
    began = rf"{time}Executing 'Functions.literal' \(Reason='GET /api/items/special', {call}\)\n"
    ended = rf"{time}Executed 'Functions.literal' \(Succeeded, {call}, Duration=\d+ms\)\n"
    [*calls] = re.finditer(began, log)
    assert calls
    assert {found[1] for found in calls} <= {found[1] for found in re.finditer(ended, log)}
    assert "\x1b[" not in log
