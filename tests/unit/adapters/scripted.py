"""A server that answers what it is told to, and keeps what it was asked."""

from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import msgspec
from aiohttp import web


@dataclass(frozen=True)
class Asked:
    """One request as it came."""

    method: str
    path: str
    query: dict[str, str]
    authorization: str
    body: bytes

    @property
    def json(self) -> object:
        """The body as JSON."""
        return msgspec.json.decode(self.body)


@dataclass(frozen=True)
class Answer:
    """One answer; `{url}` in a header stands for the server's own address.

    Attributes:
        hang_up: Whether the connection is cut instead.
        sized: Whether it says how long it is.
    """

    status: int = 200
    json: object = None
    headers: dict[str, str] = field(default_factory=dict)
    hang_up: bool = False
    sized: bool = True


class ScriptedServer:
    """Answers in the order given; what it was not told to answer is a 500."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.asked: list[Asked] = []

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=16 * 1024 * 1024)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.host = f"127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._runner.cleanup()

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://{self.host}"

    async def _handle(self, request: web.Request) -> web.Response:
        self.asked.append(
            Asked(
                request.method,
                request.path,
                dict(request.query),
                request.headers.get("Authorization", ""),
                await request.read(),
            )
        )
        answer = self.answers.pop(0) if self.answers else Answer(500, {"error": {"code": "NotScripted"}})
        if answer.hang_up and request.transport is not None:
            request.transport.abort()
        headers = {name: value.replace("{url}", self.url) for name, value in answer.headers.items()}
        if answer.status == web.HTTPNoContent.status_code:
            return web.Response(status=answer.status, headers=headers)
        response = web.json_response(answer.json, status=answer.status, headers=headers)
        if not answer.sized:
            response.enable_chunked_encoding()
        return response
