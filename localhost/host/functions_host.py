"""One running app: its functions, and what feeds them."""

import asyncio
import logging
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from localhost.host.errors import HostError
from localhost.host.event_grid import PATH
from localhost.host.functions import Function, is_enabled
from localhost.host.host_json import HostJson, read_host_json
from localhost.host.http import HttpFront
from localhost.host.invocations import Invocations
from localhost.host.queue_storage import QueueStorage
from localhost.host.queues import QueueListener
from localhost.host.routes import Route, Routes
from localhost.host.settings import load_local_settings, resolve_settings
from localhost.host.timers import TimerListener
from localhost.host.worker import index

_log = logging.getLogger("host")


@dataclass(frozen=True, slots=True)
class Options:
    """How to run an app."""

    app: Path
    port: int
    state: Path
    """A folder for the timers' locks and status, shared by all hosts of the app."""
    lease: int
    """For how many seconds a queue message is hidden while it runs; renewed at half of that."""
    drain: float
    """For how many seconds running invocations may go on after the host was told to stop."""


async def serve(options: Options, stop: asyncio.Event) -> bool:
    """Run an app until `stop` is set, then let what is running end.

    Returns:
        Whether everything that was running ended in time.

    Raises:
        HostError: the app cannot be run as it stands, or the port is taken.
    """
    with _listen(options.port) as listening:
        load_local_settings(options.app)
        host_json = read_host_json(options.app)
        found = [function for function in await index(options.app) if is_enabled(function, host_json)]
        storage = QueueStorage(host_json.extensions.queues.message_encoding)
        try:
            return await _Host(options, host_json, found, storage).run(listening, stop)
        finally:
            await storage.close()


def _listen(port: int) -> socket.socket:
    try:
        return socket.create_server(("127.0.0.1", port), backlog=512)
    except OSError as error:
        message = (
            f"Port {port} of 127.0.0.1 cannot be had ({os.strerror(error.errno or 0)}). "
            f"Stop what uses it (lsof -i :{port} names it), or choose another port: --port"
        )
        raise HostError(message) from error


class _Host:
    def __init__(
        self, options: Options, host_json: HostJson, functions: list[Function], storage: QueueStorage
    ) -> None:
        self._options = options
        self._functions = functions
        self._invocations = Invocations(storage, host_json.function_timeout)
        http, queues = host_json.extensions.http, host_json.extensions.queues
        for function in functions:
            for binding in function.outputs.values():
                if binding.type == "queue":
                    storage.queue(function, binding)
        self._routes = [Route.of(function, http.route_prefix) for function in self._by_trigger("httpTrigger")]
        self._front = HttpFront(functions, Routes(self._routes), http, self._invocations)
        self._listeners: list[QueueListener | TimerListener] = [
            *(
                QueueListener(function, storage, queues, self._invocations, options.lease)
                for function in self._by_trigger("queueTrigger")
            ),
            *(
                TimerListener(function, self._invocations, options.state)
                for function in self._by_trigger("timerTrigger")
            ),
        ]

    def _by_trigger(self, kind: str) -> list[Function]:
        return [function for function in self._functions if function.trigger.type == kind]

    async def run(self, listening: socket.socket, stop: asyncio.Event) -> bool:
        """Feed the functions until `stop` is set; whether all that was running ended in time."""
        async with _served(self._front.application(), listening) as site:
            self._print_functions()
            try:
                async with asyncio.timeout(None) as limit, asyncio.TaskGroup() as group:
                    for listener in self._listeners:
                        group.create_task(listener.listen())
                    await stop.wait()
                    limit.reschedule(asyncio.get_running_loop().time() + self._options.drain)
                    await self._stop_taking(site)
                    await self._invocations.idle()
            except TimeoutError:
                self._invocations.break_off()
                return False
        return True

    async def _stop_taking(self, site: web.SockSite) -> None:
        running = ", ".join(sorted(self._invocations.running)) or "nothing"
        _log.info("Stopping. Still running, for at most %g s: %s", self._options.drain, running)
        self._front.stop()
        await site.stop()
        for listener in self._listeners:
            listener.stop()

    def _print_functions(self) -> None:
        address = f"http://127.0.0.1:{self._options.port}"
        print("\nFunctions:\n")
        for function in self._functions:
            print(f"        {function.name}: {self._describe(function, address)}")
        print("\nFunction keys are not asked for on this machine, whatever the AuthLevel.\n", flush=True)

    def _describe(self, function: Function, address: str) -> str:
        for route in self._routes:
            if route.function is function:
                methods = ",".join(sorted(route.methods)) or "any method"
                return f"[{methods}] {address}/{route.template.text}"
        match function.trigger.type:
            case "eventGridTrigger":
                return f"eventGridTrigger {address}{PATH}?functionName={function.name}"
            case "queueTrigger":
                return f"queueTrigger {resolve_settings(function.text('queueName'), function.name)}"
            case _:
                return f"timerTrigger {resolve_settings(function.text('schedule'), function.name)}"


@asynccontextmanager
async def _served(application: web.Application, listening: socket.socket) -> AsyncIterator[web.SockSite]:
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
    await runner.setup()
    site = web.SockSite(runner, listening)
    await site.start()
    try:
        yield site
    finally:
        await runner.cleanup()
