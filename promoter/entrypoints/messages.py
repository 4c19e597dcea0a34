"""Queue messages in and out."""

import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import List  # noqa: UP035

import azure.functions as func

from promoter import bootstrap
from promoter.application.work import Work, to_message

log = logging.getLogger("promoter")

CONNECTION = "PromoterStorage"
WORK_QUEUE = "promoter-work"
GATES_QUEUE = "quality-gates"
# The worker takes typing.List for an annotation here, and refuses list.
Wake = func.Out[List[str]]  # noqa: UP006
_LATER = timedelta(minutes=1)


def send(wake: Wake, work: Sequence[Work]) -> None:
    """Put work on the queue, once each, when the function has ended well."""
    messages = list(dict.fromkeys(to_message(each) for each in work))
    if messages:
        wake.set(messages)


def text_of(message: func.QueueMessage) -> str:
    """A message's text; what is no UTF-8 is shown as such, and then rejected for what it is."""
    return message.get_body().decode(errors="replace")


async def postpone(queue: str, text: str, why: Exception) -> None:
    """Put a message back for later: nothing is wrong with it, and it must not run out of attempts."""
    log.warning("%s: a message is put back for %s: %s", queue, _LATER, why)
    await bootstrap.process().queue(queue).send(text, _LATER)
