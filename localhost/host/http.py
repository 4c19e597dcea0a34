"""HTTP triggers and the Event Grid webhook, with the admin endpoints, as an aiohttp application."""

from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl

from aiohttp import web

from localhost.host import event_grid
from localhost.host.admin import Admin, State
from localhost.host.functions import Function
from localhost.host.homepage import homepage
from localhost.host.host_json import HttpOptions
from localhost.host.invocations import Invocations
from localhost.host.routes import Routes
from localhost.host.wire import Datum, bytes_datum, text_datum
from localhost.host.worker import FunctionFailed

_LARGEST_BODY = 100 * 1024 * 1024


class HttpFront:
    """What the app shows to HTTP."""

    def __init__(
        self, functions: Sequence[Function], routes: Routes, options: HttpOptions, invocations: Invocations
    ) -> None:
        """Serve these functions."""
        self._functions = {function.name.lower(): function for function in functions}
        self._admin = Admin(functions, invocations, options.route_prefix)
        self._routes = routes
        self._options = options
        self._invocations = invocations

    def stop(self) -> None:
        """Refuse requests from now on, should any still come."""
        self._admin.state = State.STOPPING

    def application(self) -> web.Application:
        """The application to serve."""
        app = web.Application(client_max_size=_LARGEST_BODY)
        app.add_routes(self._admin.routes())
        app.router.add_route("*", event_grid.PATH, self._event_grid)
        app.router.add_route("*", r"/{path:[\s\S]*}", self._call)
        return app

    async def _event_grid(self, request: web.Request) -> web.Response:
        if self._admin.state is not State.RUNNING:
            return web.Response(status=503)
        function = self._functions.get(request.query.get("functionName", "").lower())
        return await event_grid.deliver(request, function, self._invocations)

    async def _call(self, request: web.Request) -> web.Response:
        if self._admin.state is not State.RUNNING:
            return web.Response(status=503)
        found = self._routes.find(request.method, request.rel_url.raw_path)
        if found is None:
            is_root = request.method == "GET" and request.path == "/"
            return homepage(self._routes.pages) if is_root else web.Response(status=404)
        function, parameters = found
        datum = await _request_datum(request, parameters)
        try:
            value = await self._invocations.run(
                function,
                datum,
                reason=f"{request.method} {request.path}",
                trace_parent=request.headers.get("traceparent", ""),
            )
        except FunctionFailed:
            response = web.Response(status=500)
        else:
            response = _response(value)
        response.headers.update(self._options.custom_headers)
        return response


async def _request_datum(request: web.Request, parameters: Mapping[str, str]) -> Datum:
    """The request as Azure's host hands it over.

    It drops query parameters without a value, joins those that are repeated, and reads a body only where its
    length was announced: a chunked body does not reach the function.
    """
    query: dict[str, str] = {}
    for name, value in parse_qsl(request.rel_url.raw_query_string):
        query[name] = f"{query[name]},{value}" if name in query else value
    headers = {name.lower(): ", ".join(request.headers.getall(name)) for name in request.headers}
    content = {
        "method": text_datum(request.method),
        "url": text_datum(str(request.url)),
        "headers": {name: text_datum(value) for name, value in headers.items()},
        "params": {name: text_datum(value) for name, value in parameters.items()},
        "query": {name: text_datum(value) for name, value in query.items()},
        "body": bytes_datum(await request.read() if request.content_length else b""),
    }
    return Datum(content, "http")


def _response(value: Datum | None) -> web.Response:
    if value is None:
        return web.Response(status=204)
    if value.type != "http":
        return web.Response(text=value.value)
    content = value.value
    response = web.Response(body=content["body"].value, status=int(content["status_code"].value))
    response.headers.update({name: header.value for name, header in content["headers"].items()})
    for cookies in content.get("cookies") or ():
        for cookie in cookies.values():
            response.headers.add("Set-Cookie", cookie.OutputString())
    return response
