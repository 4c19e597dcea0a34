"""Invocations: every call of a function, whatever its trigger, is run, timed, logged and counted here."""

import asyncio
import logging
import math
import secrets
import time
import traceback
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from localhost.host.functions import Binding, Function
from localhost.host.wire import Datum
from localhost.host.worker import Call, FunctionFailed, call

_log = logging.getLogger("host")


class Outputs(Protocol):
    """Where the values of output bindings go."""

    async def send(self, function: Function, binding: Binding, value: Datum) -> None:
        """Write one value; what it raises fails the invocation."""
        ...


class Invocations:
    """Runs functions, and knows which are running."""

    def __init__(self, outputs: Outputs, timeout: float) -> None:
        """Run functions for at most `timeout` seconds each, and send what they put out to `outputs`."""
        self._outputs = outputs
        self._timeout = None if math.isinf(timeout) else timeout
        self._running: dict[asyncio.Task[object] | None, str] = {}
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def running(self) -> list[str]:
        """The names of the functions that are running, one for each invocation."""
        return list(self._running.values())

    async def idle(self) -> None:
        """Return when nothing is running."""
        await self._idle.wait()

    def break_off(self) -> None:
        """Cancel all that are running; a thread cannot be cancelled and runs on, unheard."""
        for task in self._running:
            if task is not None:
                task.cancel()

    async def run(
        self,
        function: Function,
        trigger: Datum,
        metadata: dict[str, Datum] | None = None,
        trace_parent: str = "",
    ) -> Datum | None:
        """Call a function and write its outputs; answer with what it returned for HTTP.

        Raises:
            FunctionFailed: it, or one of its outputs, failed, or it took too long.
        """
        invocation_id = str(uuid.uuid4())
        trace_parent = trace_parent or f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-00"
        request = Call(invocation_id, trigger, metadata or {}, trace_parent)
        with self._counted(function.name), _logged(invocation_id, function.name):
            try:
                async with asyncio.timeout(self._timeout):
                    return await self._call(function, request)
            except TimeoutError as error:
                message = f"It ran longer than {self._timeout} s, the functionTimeout in host.json."
                raise FunctionFailed(message) from error

    async def _call(self, function: Function, request: Call) -> Datum | None:
        result = await call(function, request)
        returned = function.outputs.get("$return")
        outputs = [(function.outputs[name], value) for name, value in result.outputs]
        if returned is not None and returned.type != "http" and result.value is not None:
            outputs.append((returned, result.value))
        for binding, value in outputs:
            try:
                await self._outputs.send(function, binding, value)
            except Exception as error:
                message = f"The output '{binding.name}' was not written: {error!r}"
                raise FunctionFailed(message, traceback.format_exc()) from error
        return result.value

    @contextmanager
    def _counted(self, name: str) -> Iterator[None]:
        task = asyncio.current_task()
        self._running[task] = name
        self._idle.clear()
        try:
            yield
        finally:
            del self._running[task]
            if not self._running:
                self._idle.set()


@contextmanager
def _logged(invocation_id: str, name: str) -> Iterator[None]:
    start = time.perf_counter()

    def log(level: int, outcome: str, trace: str = "") -> None:
        took = (time.perf_counter() - start) * 1000
        tail = f"\n{trace.rstrip()}" if trace else ""
        _log.log(level, "%s %s (%.0f ms, %s)%s", name, outcome, took, invocation_id, tail)

    try:
        yield
    except FunctionFailed as failure:
        log(logging.ERROR, f"failed: {failure}", failure.trace)
        raise
    except asyncio.CancelledError:
        log(logging.WARNING, "was broken off")
        raise
    log(logging.INFO, "succeeded")
