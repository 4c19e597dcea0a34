"""Answering a call when what it is about is done, instead of at once.

A waiting call sleeps between short reads, for a minute at most. docs/adr/0012 says why that is allowed here.
"""

from asyncio import sleep
from collections.abc import Awaitable, Callable
from typing import Annotated

import msgspec
from msgspec import Meta

from promoter.application.app import App
from promoter.application.records import find_record, is_settled
from promoter.domain.promotion import Promotion

MAX_WAIT = 60
AT_ONCE = 16
"""So many calls may wait in one process. One more is answered at once; its Retry-After says when to ask."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.0625, 2.0

type Seconds = Annotated[int, Meta(ge=0, le=MAX_WAIT)]

_waiting = 0


class Waiting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long the caller waits.

    Attributes:
        wait: So many seconds, from 0 to 60; the answer comes as soon as there is nothing to wait for.
    """

    wait: Seconds = 0


async def ended(app: App, record_id: str, seconds: int) -> Promotion:
    """A record, once its promotion has ended and what follows is stored, or the time is up.

    Raises:
        NotFoundError: There is none.
    """

    async def look() -> tuple[Promotion, bool]:
        record = await find_record(app, record_id)
        return record, not seconds or await is_settled(app, record)

    found, _ = await until(look, lambda each: each[1], seconds)
    return found


async def until[T](read: Callable[[], Awaitable[T]], done: Callable[[T], bool], seconds: int) -> T:
    """Read until it is done or the time is up; whatever was read last.

    Args:
        read: Reads it.
        done: Whether there is nothing to wait for.
        seconds: How long to sleep in all, between reads.
    """
    global _waiting  # noqa: PLW0603 - what all calls of this process have in common
    found, slept, pause = await read(), 0.0, _FIRST_PAUSE
    if done(found) or not seconds or _waiting >= AT_ONCE:
        return found
    _waiting += 1
    try:
        while not done(found) and slept < seconds:
            pause = min(pause, seconds - slept)
            await sleep(pause)
            slept, pause = slept + pause, min(pause * 2, _LONGEST_PAUSE)
            found = await read()
    finally:
        _waiting -= 1
    return found
