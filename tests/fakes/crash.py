"""A process that dies at a chosen call to a port, before or after it is carried out.

    points = CrashPoints(at=3, after=True)
    store = points.around(store, "store")

Without `at` it only counts; `calls` then says how many points there are to die at.
"""

import functools
import inspect
from collections.abc import Awaitable, Callable
from typing import cast


class Crash(BaseException):
    """The process is gone: no error, for nothing in it lives to handle one."""


class CrashPoints:
    """The calls to all ports that are put around with it, counted from 0.

    Attributes:
        calls: Every call that was begun, as `name.method`.
        crashed: Whether the process has died; from then on every call dies at once.
    """

    def __init__(self, at: int | None = None, *, after: bool = False) -> None:
        self._at = at
        self._after = after
        self.calls: list[str] = []
        self.crashed = False

    def around[P](self, port: P, name: str) -> P:
        """The port, with every call to its methods a point to die at."""
        return cast("P", _Around(port, name, self._through))

    async def _through(self, name: str, call: Callable[[], Awaitable[object]]) -> object:
        if self.crashed:
            raise Crash(name)
        number = len(self.calls)
        self.calls.append(name)
        if number == self._at and not self._after:
            self._die(name)
        try:
            return await call()
        finally:
            if number == self._at:
                self._die(name)

    def _die(self, name: str) -> None:
        self.crashed = True
        raise Crash(name)


class _Around:
    def __init__(
        self,
        port: object,
        name: str,
        through: Callable[[str, Callable[[], Awaitable[object]]], Awaitable[object]],
    ) -> None:
        self._port = port
        self._name = name
        self._through = through

    def __getattr__(self, attribute: str) -> object:
        found = getattr(self._port, attribute)
        if not inspect.iscoroutinefunction(found):
            return found

        @functools.wraps(found)
        async def call(*args: object, **kwargs: object) -> object:
            return await self._through(f"{self._name}.{attribute}", lambda: found(*args, **kwargs))

        return call
