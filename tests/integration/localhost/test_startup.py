"""Starting and stopping: what cannot run is an error in words, and a stop lets work end."""

import asyncio
import json
import os
import re
import signal
import socket
from pathlib import Path

import aiohttp
import pytest

from localhost.host.errors import HostError
from localhost.host.functions import Function
from localhost.host.host_json import TimeSpan, read_host_json
from localhost.host.queue_storage import QueueStorage
from localhost.host.settings import load_local_settings
from localhost.host.storage import StorageAccounts
from localhost.host.timers import schedule_of
from tests.integration.localhost.conftest import StartHost, host_of

HEAD = "import azure.functions as func\napp = func.FunctionApp()\n"
TIMER = HEAD + "@app.timer_trigger('t', '%WHEN%')\ndef tick(t: func.TimerRequest) -> None: ...\n"


def app_of(folder: Path, source: str = "", host_json: str = '{"version": "2.0"}') -> Path:
    (folder / "host.json").write_text(host_json)
    (folder / "function_app.py").write_text(source)
    return folder


async def output_of(folder: Path, app: Path, **settings: str) -> str:
    """What a host says that cannot run, and ends with exit code 1."""
    host = host_of(folder, "", app=app, **settings)
    host.part.start()
    try:
        assert await host.part.ended() == 1
        return host.part.log_text()
    finally:
        host.part.kill()


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (HEAD, "has no functions"),
        ("import nothing_of_that_name\n", "No module named 'nothing_of_that_name'"),
        (TIMER, "Function 'tick': '%WHEN%' needs the app setting 'WHEN', which is not set"),
    ],
)
async def test_an_app_that_cannot_run_says_why(tmp_path: Path, source: str, said: str) -> None:
    assert said in await output_of(tmp_path, app_of(tmp_path, source))


WRONG = """
import azure.functions as func
app = func.FunctionApp()
@app.timer_trigger("t", "%WHEN%")
def tick(t: func.TimerRequest) -> None: ...
@app.timer_trigger("t", "* * *")
def tock(t: func.TimerRequest) -> None: ...
@app.queue_trigger("m", "%ONE%-%TWO%", connection="NoSuchStorage")
def take(m: func.QueueMessage) -> None: ...
@app.route("a/{b:nothing}")
def answer(req: func.HttpRequest) -> str: ...
"""
HOST_JSON = {
    "functionTimout": "00:01:00",
    "extensions": {"queues": {"batchSize": 64, "messageEncoding": "hex"}},
}


async def test_all_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    (tmp_path / "local.settings.json").write_text("{")
    app = app_of(tmp_path, WRONG, json.dumps(HOST_JSON))
    said = await output_of(tmp_path, app, AzureWebJobsStorage="UseDevelopmentStorage=true")
    for problem in (
        f"{tmp_path}/local.settings.json: Input data was truncated",
        f"{tmp_path}/host.json: Object contains unknown field `functionTimout` - at `$`; is `function",
        f"{tmp_path}/host.json: Object missing required field `version`",
        f"{tmp_path}/host.json: Expected `int` <= 32 - at `$.extensions.queues.batchSize`",
        f"{tmp_path}/host.json: Invalid enum value 'hex' - at `$.extensions.queues.messageEncoding`",
        "Function 'tick': '%WHEN%' needs the app setting 'WHEN'",
        "Function 'tock': the schedule '* * *' is no NCRONTAB expression",
        "Function 'take': '%ONE%-%TWO%' needs the app setting 'ONE'",
        "Function 'take': '%ONE%-%TWO%' needs the app setting 'TWO'",
        "Function 'take' needs the app setting 'NoSuchStorage'",
        "Function 'answer': the route 'api/a/{b:nothing}' cannot be read",
    ):
        assert said.count(f"  - {problem}") == 1, problem
    assert said.count("  - ") == 11


async def test_host_json_names_functions_that_are_there(tmp_path: Path) -> None:
    host_json = {"version": "2.0", "functions": ["nobody"]}
    said = await output_of(tmp_path, app_of(tmp_path, TIMER, json.dumps(host_json)), WHEN="* * * * * *")
    assert said.splitlines()[-1] == "host.json: `functions` names 'nobody', which the app does not have."


async def test_a_timer_needs_the_storage_of_the_host(tmp_path: Path) -> None:
    settings = {"WHEN": "* * * * * *", "AzureWebJobsStorage": "", "AzureWebJobsStorage__accountName": "x"}
    said = await output_of(tmp_path, app_of(tmp_path, TIMER), **settings)
    assert "Function 'tick': the connection 'AzureWebJobsStorage' is an identity's" in said


@pytest.mark.parametrize(
    ("schedule", "said"),
    [
        ("* * *", "Function 'tick': the schedule '* * *' is no NCRONTAB expression: it has 3 fields"),
        (
            "0 0 0 30 2 *",
            "Function 'tick': the schedule '0 0 0 30 2 *' is no NCRONTAB expression: .* never occurs",
        ),
    ],
)
def test_a_bad_schedule_names_the_function(schedule: str, said: str) -> None:
    binding = json.dumps({"name": "t", "type": "timerTrigger", "schedule": schedule})
    with pytest.raises(HostError, match=re.escape(said).replace(r"\.\*", ".*")):
        schedule_of(Function.of("tick", "id", [binding]))


