"""Instances that do not keep step."""

import asyncio
import random
from collections.abc import Callable, Coroutine
from typing import Any, cast


class _Jitter:
    """A port whose calls take their turn after an unforeseeable number of others'."""

    def __init__(self, port: object, dice: random.Random) -> None:
        self._port = port
        self._dice = dice

    def __getattr__(self, name: str) -> Callable[..., Coroutine[Any, Any, Any]]:
        found = getattr(self._port, name)

        async def call(*args: object, **kwargs: object) -> object:
            for _ in range(self._dice.randrange(4)):
                await asyncio.sleep(0)
            return await found(*args, **kwargs)

        return call


def jittered[P](port: P, dice: random.Random) -> P:
    """A port whose calls take their turn after an unforeseeable number of others'."""
    return cast("P", _Jitter(port, dice))
