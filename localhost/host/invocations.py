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
from dataclasses import dataclass
from typing import Protocol

from localhost.host.functions import Binding, Function
from localhost.host.wire import Datum
from localhost.host.worker import Call, FunctionFailed, call, holds_thread

_log = logging.getLogger("host")


class Outputs(Protocol):
    """Where the values of output bindings go."""

    async def send(self, function: Function, binding: Binding, value: Datum) -> None:
        """Write one value; what it raises fails the invocation."""
        ...


@dataclass(frozen=True, slots=True)
class Running:
    """An invocation that is under way.

    Attributes:
        function: The function's name.
        deadline: When it must have ended, by the monotonic clock.
    """

    function: str
    deadline: float


class Invocations:
    """Runs functions, and knows which are running.

    Attributes:
        exhausted: Set when a function ran too long on a thread, which it still holds: the process has to
            start afresh to get it back, as Azure restarts its worker.
    """

    def __init__(self, outputs: Outputs, timeout: float) -> None:
        """Run functions for at most `timeout` seconds each, and send what they put out to `outputs`."""
        self._outputs = outputs
        self._timeout = timeout
        self._running: dict[asyncio.Task[object] | None, Running] = {}
        self._idle = asyncio.Event()
        self._idle.set()
        self.exhausted = asyncio.Event()

    @property
    def running(self) -> list[Running]:
        """What is running. May be asked from any thread."""
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
        *,
        reason: str,
        trace_parent: str = "",
    ) -> Datum | None:
        """Call a function and write its outputs; answer with what it returned for HTTP.

        Args:
            function: The function.
            trigger: What its trigger brings.
            metadata: What else the trigger knows.
            reason: Why it is called, for the log.
            trace_parent: The trace that the call belongs to, as W3C writes it; empty begins one.

        Raises:
            FunctionFailed: it, or one of its outputs, failed, or it took too long.
        """
        invocation_id = str(uuid.uuid4())
        trace_parent = trace_parent or f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-00"
        request = Call(invocation_id, trigger, metadata or {}, trace_parent)
        with self._counted(function.name), _logged(invocation_id, function.name, reason):
            try:
                async with asyncio.timeout(None if math.isinf(self._timeout) else self._timeout):
                    return await self._call(function, request)
            except TimeoutError as error:
                message = f"It ran longer than {self._timeout:g} s, the functionTimeout in host.json."
                if holds_thread(function):
                    message += " It holds a thread until the host has started afresh."
                    self.exhausted.set()
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
        self._running[task] = Running(name, time.monotonic() + self._timeout)
        self._idle.clear()
        try:
            yield
        finally:
            del self._running[task]
            if not self._running:
                self._idle.set()


@contextmanager
def _logged(invocation_id: str, name: str, reason: str) -> Iterator[None]:
    start = time.perf_counter()
    _log.info("Executing 'Functions.%s' (Reason='%s', Id=%s)", name, reason, invocation_id)

    def log(level: int, outcome: str, tail: str = "") -> None:
        took = (time.perf_counter() - start) * 1000
        message = "Executed 'Functions.%s' (%s, Id=%s, Duration=%.0fms)%s"
        _log.log(level, message, name, outcome, invocation_id, took, tail)

    try:
        yield
    except FunctionFailed as failure:
        trace = f"\n{failure.trace.rstrip()}" if failure.trace else ""
        log(logging.ERROR, "Failed", f" {failure}{trace}")
        raise
    except asyncio.CancelledError:
        log(logging.WARNING, "Cancelled", " It was broken off.")
        raise
    log(logging.INFO, "Succeeded")
