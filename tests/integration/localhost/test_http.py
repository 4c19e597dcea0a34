"""HTTP triggers, through the real worker library."""

import json

import aiohttp

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
    assert "broken failed: LookupError('this is broken')" in log
    assert "in broken\n" in log
    assert "azure_functions_runtime" not in log


async def test_what_runs_too_long_fails(host: RunningHost, http: aiohttp.ClientSession) -> None:
    async with http.post(f"{host.url}/api/slow", data="60") as response:
        assert response.status == 500
    assert "slow failed: It ran longer than 1.5 s, the functionTimeout in host.json." in host.part.log_text()


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
    assert "put failed: The output 'one' was not written" in host.part.log_text()


async def test_admin_lists_functions_and_tells_the_state(
    host: RunningHost, http: aiohttp.ClientSession
) -> None:
    async with http.get(f"{host.url}/admin/host/status") as response:
        assert (await response.json())["state"] == "Running"
    async with http.get(f"{host.url}/admin/functions") as response:
        listing = {each["name"]: each["config"]["bindings"] for each in await response.json()}
    assert listing["on_event"][0]["type"] == "eventGridTrigger"
    assert {binding["type"] for binding in listing["put"]} == {"httpTrigger", "http", "queue"}


async def test_the_start_is_announced_like_func_does(host: RunningHost) -> None:
    log = host.part.log_text()
    assert f"echo: [POST,PUT] {host.url}/api/echo/{{name:alpha}}/{{number:int?}}" in log
    assert f"on_event: eventGridTrigger {host.url}/runtime/webhooks/eventgrid?functionName=on_event" in log
    assert f"on_message: queueTrigger {host.prefix}-in" in log
    assert "each_second: timerTrigger * * * * * *" in log
