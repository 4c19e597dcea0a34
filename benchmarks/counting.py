"""A proxy in front of Azurite that counts what Azure would bill: a transaction for each request."""

import asyncio
import contextlib
import re
from asyncio import StreamReader, StreamWriter
from collections import Counter
from collections.abc import Callable
from types import TracebackType
from typing import Self

# What is in a batch is written with its host, and so is no request of its own here.
_REQUEST = re.compile(rb"(GET|HEAD|POST|PUT|PATCH|MERGE|DELETE) (/\S*) HTTP/1\.1\r\n")
_CHUNK = 65536
_LONGEST = 4096

type Classify = Callable[[str, str], str]
"""What a request is counted as, by its method and path."""


class CountingProxy:
    """Passes every byte on to one port and back, and counts the requests among them.

    Attributes:
        counts: How many requests of each kind there were.
    """

    def __init__(self, port: int, target: int, classify: Classify) -> None:
        """Listen on `port` for what is meant for `target`, both on this machine."""
        self.counts: Counter[str] = Counter()
        self._port, self._target, self._classify = port, target, classify
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self._port)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _accept(self, reader: StreamReader, writer: StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._connections.add(task)
        with contextlib.suppress(OSError):
            there, back = await asyncio.open_connection("127.0.0.1", self._target)
            await asyncio.gather(self._pass_on(reader, back, self._count), self._pass_on(there, writer))
        writer.close()
        if task is not None:
            self._connections.discard(task)

    async def _pass_on(
        self, source: StreamReader, target: StreamWriter, see: Callable[[bytes], None] | None = None
    ) -> None:
        tail = b""
        with contextlib.suppress(ConnectionError):
            while chunk := await source.read(_CHUNK):
                if see is not None:
                    tail = self._seen(tail + chunk, see)
                target.write(chunk)
                await target.drain()
        target.close()

    def _seen(self, text: bytes, see: Callable[[bytes], None]) -> bytes:
        """Look at the requests in a text; answers with its end, where another may have begun."""
        end = 0
        for found in _REQUEST.finditer(text):
            see(found[0])
            end = found.end()
        return text[max(end, len(text) - _LONGEST) :]

    def _count(self, line: bytes) -> None:
        method, path, _ = line.decode().split(" ", 2)
        self.counts[self._classify(method, path)] += 1


def table_operation(method: str, path: str) -> str:  # noqa: ARG001 - a Classify
    """A read or a write of a table."""
    return "reads" if method == "GET" else "writes"


def queue_operation(method: str, path: str) -> str:
    """What is done to a queue: a message put in, taken out, or asked for."""
    kinds = {"POST": "put", "DELETE": "deleted", "GET": "asked", "PUT": "kept"}
    return kinds.get(method, "others") if "/messages" in path else "others"
