"""The quality-gate queue: the same JSON as the body of `POST /gates`."""

import azure.functions as func

from promoter import bootstrap
from promoter.application.reject import reject
from promoter.application.take_gate_result import GateReport, UnknownTagError, take_gate_result
from promoter.bootstrap import NotReadyError
from promoter.domain.actor import Actor
from promoter.domain.errors import (
    ConcurrentChangeError,
    InvalidError,
    NotFoundError,
    RefusedError,
    UnavailableError,
)
from promoter.entrypoints.complaints import decode_request
from promoter.entrypoints.messages import CONNECTION, GATES_QUEUE, WORK_QUEUE, Wake, postpone, send, text_of

bp = func.Blueprint()

# Who may write to the queue is a matter of the storage account's roles; the message does not say who did.
REPORTER = Actor("queue:quality-gates", "a sender to the quality-gates queue", "key")


@bp.function_name("quality_gate")
@bp.queue_trigger(arg_name="message", queue_name=GATES_QUEUE, connection=CONNECTION)
@bp.queue_output(arg_name="wake", queue_name=WORK_QUEUE, connection=CONNECTION)
async def quality_gate(message: func.QueueMessage, wake: Wake) -> None:
    """A quality gate reports its verdict on an image."""
    text = text_of(message)
    try:
        app = bootstrap.app()
        report = decode_request(text, GateReport)
        reported = await take_gate_result(app, report, REPORTER, guard=False)
        send(wake, [*reported.wake, *await bootstrap.woken_by_policy()])
    except UnknownTagError:
        raise  # its push may be on its way: the queue tries again, a few times
    except (NotReadyError, ConcurrentChangeError, UnavailableError) as error:
        await postpone(GATES_QUEUE, text, error)
    except (InvalidError, NotFoundError, RefusedError) as error:
        at = f"{error.field}: " if isinstance(error, InvalidError) and error.field else ""
        await reject(bootstrap.app(), "quality_gate", text, f"{at}{error}")


@bp.function_name("quality_gate_poison")
@bp.queue_trigger(arg_name="message", queue_name=f"{GATES_QUEUE}-poison", connection=CONNECTION)
async def quality_gate_poison(message: func.QueueMessage) -> None:
    """Record a verdict that could not be taken."""
    text = text_of(message)
    try:
        app = bootstrap.app()
    except NotReadyError as error:
        await postpone(f"{GATES_QUEUE}-poison", text, error)
        return
    await reject(
        app, "quality_gate", text, "given up after its last attempt; the log of `quality_gate` says why"
    )
