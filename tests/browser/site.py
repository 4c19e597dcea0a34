"""The app's functions over a world of fakes, served to a browser: its true answers, headers and all."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import azure.functions as func
from aiohttp import web

from promoter.entrypoints.routes import ROUTES
from tests.unit.entrypoints.running import http_functions

type Instead = Callable[[web.Request], Awaitable[web.Response | None]]


@dataclass
class Site:
    """A server of all that is read.

    Attributes:
        address: Where the API is.
        asked: Every call that came, with its status, in order.
        instead: What answers in place of the app, where it wants to.
    """

    address: str = ""
    asked: list[tuple[str, int]] = field(default_factory=list)
    instead: Instead | None = None

    async def answer(self, request: web.Request) -> web.Response:
        """Answer as the app does, or as it is to seem to."""
        given = await self.instead(request) if self.instead else None
        answer = given or await self.of_app(request)
        self.asked.append((request.rel_url.raw_path_qs.removeprefix("/api/"), answer.status))
        return answer

    async def of_app(
        self,
        request: web.Request,
        headers: dict[str, str] | None = None,
        query: dict[str, str] | None = None,
    ) -> web.Response:
        """What the app answers to a request, or to that with more headers or another query."""
        req = func.HttpRequest(
            method=request.method,
            url=str(request.url),
            headers={**request.headers, **(headers or {})},
            params=dict(request.query) if query is None else query,
            route_params=dict(request.match_info),
            body=b"",
        )
        found = await http_functions()[str(request.match_info.route.name)](req)
        return web.Response(
            body=found.get_body(),
            status=found.status_code,
            headers=found.headers,
            content_type=found.mimetype,
        )

    def statuses(self, path: str) -> list[int]:
        """What calls of a path were answered."""
        return [status for asked, status in self.asked if asked.partition("?")[0] == path]


async def serve(site: Site) -> web.AppRunner:
    """Start a server, and tell the site its address."""
    app = web.Application()
    for route in ROUTES.values():
        if not route.changes:
            app.router.add_get(f"/api/{route.path}", site.answer, name=route.name)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0]
    site.address = f"http://{host}:{port}/api/"
    return runner