@pytest.mark.parametrize(
    ("queue", "connection", "said"),
    [
        ("work", "TEST_MISSING", "Function 'take' needs the app setting 'TEST_MISSING', which is not set"),
        ("work", "PATH", "Function 'take': the setting 'PATH' is no connection string"),
        ("Work", "PATH", "Function 'take': 'Work' is no queue name"),
        ("wo--rk", "PATH", "Function 'take': 'wo--rk' is no queue name"),
        ("%TEST_MISSING%-work", "PATH", "Function 'take': '%TEST_MISSING%-work' needs the app setting"),
    ],
)
async def test_a_bad_queue_names_the_function(queue: str, connection: str, said: str) -> None:
    binding = {"name": "m", "type": "queueTrigger", "queueName": queue, "connection": connection}
    function = Function.of("take", "id", [json.dumps(binding)])
    with pytest.raises(HostError, match=re.escape(said)):
        QueueStorage("none", StorageAccounts(1)).queue(function, function.trigger)


def test_a_name_that_azure_would_not_take_is_refused() -> None:
    with pytest.raises(HostError, match="Function '1st': A name begins with a letter"):
        Function.of("1st", "id", [json.dumps({"name": "t", "type": "timerTrigger"})])


def test_a_binding_that_this_host_does_not_have_names_the_function() -> None:
    with pytest.raises(
        HostError, match="Function 'take': the local host does not have the binding 'blobTrigger'"
    ):
        Function.of("take", "id", [json.dumps({"name": "b", "type": "blobTrigger"})])


async def test_a_taken_port_is_one_line_that_names_it(tmp_path: Path) -> None:
    host = host_of(tmp_path, "", app=app_of(tmp_path, HEAD))
    with socket.create_server(("127.0.0.1", int(host.url.rpartition(":")[2]))) as taken:
        port = taken.getsockname()[1]
        host.part.start()
        assert await host.part.ended() == 1
    [line] = host.part.log_text().splitlines()
    assert line.startswith(f"Port {port} of 127.0.0.1 cannot be had (Address already in use).")
    assert "--port" in line


@pytest.mark.parametrize(
    ("host_json", "said"),
    [
        ("{", "truncated"),
        ("{}", "missing required field `version`"),
        ('{"version": "1.0"}', "Invalid enum value '1.0' - at `$.version`"),
        ('{"version": "2.0", "functionTimout": "00:01:00"}', "unknown field `functionTimout`"),
        ('{"version": "2.0", "functionTimeout": "5 min"}', "time span like `00:00:30`, got `5 min`"),
        ('{"version": "2.0", "extensions": {"queue": {}}}', "unknown field `queue` - at `$.extensions`"),
        (
            '{"version": "2.0", "extensions": {"queues": {"batchSize": 64}}}',
            "<= 32 - at `$.extensions.queues.batchSize`",
        ),
        (
            '{"version": "2.0", "extensions": {"queues": {"messageEncoding": "hex"}}}',
            "Invalid enum value 'hex'",
        ),
    ],
)
def test_host_json_errors_name_the_place(tmp_path: Path, host_json: str, said: str) -> None:
    with pytest.raises(HostError) as raised:
        read_host_json(app_of(tmp_path, host_json=host_json))
    assert said in str(raised.value)
    assert str(tmp_path / "host.json") in str(raised.value)


def test_host_json_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(HostError, match=r"host\.json was not found"):
        read_host_json(tmp_path)


def test_host_json_has_azures_defaults(tmp_path: Path) -> None:
    options = read_host_json(app_of(tmp_path))
    queues = options.extensions.queues
    assert options.function_timeout == TimeSpan(1800)
    assert options.extensions.http.route_prefix == "api"
    assert (queues.batch_size, queues.threshold, queues.max_dequeue_count) == (16, 8, 5)
    assert (queues.visibility_timeout, queues.max_polling_interval) == (TimeSpan(0), TimeSpan(60))
    assert queues.message_encoding == "base64"


def test_local_settings_give_way_to_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_GIVEN", "environment")
    monkeypatch.delenv("TEST_OTHER", raising=False)
    values = {"TEST_GIVEN": "file", "TEST_OTHER": "file"}
    (tmp_path / "local.settings.json").write_text(json.dumps({"IsEncrypted": False, "Values": values}))
    load_local_settings(tmp_path)
    try:
        assert (os.environ["TEST_GIVEN"], os.environ["TEST_OTHER"]) == ("environment", "file")
    finally:
        del os.environ["TEST_OTHER"]


async def test_a_stop_lets_a_request_finish(start_host: StartHost, http: aiohttp.ClientSession) -> None:
    host = await start_host()

    async def call() -> tuple[int, str]:
        async with http.post(f"{host.url}/api/slow", data="0.5") as response:
            return response.status, await response.text()

    async with asyncio.TaskGroup() as group:
        answer = group.create_task(call())
        await host.until_noted("slow", started=True)
        host.part.signal(signal.SIGTERM)
    assert answer.result() == (200, "slept")
    assert await host.part.ended() == 0


async def test_a_stop_does_not_wait_for_ever(start_host: StartHost, http: aiohttp.ClientSession) -> None:
    host = await start_host("--drain-seconds", "0.1")

    async def call() -> None:
        with pytest.raises(aiohttp.ClientError):
            await http.post(f"{host.url}/api/slow", data="1.4")

    async with asyncio.TaskGroup() as group:
        group.create_task(call())
        await host.until_noted("slow", started=True)
        host.part.signal(signal.SIGTERM)
        assert await host.part.ended() == 0
    assert "Executed 'Functions.slow' (Cancelled, " in host.part.log_text()
    assert not host.noted("slow", ended=True)
