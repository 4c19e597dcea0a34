"""Where the emulator listens: one port of loopback for each part of it, and one more for TLS."""

import asyncio
import contextlib
import os
import socket
import ssl
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from aiohttp import web

from emulator.errors import StartError
from emulator.settings import HIGHEST_PORT, TLS_OFFSET

HOST = "127.0.0.1"
_BACKLOG = 1024


@dataclass(frozen=True)
class Door:
    """Where one part is reached.

    Attributes:
        plain: The socket for http.
        tls: The one for https, where there is one.
    """

    plain: socket.socket
    tls: socket.socket | None

    @property
    def address(self) -> str:
        """Host and port for http."""
        return _address(self.plain)

    @property
    def tls_address(self) -> str | None:
        """Host and port for https."""
        return _address(self.tls) if self.tls else None


def open_door(stack: contextlib.ExitStack, port: int, what: str, *, tls: bool) -> Door:
    """Listen, until the stack is left.

    Args:
        stack: Closes the sockets.
        port: Where; 0 takes one that is free.
        what: Whose it is, for the message.
        tls: Whether to listen a hundred ports higher too.

    Raises:
        StartError: A port is taken.
    """
    plain = _listen(stack, port, what)
    return Door(plain, _listen(stack, port and port + TLS_OFFSET, f"{what} over TLS") if tls else None)


async def serve(
    stack: contextlib.AsyncExitStack,
    apps: Sequence[tuple[web.Application, Door]],
    context: ssl.SSLContext | None,
    grace: float,
) -> None:
    """Serve applications, each at its door, until the stack is left; then all end at once, within `grace`."""
    runners = [
        web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=grace)
        for app, _ in apps
    ]
    stack.push_async_callback(_clean_up, runners)
    for runner, (_, door) in zip(runners, apps, strict=True):
        await runner.setup()
        await web.SockSite(runner, door.plain, backlog=_BACKLOG).start()
        if door.tls:
            await web.SockSite(runner, door.tls, backlog=_BACKLOG, ssl_context=context).start()


async def _clean_up(runners: Iterable[web.AppRunner]) -> None:
    await asyncio.gather(*(runner.cleanup() for runner in runners))


def _listen(stack: contextlib.ExitStack, port: int, what: str) -> socket.socket:
    if port > HIGHEST_PORT:
        message = f"port {port} for {what}: the highest is {HIGHEST_PORT}, and TLS is {TLS_OFFSET} higher"
        raise StartError(message)
    try:
        listener = socket.create_server((HOST, port))
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        message = (
            f"port {port} for {what} cannot be used ({reason}): "
            "stop what has it, or choose another with --arm-port or --registry NAME=PORT"
        )
        raise StartError(message) from None
    stack.callback(listener.close)
    return listener


def _address(listener: socket.socket) -> str:
    return f"{HOST}:{listener.getsockname()[1]}"
