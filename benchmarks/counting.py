"""Counts storage operations where they arrive: a proxy before each of Azurite's ports.

Nothing in the app knows of it, and nothing that an SDK does unseen is missed.
"""

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from http import HTTPStatus
from typing import NamedTuple
from urllib.parse import unquote

import aiohttp
from aiohttp import web
from yarl import URL

_ROW = re.compile(r"(?P<table>\w+)\(PartitionKey='(?P<partition>[^']*)',RowKey='(?P<row>(?:[^']|'')*)'\)")
_PART = re.compile(rb"^(POST|PUT|PATCH|MERGE|DELETE) (\S+) HTTP/1\.1", re.MULTILINE)
_ROW_KEY = re.compile(rb'"RowKey":\s*"([^"~]*)')
_START = re.compile(r"RowKey g[et] '([^'~]*)")
_MESSAGE = re.compile(r"/(?P<queue>[a-z0-9-]+)/messages(?P<one>/[^/]+)?$")
_DROPPED = {"host", "content-length", "transfer-encoding", "connection", "content-encoding", "keep-alive"}
_VERBS = {"PUT": "update", "PATCH": "merge", "MERGE": "merge", "DELETE": "delete", "GET": "read"}


class Operation(NamedTuple):
    """One request to a storage account.

    Attributes:
        name: What it does to what, as `read Promotions line` or `put promoter-work`.
        status: What was answered.
        rows: How many rows were written, or answered.
        idle: Whether it looked for messages and there were none: polling, which nothing causes.
    """

    name: str
    status: int
    rows: int
    idle: bool = False

    @property
    def is_read(self) -> bool:
        """Whether it reads a table."""
        return self.name.startswith(("read ", "query "))

    @property
    def is_write(self) -> bool:
        """Whether it writes to a table."""
        return self.name.startswith(("create ", "update ", "merge ", "delete ", "transaction "))

    @property
    def is_host(self) -> bool:
        """Whether the host does it for a trigger: the app itself neither receives nor deletes messages."""
        return self.name.startswith(("receive ", "remove ", "renew "))


class Counter:
    """Every operation since the last `take`, in order."""

    def __init__(self) -> None:
        self.operations: list[Operation] = []

    def take(self) -> list[Operation]:
        """What was counted, without idle polls; counting starts anew."""
        taken, self.operations = self.operations, []
        return [operation for operation in taken if not operation.idle]


@asynccontextmanager
async def counted(ports: dict[int, int], counter: Counter) -> AsyncIterator[None]:
    """Forward each port to another one of this machine, and count what comes by."""
    async with AsyncExitStack() as stack:
        connector = aiohttp.TCPConnector(limit=0, force_close=True)  # Azurite drops idle connections unasked
        session = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
        for port, target in ports.items():
            runner = web.AppRunner(_application(session, target, counter), access_log=None)
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            await web.TCPSite(runner, "127.0.0.1", port).start()
        yield


def _application(session: aiohttp.ClientSession, target: int, counter: Counter) -> web.Application:
    async def forward(request: web.Request) -> web.Response:
        body = await request.read()
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _DROPPED}
        url = f"http://127.0.0.1:{target}{request.raw_path}"
        # The address and the type are part of what was signed: they go on as they came.
        sent = session.request(
            request.method,
            URL(url, encoded=True),
            data=body or None,
            headers=headers,
            skip_auto_headers=("Content-Type",),
        )
        try:
            async with sent as answer:
                content = await answer.read()
        except aiohttp.ClientConnectionError:  # Azurite has not started yet, or has ended
            return web.Response(status=HTTPStatus.SERVICE_UNAVAILABLE)
        kept = {name: value for name, value in answer.headers.items() if name.lower() not in _DROPPED}
        counter.operations.append(described(request.method, request.raw_path, body, answer.status, content))
        return web.Response(status=answer.status, body=content, headers=kept)

    application = web.Application(client_max_size=8 * 1024 * 1024)
    application.router.add_route("*", "/{path:.*}", forward)
    return application


def described(method: str, target: str, body: bytes, status: int, content: bytes) -> Operation:
    """What a request was."""
    path, _, query = (unquote(part) for part in target.partition("?"))
    if found := _MESSAGE.search(path):
        return _message(method, found["queue"], found["one"], status, content)
    if path.endswith("/$batch"):
        return _transaction(body, status, content)
    table = path.rpartition("/")[2]
    if found := _ROW.search(path):
        kind = found["row"].partition("~")[0]
        rows = int(status != HTTPStatus.NOT_FOUND)
        return Operation(f"{_VERBS.get(method, method)} {found['table']} {kind}", status, rows)
    if method == "POST":
        key = _ROW_KEY.search(body)
        return Operation(f"create {table} {key[1].decode() if key else ''}".rstrip(), status, 1)
    start = _START.search(query)
    return Operation(
        f"query {table.removesuffix('()')} {start[1] if start else ''}".rstrip(),
        status,
        content.count(b'"RowKey"'),
    )


def _transaction(body: bytes, status: int, content: bytes) -> Operation:
    """A transaction is one request, and is billed as one; its parts say what it changes."""
    starts = [*_PART.finditer(body)]
    ends = [each.start() for each in starts[1:]] + [len(body)]
    parts = []
    table = ""
    for found, end in zip(starts, ends, strict=True):
        verb, url = found[1].decode(), unquote(found[2].decode())
        row = _ROW.search(url)
        created = _ROW_KEY.search(body[found.start() : end])
        kind = row["row"].partition("~")[0] if row else created[1].decode() if created else ""
        table = row["table"] if row else url.rpartition("/")[2]
        parts.append(f"{_VERBS.get(verb, 'create')} {kind}")
    failed = b"HTTP/1.1 4" in content
    name = f"transaction {table}: {', '.join(parts)}"
    return Operation(name, HTTPStatus.CONFLICT if failed else status, len(parts))


def _message(method: str, queue: str, one: str | None, status: int, content: bytes) -> Operation:
    count = content.count(b"<MessageId>")
    match method, one:
        case "GET", _:
            return Operation(f"receive {queue}", status, count, idle=count == 0)
        case "POST", _:
            return Operation(f"put {queue}", status, 1)
        case "DELETE", _:
            return Operation(f"remove {queue}", status, 1)
        case _:
            return Operation(f"renew {queue}", status, 1)
