"""The work queue: bringing lines and images as far as they go."""

import logging

import azure.functions as func

from promoter import bootstrap
from promoter.application.advance import advance as advance_line
from promoter.application.consider import consider
from promoter.application.reject import reject
from promoter.application.work import Advance, Consider, from_message
from promoter.bootstrap import NotReadyError
from promoter.domain.errors import InvalidError
from promoter.domain.image import Image
from promoter.entrypoints.messages import CONNECTION, WORK_QUEUE, Wake, postpone, send, text_of

log = logging.getLogger("promoter")
bp = func.Blueprint()


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
    match work:
        case Advance():
            send(wake, await advance_line(app, work.line_key))
        case Consider():
            send(wake, await consider(app, Image(work.repository, work.digest)))


@bp.function_name("advance_poison")
@bp.queue_trigger(arg_name="message", queue_name=f"{WORK_QUEUE}-poison", connection=CONNECTION)
async def advance_poison(message: func.QueueMessage) -> None:
    """Record that a message was given up; what it was to drive stands in a todo that `reconcile` resumes."""
    text = text_of(message)
    try:
        app = bootstrap.app()
    except NotReadyError as error:
        await postpone(f"{WORK_QUEUE}-poison", text, error)
        return
    await reject(app, "advance", text, "given up after its last attempt; the log of `advance` says why")
