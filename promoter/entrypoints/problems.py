"""Errors as RFC 9457 problem documents: one shape on every route."""

import logging
from collections.abc import Awaitable
from typing import Any

import azure.functions as func

from promoter.application.promote import NotQualifiedError
from promoter.bootstrap import NotReadyError
from promoter.domain.codec import encode, plain
from promoter.domain.errors import (
    ConcurrentChangeError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    PromoterError,
    RefusedError,
    UnavailableError,
)
from promoter.entrypoints.views import decision_view

log = logging.getLogger("promoter")

_TYPE = "urn:promoter:problem:"
# The first that fits: (what, type, title, status).
_KINDS: tuple[tuple[type[PromoterError], str, str, int], ...] = (
    (InvalidError, "invalid-request", "The request is not valid", 400),
    (ForbiddenError, "forbidden", "The caller may not do that", 403),
    (NotFoundError, "not-found", "There is no such thing", 404),
    (NotQualifiedError, "not-qualified", "The image does not qualify", 409),
    (RefusedError, "refused", "The request cannot be carried out", 409),
    (ConcurrentChangeError, "busy", "Too much happened at once", 503),
    (UnavailableError, "unavailable", "Something that Promoter needs does not answer", 503),
    (NotReadyError, "not-ready", "Promoter is not ready", 503),
)
_RETRY_AFTER = 10


async def answered(answer: Awaitable[func.HttpResponse]) -> func.HttpResponse:
    """The answer, or the problem that came up instead."""
    try:
        return await answer
    except PromoterError as error:
        return problem(error)
    except Exception:
        log.exception("an HTTP call failed")
        document = _document("internal-error", "Promoter failed", 500, "this is a defect; the log says more")
        return _response(document, {})


def problem(error: PromoterError) -> func.HttpResponse:
    """An error as a problem document."""
    found = ((name, title, status) for kind, name, title, status in _KINDS if isinstance(error, kind))
    name, title, status = next(found, ("internal-error", "Promoter failed", 500))
    document = _document(name, title, status, str(error))
    headers = {}
    match error:
        case InvalidError(field=str(field)):
            document["field"] = field
        case NotQualifiedError(decision=decision):
            document["decision"] = plain(decision_view(decision))
        case NotReadyError(problems=problems):
            document["problems"] = problems
        case _:
            pass
    if status == 503:  # noqa: PLR2004 - Service Unavailable
        wait = (
            error.retry_after.total_seconds()
            if isinstance(error, UnavailableError) and error.retry_after
            else 0
        )
        headers["Retry-After"] = str(max(round(wait), _RETRY_AFTER))
    return _response(document, headers)


def _document(name: str, title: str, status: int, detail: str) -> dict[str, Any]:
    return {"type": f"{_TYPE}{name}", "title": title, "status": status, "detail": detail}


def _response(document: dict[str, Any], headers: dict[str, str]) -> func.HttpResponse:
    return func.HttpResponse(
        encode(document), status_code=document["status"], mimetype="application/problem+json", headers=headers
    )
