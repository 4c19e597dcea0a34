"""Calls that carry an `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header)."""

import re
from collections.abc import Awaitable, Callable

import azure.functions as func

from promoter.application.app import App
from promoter.application.documents import Remembered
from promoter.application.idempotency import FIELD, KeyedCall, begin, finish, give_up
from promoter.domain.access import Caller
from promoter.domain.errors import InvalidError, PromoterError
from promoter.entrypoints.answers import Answer

_KEY = re.compile(r"[\x21-\x7e]{1,255}")


async def once(
    app: App,
    caller: Caller,
    req: func.HttpRequest,
    asks: str,
    carry_out: Callable[[], Awaitable[Answer]],
) -> Answer:
    """Carry a call out; one that was carried out before with the same key is answered the same instead.

    Args:
        app: The application.
        caller: Whose call it is.
        req: The call.
        asks: All that it asks for, as text.
        carry_out: Does it.

    Raises:
        InvalidError: The key is none.
        KeyReusedError: It was used for something else.
        StillRunningError: The same call is being carried out.
    """
    key = req.headers.get(FIELD)
    if key is None:
        return await carry_out()
    if not _KEY.fullmatch(key):
        message = f"{FIELD} is 1 to 255 visible ASCII characters, such as a UUID"
        raise InvalidError(message, FIELD)
    keyed = await begin(app, KeyedCall(caller.actor.id, key.strip('"'), asks))
    if keyed.answer is not None:
        known = keyed.answer
        return Answer(known.text, known.status, known.headers, record=known.record, replayed=True)
    try:
        answer = await carry_out()
    except PromoterError:
        await give_up(app, keyed)
        raise
    await finish(app, keyed, Remembered(answer.status, answer.text, dict(answer.headers), answer.record))
    return answer
