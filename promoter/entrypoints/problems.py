"""Errors as RFC 9457 problem documents: one shape on every route."""

import logging
from collections.abc import Awaitable
from typing import Any

import azure.functions as func
import msgspec

from promoter.application.idempotency import StillRunningError
from promoter.application.promote import NotQualifiedError
from promoter.bootstrap import NotReadyError
from promoter.domain.codec import encode
from promoter.domain.errors import InvalidError, NotFoundError, PromoterError, UnavailableError
from promoter.entrypoints.answers import reply
from promoter.entrypoints.problem_types import INTERNAL, PREFIX, ProblemType, problem_type
from promoter.entrypoints.unknown import MethodNotAllowedError
from promoter.entrypoints.views import DecisionView, decision_view

log = logging.getLogger("promoter")

KIND = "application/problem+json"
_SOON, _RETRY_AFTER = "2", 10


class ProblemView(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """What went wrong (RFC 9457).

    Attributes:
        type: Which kind of problem it is, for programs; it never changes.
        detail: What went wrong this time.
        remedy: What to do.
        field: The path of what is wrong in the request, as in `override.reason`.
        decision: Why an image was not promoted or rolled back.
        problems: What is wrong with the app's settings and policy.
    """

    type: str
    title: str
    status: int
    detail: str
    remedy: str
    field: str | None = None
    decision: DecisionView | None = None
    problems: list[str] | None = None


async def answered(answer: Awaitable[func.HttpResponse]) -> func.HttpResponse:
    """The answer, or the problem that came up instead."""
    try:
        return await answer
    except PromoterError as error:
        return problem(error)
    except Exception:
        log.exception("an HTTP call failed")
        return told(INTERNAL, "the log of this call says more")


def problem(error: PromoterError) -> func.HttpResponse:
    """An error as a problem document."""
    kind = problem_type(error)
    more: dict[str, Any] = {}
    match error:
        case InvalidError(field=str(field)) | NotFoundError(field=str(field)):
            more["field"] = field
        case NotQualifiedError(decision=decision):
            more["decision"] = decision_view(decision)
        case NotReadyError(problems=[_, *_] as problems):
            more["problems"] = problems
        case _:
            pass
    return told(kind, str(error), _headers(kind, error), **more)


def told(
    kind: ProblemType,
    detail: str,
    headers: dict[str, str] | None = None,
    **more: Any,  # noqa: ANN401
) -> func.HttpResponse:
    """A problem document."""
    view = ProblemView(PREFIX + kind.name, kind.title, kind.status, detail, kind.remedy, **more)
    return reply(encode(view), kind.status, KIND, headers or {})


def _headers(kind: ProblemType, error: PromoterError) -> dict[str, str]:
    match kind.status:
        case _ if isinstance(error, MethodNotAllowedError):
            return {"Allow": ", ".join(error.allowed)}
        case _ if isinstance(error, StillRunningError):
            return {"Retry-After": _SOON}
        case 401:
            return {"WWW-Authenticate": "Bearer"}
        case 503:
            asked = error.retry_after if isinstance(error, UnavailableError) else None
            wait = round(asked.total_seconds()) if asked else 0
            return {"Retry-After": str(max(wait, _RETRY_AFTER))}
        case _:
            return {}
