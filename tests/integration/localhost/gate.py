"""A gate before a TCP port: what comes back from it can be held up, as if the other side were stuck."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


class Gate:
    """Passes on what is sent to `port`, and its answers, as long as it is open."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._open = asyncio.Event()
        self._open.set()
        self.port = 0

    def close(self) -> None:
        """Hold up answers from now on."""
        self._open.clear()

    def open(self) -> None:
        """Let them pass."""
        self._open.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self._port)
        await asyncio.gather(self._pass(reader, back, held=False), self._pass(there, writer, held=True))

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, held: bool) -> None:
        with suppress(ConnectionError):
            while content := await reader.read(65536):
                if held:
                    await self._open.wait()
                writer.write(content)
                await writer.drain()
        writer.close()


@asynccontextmanager
async def gate_before(port: int) -> AsyncIterator[Gate]:
    """Open a gate on a port of its own."""
    gate = Gate(port)
    server = await asyncio.start_server(gate._serve, "127.0.0.1", 0)
    gate.port = server.sockets[0].getsockname()[1]
    try:
        yield gate
    finally:
        gate.open()
        server.close()
        server.close_clients()
        await server.wait_closed()
