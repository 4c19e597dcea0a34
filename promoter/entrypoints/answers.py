"""What is sent back."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import ceil
from urllib.parse import urlencode

import azure.functions as func

from promoter.application.documents import Candidate
from promoter.application.work import Work
from promoter.domain.codec import encode
from promoter.domain.decision import Decision, Outcome
from promoter.domain.promotion import Promotion
from promoter.entrypoints.views import candidate_view, decision_view, record_view

JSON = "application/json"
_SOON = "2"
_LATER, _MUCH_LATER = 30, 3600
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
        text: What is shown, as JSON; nothing where it is empty.
        wake: What is to be put on the work queue.
        record: The promotion that was started, whose end can be waited for.
        replayed: Whether it is what the same call was answered before.
        kind: The text's media type.
    """

    text: str = ""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    wake: Sequence[Work] = ()
    record: str | None = None
    replayed: bool = False
    kind: str = JSON


def shown(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """An answer that shows a value."""
    return Answer(encode(value), status, headers or {})


def record_answer(record: Promotion, status: int = 200, wake: Sequence[Work] = ()) -> Answer:
    """An answer that shows a record, and says where to look at it again while it has not ended."""
    headers = {"Location": f"/api/promotions/{record.id}"}
    if not record.phase.is_terminal:
        headers["Retry-After"] = _SOON
    return Answer(encode(record_view(record)), status, headers, wake, record=record.id)


def decision_answer(decision: Decision, now: datetime) -> Answer:
    """An answer that shows a decision, and says when to look again where it may change by itself."""
    waits = decision.outcome is Outcome.WAITING
    return shown(decision_view(decision), headers=_when(decision, now) if waits else {})


def candidate_answer(candidate: Candidate, now: datetime) -> Answer:
    """An answer that shows what waits, and says where and when to look again."""
    query = {"repository": candidate.repository, "tag": candidate.tag, "to": candidate.environment}
    headers = {"Location": f"/api/decisions?{urlencode(query)}", **_when(candidate.decision, now)}
    return shown(candidate_view(candidate), 202, headers)


def _when(decision: Decision, now: datetime) -> dict[str, str]:
    seconds = ceil((decision.earliest - now).total_seconds()) if decision.earliest else _LATER
    return {"Retry-After": str(min(max(seconds, 1), _MUCH_LATER))}


def response(req: func.HttpRequest, answer: Answer) -> func.HttpResponse:
    """The answer as the worker takes it: without its text, where whoever reads has that already."""
    if req.method != "GET" or answer.status != 200:  # noqa: PLR2004 - OK
        replayed = {"Idempotent-Replayed": "true"} if answer.replayed else {}
        return reply(answer.text, answer.status, answer.kind, {**answer.headers, **replayed})
    tag = f'"{hashlib.sha256(answer.text.encode()).hexdigest()[:32]}"'
    known = {each.strip().removeprefix("W/") for each in req.headers.get("If-None-Match", "").split(",")}
    headers = {**answer.headers, "ETag": tag}
    if known & {tag, "*"}:
        return reply("", 304, answer.kind, headers)
    return reply(answer.text, answer.status, answer.kind, headers)


def reply(text: str, status: int, kind: str, headers: Mapping[str, str]) -> func.HttpResponse:
    """An answer that is written out already."""
    return func.HttpResponse(text, status_code=status, mimetype=kind, headers={**ALWAYS, **headers})
