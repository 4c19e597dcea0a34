"""The host's own endpoints, below `/admin`, as Azure's host has them; on this machine no key is asked for."""

import asyncio
import os
import platform
import time
from collections.abc import Iterable, Sequence
from enum import StrEnum
from http import HTTPStatus
from importlib.metadata import version

import msgspec
from aiohttp import web

from localhost.host.functions import Function
from localhost.host.invocations import Invocations
from localhost.host.wire import Datum, json_datum, text_datum, timer_request
from localhost.host.worker import FunctionFailed


class State(StrEnum):
    """What a host is at (azure-functions-host: ScriptHostState)."""

    RUNNING = "Running"
    STOPPING = "Stopping"
    ERROR = "Error"


class _ByHand(msgspec.Struct):
    """What `POST /admin/functions/{name}` takes."""

    input: str = ""


class Admin:
    """The endpoints.

    Attributes:
        state: What the host is at.
    """

    def __init__(self, functions: Sequence[Function], invocations: Invocations, prefix: str) -> None:
        """Tell of these functions; those of HTTP are served below a prefix."""
        self._functions = {function.name.lower(): function for function in functions}
        self._invocations, self._prefix = invocations, prefix
        self._by_hand: set[asyncio.Task[None]] = set()
        self._started = time.monotonic()
        self.state = State.RUNNING

    def routes(self) -> Iterable[web.RouteDef]:
        """Name the endpoints."""
        return [
            web.get("/admin/host/status", self._status),
            web.get("/admin/functions", self._list),
            web.get("/admin/functions/{name}", self._show),
            web.post("/admin/functions/{name}", self._call),
        ]

    async def _status(self, _request: web.Request) -> web.Response:
        running = len(self._invocations.running)
        return web.json_response(status(self.state, self._started) | {"runningInvocations": running})

    async def _list(self, request: web.Request) -> web.Response:
        return web.json_response([self._described(each, request) for each in self._functions.values()])

    async def _show(self, request: web.Request) -> web.Response:
        return web.json_response(self._described(self._function(request), request))

    async def _call(self, request: web.Request) -> web.Response:
        """Call a function that is not called over HTTP, without its trigger."""
        function = self._function(request)
        if request.content_type != "application/json":
            raise web.HTTPUnsupportedMediaType(text="The body is JSON: -H 'Content-Type: application/json'")
        try:
            given = msgspec.json.decode(await request.read() or b"{}", type=_ByHand)
            trigger = _datum(function, given.input)
        except (msgspec.MsgspecError, ValueError) as error:
            raise web.HTTPBadRequest(text=str(error)) from error
        task = asyncio.create_task(self._run(function, trigger))
        self._by_hand.add(task)
        task.add_done_callback(self._by_hand.discard)
        return web.Response(status=HTTPStatus.ACCEPTED)

    async def _run(self, function: Function, trigger: Datum) -> None:
        reason = "This function was programmatically called via the host APIs."
        try:
            await self._invocations.run(function, trigger, reason=reason)
        except FunctionFailed:
            return  # it is in the log

    def _function(self, request: web.Request) -> Function:
        name = request.match_info["name"]
        function = self._functions.get(name.lower())
        if function is None:
            raise web.HTTPNotFound(text=f"There is no function '{name}'.")
        return function

    def _described(self, function: Function, request: web.Request) -> dict[str, object]:
        bindings = [dict(binding.properties) for binding in (function.trigger, *function.outputs.values())]
        route = "/".join(filter(None, (self._prefix, function.text("route") or function.name)))
        is_http = function.trigger.type == "httpTrigger"
        return {
            "name": function.name,
            "href": f"{request.url.origin()}/admin/functions/{function.name}",
            "invoke_url_template": f"{request.url.origin()}/{route}" if is_http else None,
            "language": "python",
            "isDisabled": False,
            "config": {"bindings": bindings},
        }


def status(state: State, started: float, errors: Sequence[str] = ()) -> dict[str, object]:
    """What `/admin/host/status` tells of a host that was started then, by the monotonic clock."""
    return {
        "id": f"localhost-{os.getpid()}",
        "state": state,
        "version": "4.0.0-localhost",
        "versionDetails": f"azure-functions-runtime {version('azure-functions-runtime')}",
        "computerName": platform.node(),
        "processUptime": int((time.monotonic() - started) * 1000),
        "errors": list(errors),
    }


def broken_application(problems: Sequence[str]) -> web.Application:
    """What is served in place of an app that cannot be run: why."""
    started = time.monotonic()

    async def tell(_request: web.Request) -> web.Response:
        return web.json_response(status(State.ERROR, started, problems))

    async def refuse(_request: web.Request) -> web.Response:
        text = "\n".join(("The app cannot be run as it stands:", *problems))
        return web.Response(status=HTTPStatus.SERVICE_UNAVAILABLE, text=text)

    app = web.Application()
    app.router.add_get("/admin/host/status", tell)
    app.router.add_route("*", "/{path:.*}", refuse)
    return app


def _datum(function: Function, text: str) -> Datum:
    match function.trigger.type:
        case "timerTrigger":
            return json_datum(timer_request(past_due=False, status=None))
        case "queueTrigger":
            return text_datum(text)
        case "eventGridTrigger":
            return json_datum(msgspec.json.decode(text))
        case _:
            message = f"The function '{function.name}' is called at its own address."
            raise ValueError(message)
