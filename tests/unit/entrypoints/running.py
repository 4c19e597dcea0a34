"""The functions over a world of fakes, called as the worker calls them."""

import json
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, cast, override

import azure.functions as func
import pytest
from azure.functions.eventgrid import EventGridEventInConverter
from azure.functions.meta import Datum

from promoter import bootstrap
from promoter.adapters.queue import Queue
from promoter.adapters.settings import Auth, KeyedStorage, Secret, Settings
from promoter.application.documents import Rejection
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


def settings(auth: Auth) -> Settings:
    return Settings(
        storage=KeyedStorage(Secret("none")),
        arm_url="http://127.0.0.1:1",
        policy=Path("policy.yaml"),
        auth=auth,
        client_id=None,
        in_azure=False,
    )


QUEUES = ("promoter-work", "promoter-work-poison", "quality-gates", "quality-gates-poison")


def run_over(
    world: World, monkeypatch: pytest.MonkeyPatch, problems: list[str] | None = None, auth: Auth = Auth.LOCAL
) -> Functions:
    """Let the functions of this process run over a world; with problems, as one that is not ready."""
    functions = Functions(world, {name: FakeQueue() for name in QUEUES})
    process = bootstrap.Process(
        settings=settings(auth),
        identity=None,
        app=None if problems else world.app,
        problems=problems or [],
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
) -> func.HttpRequest:
    """A call as the worker hands it over; `route` are the parts of the path that the route names."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else b""
    return func.HttpRequest(
        method=method,
        url=f"http://127.0.0.1:7071/api/{path}",
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
