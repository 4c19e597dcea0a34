"""Calls that carry a key are carried out once, and answered the same again.

A key is stored before anything is done, with a fingerprint of what is asked; the answer is stored with it
when it is known. A call that nothing came of is forgotten: the same may be asked again. Where a process dies
between doing and storing, the call is carried out once more after a while, and then the use cases themselves
see to it that what runs already is not started twice.
"""

import contextlib
import hashlib
from datetime import datetime, timedelta

import msgspec

from promoter.application.app import App, while_it_changes
from promoter.application.documents import REQUESTS, Keyed, Remembered, replaced, row_key
from promoter.application.ports import Delete, Write
from promoter.domain.errors import ConcurrentChangeError, InvalidError, RefusedError, UnavailableError

KEPT = timedelta(days=1)
"""How long a key is remembered at least."""
LEASE = timedelta(minutes=5)
"""How long a call may run before it is taken for dead; the platform cuts it off sooner."""
FIELD = "Idempotency-Key"
_SWEPT = 100


class KeyReusedError(InvalidError):
    """The key belongs to another request."""


class StillRunningError(RefusedError):
    """The same call is being carried out."""


class KeyedCall(msgspec.Struct, frozen=True):
    """A call that carries a key.

    Attributes:
        caller: Whose key it is: others may use the same.
        key: The key.
        asks: All that the call asks for, as text.
    """

    caller: str
    key: str
    asks: str


async def begin(app: App, call: KeyedCall) -> Keyed:
    """Take a call on, before it is carried out.

    Returns:
        What is known of the key; with the answer, where the call was carried out before.

    Raises:
        KeyReusedError: It was used for something else.
        StillRunningError: The same call is being carried out.
    """

    async def step() -> Keyed:
        now, name = app.clock.now(), _hash(f"{call.caller}\n{call.key}")
        fresh = Keyed(day=_day(now), key=name, asks=_hash(call.asks), at=now)
        earlier = replaced(fresh, day=_day(now - KEPT))
        for row in (fresh, earlier):
            known = await app.promotions.get(Keyed, REQUESTS, row_key(row))
            if known is not None and now - known.at < KEPT:
                break
        else:
            return await _store(app, fresh)
        if known.asks != fresh.asks:
            message = "this key was used for another request; a key is for one request and its repetitions"
            raise KeyReusedError(message, FIELD)
        if known.answer is not None:
            return known
        if now - known.at < LEASE:
            message = "the first call with this key is still being carried out; ask again in a few seconds"
            raise StillRunningError(message)
        return await _store(app, replaced(known, at=now))

    return await while_it_changes(step)


async def finish(app: App, keyed: Keyed, answer: Remembered) -> None:
    """Keep the answer of a call that was carried out; where it cannot be kept, it is given all the same."""
    with contextlib.suppress(ConcurrentChangeError, UnavailableError):
        await _store(app, replaced(keyed, answer=answer))


async def give_up(app: App, keyed: Keyed) -> None:
    """Forget a call that nothing came of."""
    with contextlib.suppress(ConcurrentChangeError, UnavailableError):
        await app.commit(Delete(keyed))


async def sweep(app: App) -> None:
    """Forget keys that have been kept long enough, the oldest first; some of them each time."""
    oldest = await app.promotions.page(Keyed, REQUESTS, limit=_SWEPT)
    old = [row for row in oldest if app.clock.now() - row.at >= 2 * KEPT]
    if old:
        with contextlib.suppress(ConcurrentChangeError):  # another process sweeps too
            await app.commit(*(Delete(row) for row in old))


async def _store(app: App, row: Keyed) -> Keyed:
    [version] = await app.promotions.commit([Write(row)])
    return replaced(row, version=version)


def _day(at: datetime) -> str:
    return at.date().isoformat()


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
