"""What is sent back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import azure.functions as func

from promoter.application.work import Work
from promoter.domain.codec import encode

JSON = "application/json"
# No answer is for a page of another site, or to be kept by anybody but its reader, who asks again each time.
ALWAYS = {
    "Cache-Control": "private, no-cache",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call leads to.

    Attributes:
        value: What is shown, as JSON; nothing where it is None.
        wake: What is to be put on the work queue.
    """

    value: object = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    wake: Sequence[Work] = ()


def response(answer: Answer) -> func.HttpResponse:
    """The answer as the worker takes it."""
    text = "" if answer.value is None else encode(answer.value)
    return reply(text, answer.status, JSON, answer.headers)


def reply(text: str, status: int, kind: str, headers: Mapping[str, str]) -> func.HttpResponse:
    """An answer that is written out already."""
    return func.HttpResponse(text, status_code=status, mimetype=kind, headers={**ALWAYS, **headers})
