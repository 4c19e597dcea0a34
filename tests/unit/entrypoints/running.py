"""The functions over a world of fakes, called as the worker calls them."""

import inspect
import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, cast, override

import azure.functions as func
import pytest
from azure.functions.decorators.function_app import FunctionBuilder
from azure.functions.eventgrid import EventGridEventInConverter
from azure.functions.meta import Datum

from promoter import bootstrap
from promoter.adapters.queue import Queue
from promoter.adapters.settings import Access, Auth, KeyedStorage, Secret, Settings
from promoter.application.documents import Rejection
from promoter.entrypoints import http
from promoter.entrypoints.routes import ROUTES
from tests.fakes.world import World

EVENTS = Path(__file__).parents[2] / "events"


class FakeQueue:
    """A queue that messages are put back on."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, timedelta]] = []

    async def send(self, text: str, after: timedelta) -> None:
        self.sent.append((text, after))


class Out(func.Out[list[str]]):
    """An output binding that is read back."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    @override
    def set(self, val: list[str]) -> None:
        self.messages = val

    @override
    def get(self) -> list[str]:
        return self.messages


@dataclass
class Functions:
    """A process of the app whose ports are fakes."""

    world: World
    queues: dict[str, FakeQueue] = field(default_factory=dict)
    wake: Out = field(default_factory=Out)

    @property
    def rejections(self) -> list[Rejection]:
        return self.world.promotions.rows(Rejection)


def settings(access: Access) -> Settings:
    return Settings(
        storage=KeyedStorage(Secret("none")),
        arm_url="http://127.0.0.1:1",
        policy=Path("policy.yaml"),
        access=access,
        client_id=None,
        in_azure=False,
    )


LOCAL = Access(Auth.LOCAL)
IN_PATH = {"id": "prod~shop:web~9999999998.main", "environment": "prod", "repository": "shop:web"}
QUEUES = ("promoter-work", "promoter-work-poison", "quality-gates", "quality-gates-poison")


def run_over(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    problems: list[str] | None = None,
    access: Access | None = LOCAL,
) -> Functions:
    """Let the functions of this process run over a world; with problems, as one that is not ready."""
    functions = Functions(world, {name: FakeQueue() for name in QUEUES})
    process = bootstrap.Process(
        settings=settings(access or Access(Auth.KEYS)),
        identity=None,
        app=None if problems else world.app,
        problems=problems or [],
        access=access,
        queues=cast("dict[str, Queue]", functions.queues),
    )
    monkeypatch.setattr(bootstrap.Process, "queue", lambda self, name: self.queues[name])
    monkeypatch.setattr(bootstrap, "_process", process)
    return functions


def request(
    method: str,
    path: str,
    body: object = None,
    params: dict[str, str] | None = None,
    route: dict[str, str] | None = None,
    headers: dict[str, str] | None = None,
) -> func.HttpRequest:
    """A call as the worker hands it over; `route` are the parts of the path that the route names."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else b""
    return func.HttpRequest(
        method=method,
        url=f"http://127.0.0.1:7071/api/{path}",
        headers=headers or {},
        params=params or {},
        route_params=route or {},
        body=content,
    )


def read(response: func.HttpResponse) -> Any:  # noqa: ANN401 - JSON is whatever it is
    return json.loads(response.get_body())


def message(body: object) -> func.QueueMessage:
    """A queue message."""
    content = body if isinstance(body, bytes | str) else json.dumps(body)
    return func.QueueMessage(id="1", body=content)


def event(name: str) -> Any:  # noqa: ANN401 - either schema's class
    """A sample event, decoded by the worker's own library."""
    text = (EVENTS / f"{name}.json").read_text()
    return EventGridEventInConverter.decode(Datum(text, "json"), trigger_metadata=None)


def http_functions() -> dict[str, Callable[..., Awaitable[func.HttpResponse]]]:
    """Every HTTP function by its name, as it was written."""
    builders = (each for each in vars(http).values() if isinstance(each, FunctionBuilder))
    return {str(each._function.get_function_name()): each._function.get_user_function() for each in builders}


async def call(
    on: Functions,
    name: str,
    body: object = None,
    *,
    headers: dict[str, str] | None = None,
    path: dict[str, str] | None = None,
    params: dict[str, str] | None = None,
) -> func.HttpResponse:
    """Call a function by its name, with whatever its path needs."""
    function, route = http_functions()[name], ROUTES[name]
    filled = {each: IN_PATH[each] for each in re.findall(r"\{(\w+)\}", route.path)} | (path or {})
    req = request(route.method, route.path.format(**filled), body, params, filled, headers)
    wakes = "wake" in inspect.signature(function).parameters
    return await (function(req, on.wake) if wakes else function(req))
