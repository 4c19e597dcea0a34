"""An HTTP API that answers what a test has put there, over real HTTP, and remembers what it was asked."""

import json
import threading
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self, override
from urllib.parse import parse_qsl, urlsplit

type Reply = Mapping[str, Any] | str | bytes | None


@dataclass(frozen=True)
class Answered:
    """One answer; `cut` ends the connection in place of it."""

    status: int = 200
    document: Reply = None
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: bool = False


@dataclass(frozen=True)
class Request:
    """One request as it came."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any

    @property
    def route(self) -> str:
        """The method and the path."""
        return f"{self.method} {self.path}"


class FakeApi:
    """The server. Each route answers one after the other what was put there, and the last one ever after."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self._answers: dict[str, list[Answered]] = defaultdict(list)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def put(
        self, route: str, document: Reply = None, status: int = 200, *, cut: bool = False, **headers: str
    ) -> None:
        """Put an answer on a route, as in `GET /environments`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self._answers[route].append(Answered(status, document, named, cut))

    def put_problem(self, route: str, status: int, detail: str, /, **more: Any) -> None:  # noqa: ANN401 - JSON
        """Put a problem document on a route; `Retry_After` is a header."""
        headers = {name: more.pop(name) for name in ("Retry_After",) if name in more}
        self.put(
            route,
            {"type": "urn:promoter:problem:x", "status": status, "detail": detail, **more},
            status,
            **headers,
        )

    def asked(self, route: str) -> list[Request]:
        """The requests that a route has got."""
        return [each for each in self.requests if each.route == route]

    def answer(self, request: Request) -> Answered:
        """What a request is answered."""
        self.requests.append(request)
        answers = self._answers.get(request.route)
        if not answers:
            return Answered(404)
        return answers.pop(0) if len(answers) > 1 else answers[0]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _handler(api: FakeApi) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            path = parts.path.removeprefix("/api")
            answer = api.answer(
                Request(self.command, path, dict(parse_qsl(parts.query)), dict(self.headers), body)
            )
            if answer.cut:
                self.close_connection = True
                return
            content = _content(answer.document)
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815 - http.server's names

        @override
        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    return Handler


def _content(document: Reply) -> bytes:
    if document is None:
        return b""
    if isinstance(document, bytes):
        return document
    return (document if isinstance(document, str) else json.dumps(document)).encode()


def page(*items: Mapping[str, Any], cursor: str | None = None) -> dict[str, Any]:
    """A page of a list."""
    return {"items": list(items), "cursor": cursor}
