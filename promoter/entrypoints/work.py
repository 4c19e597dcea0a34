"""The work queue: bringing lines and images as far as they go."""

import contextlib
from datetime import timedelta

import azure.functions as func

from promoter import bootstrap
from promoter.application.advance import advance as advance_line
from promoter.application.app import App
from promoter.application.consider import consider
from promoter.application.reject import reject
from promoter.application.work import Advance, Consider, Work, from_message
from promoter.bootstrap import NotReadyError
from promoter.domain.errors import ConcurrentChangeError, InvalidError, UnavailableError
from promoter.domain.image import Image
from promoter.entrypoints.messages import CONNECTION, WORK_QUEUE, Wake, postpone, send, text_of

bp = func.Blueprint()

_MUCH_LATER = timedelta(minutes=10)


@bp.function_name("advance")
@bp.queue_trigger(arg_name="message", queue_name=WORK_QUEUE, connection=CONNECTION)
@bp.queue_output(arg_name="wake", queue_name=WORK_QUEUE, connection=CONNECTION)
async def advance(message: func.QueueMessage, wake: Wake) -> None:
    """Take a line, or an image, as far as it goes now."""
    text = text_of(message)
    try:
        app = bootstrap.app()
    except NotReadyError as error:
        await postpone(WORK_QUEUE, text, error)
        return
    try:
        work = from_message(text)
    except InvalidError as error:
        await reject(app, "advance", text, f"malformed message: {error}")
        return
    try:
        send(wake, [*await _do(app, work), *await bootstrap.woken_by_policy()])
    except (ConcurrentChangeError, UnavailableError) as error:
        await postpone(WORK_QUEUE, text, error)


async def _do(app: App, work: Work) -> list[Work]:
    match work:
        case Advance():
            return await advance_line(app, work.line_key, leftovers=work.leftovers)
        case Consider():
            return await consider(app, Image(work.repository, work.digest))


@bp.function_name("advance_poison")
@bp.queue_trigger(arg_name="message", queue_name=f"{WORK_QUEUE}-poison", connection=CONNECTION)
async def advance_poison(message: func.QueueMessage) -> None:
    """Record that a message was given up. A line stands in a todo; an image is to be judged again later."""
    text = text_of(message)
    try:
        app = bootstrap.app()
    except NotReadyError as error:
        await postpone(f"{WORK_QUEUE}-poison", text, error)
        return
    await reject(app, "advance", text, "given up after its last attempt; the log of `advance` says why")
    with contextlib.suppress(InvalidError):
        if isinstance(from_message(text), Consider):
            await bootstrap.process().queue(WORK_QUEUE).send(text, _MUCH_LATER)
