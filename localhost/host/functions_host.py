"""One running app: its functions, and what feeds them."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

from aiohttp import web

from localhost.host.admin import broken_application
from localhost.host.afresh import Afresh
from localhost.host.app import App, load
from localhost.host.changes import Changes
from localhost.host.console import list_functions, print_problems
from localhost.host.errors import HostError
from localhost.host.watchdog import Watchdog

_log = logging.getLogger("host")


@dataclass(frozen=True, slots=True)
class Options:
    """How to run an app."""

    app: Path
    port: int
    lease: int
    """For how many seconds a queue message is hidden while it runs; renewed at half of that."""
    patience: float
    """For how many seconds storage may take to answer; after that it counts as away."""
    drain: float
    """For how many seconds running invocations may go on after the host was told to stop."""
    reload: bool
    """Whether to start afresh when the app changes."""
    watch: Sequence[Path]
    """What the app is made of besides its own files."""


class Ending(Enum):
    """How a run ended."""

    FINISHED = auto()
    """All that was running has ended."""
    BROKEN_OFF = auto()
    """Something had not ended in time; a thread may still hold it."""
    AFRESH = auto()
    """The process is to start itself afresh."""


class Signals:
    """What a run waits for: told to stop once, told again, or something makes a fresh start necessary."""

    def __init__(self) -> None:
        self.stop = asyncio.Event()
        self.hurry = asyncio.Event()

    def interrupt(self) -> None:
        """Stop; the second time, at once."""
        (self.hurry if self.stop.is_set() else self.stop).set()


async def serve(options: Options, afresh: Afresh, signals: Signals) -> Ending:
    """Run an app until told to stop, or until it is to start afresh; then let what is running end.

    Raises:
        HostError: the app cannot be run as it stands, and did not run before; else it is waited for.
    """
    changes = Changes(options.app, options.watch) if options.reload else None
    try:
        app = await load(options.app, options.lease, options.patience)
    except HostError as error:
        if changes is None or not afresh.again:
            raise
        print_problems(error.problems)
        _log.error("Waiting until the app is mended.")
        return await _wait_for_mending(error.problems, changes, afresh.socket, signals)
    try:
        return await _Run(app, options, signals).until_ended(afresh, changes)
    finally:
        await app.accounts.close()


async def _wait_for_mending(
    problems: Sequence[str], changes: Changes, listening: socket.socket, signals: Signals
) -> Ending:
    async with _served(broken_application(problems), listening):
        await _first(_changed(changes), signals.stop.wait())
    return Ending.FINISHED if signals.stop.is_set() else Ending.AFRESH


class _Run:
    def __init__(self, app: App, options: Options, signals: Signals) -> None:
        self._app, self._options, self._signals = app, options, signals

    async def until_ended(self, afresh: Afresh, changes: Changes | None) -> Ending:
        """Feed the functions until told to stop or to start afresh."""
        watchdog = Watchdog(lambda: self._app.invocations.running, afresh.start)
        watchdog.start()
        try:
            async with _served(self._app.http.application(), afresh.socket) as http:
                list_functions(self._app.listing(f"http://127.0.0.1:{self._options.port}"))
                if afresh.again:
                    _log.info("Started afresh.")
                finished = await self._feed(http, changes, afresh)
        finally:
            watchdog.stop()
        if not self._signals.stop.is_set():
            return Ending.AFRESH
        return Ending.FINISHED if finished else Ending.BROKEN_OFF

    async def _feed(self, http: "_Http", changes: Changes | None, afresh: Afresh) -> bool:
        """Whether all that was running ended in time."""
        try:
            async with asyncio.timeout(None) as limit, asyncio.TaskGroup() as group:
                for listener in self._app.listeners:
                    group.create_task(listener.listen())
                await self._until_over(changes)
                limit.reschedule(asyncio.get_running_loop().time() + self._options.drain)
                hurry = group.create_task(self._hurry(limit))
                if self._signals.stop.is_set():
                    afresh.socket.close()
                await self._stop_taking(http)
                await self._app.invocations.idle()
                hurry.cancel()
        except TimeoutError:
            self._app.invocations.break_off()
            return False
        return True

    async def _until_over(self, changes: Changes | None) -> None:
        over = [self._signals.stop.wait(), self._app.invocations.exhausted.wait()]
        await _first(*over, *([_changed(changes)] if changes else []))

    async def _hurry(self, limit: asyncio.Timeout) -> None:
        await self._signals.hurry.wait()
        limit.reschedule(asyncio.get_running_loop().time())

    async def _stop_taking(self, http: "_Http") -> None:
        running = ", ".join(sorted(one.function for one in self._app.invocations.running)) or "nothing"
        intent = "Stopping" if self._signals.stop.is_set() else "Finishing"
        _log.info("%s. Still running, for at most %g s: %s", intent, self._options.drain, running)
        self._app.http.stop()
        await http.stop_taking()
        for listener in self._app.listeners:
            listener.stop()


async def _changed(changes: Changes) -> None:
    _log.info("Changed: %s. Starting afresh.", ", ".join(await changes.next()))


async def _first(*events: Coroutine[object, object, object]) -> None:
    """Wait for the first of these; the others are given up."""
    tasks = [asyncio.ensure_future(event) for event in events]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@dataclass(frozen=True)
class _Http:
    runner: web.AppRunner
    site: web.SockSite

    async def stop_taking(self) -> None:
        """Take no connection any more, and no further request on those that are there.

        The socket itself stays open: where the process starts afresh, who connects meanwhile waits.
        """
        await self.site.stop()
        if self.runner.server is not None:
            self.runner.server.pre_shutdown()


@asynccontextmanager
async def _served(application: web.Application, listening: socket.socket) -> AsyncIterator[_Http]:
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
    await runner.setup()
    site = web.SockSite(runner, listening.dup())
    await site.start()
    try:
        yield _Http(runner, site)
    finally:
        await runner.cleanup()
