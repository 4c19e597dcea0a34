"""The kinds of problem documents: their `type` never changes, and each says what to do."""

from typing import NamedTuple

from promoter.application.idempotency import KeyReusedError, StillRunningError
from promoter.application.promote import NotQualifiedError
from promoter.application.rollback_plan import (
    AlreadyCurrentError,
    ImageGoneError,
    NothingEarlierError,
    RecordElsewhereError,
    RecordNotSucceededError,
)
from promoter.bootstrap import NotReadyError
from promoter.domain.errors import (
    ConcurrentChangeError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    PromoterError,
    RefusedError,
    UnavailableError,
)
from promoter.entrypoints.callers import CLIENT, ClientHeaderError
from promoter.entrypoints.principal import UnauthenticatedError
from promoter.entrypoints.requests import TooLargeError
from promoter.entrypoints.unknown import MethodNotAllowedError, UnknownPathError

PREFIX = "urn:promoter:problem:"


class ProblemType(NamedTuple):
    """One kind.

    Attributes:
        error: What is told by it.
        name: What its `type` ends with.
        status: The HTTP status that it comes with.
        remedy: What whoever called can do.
    """

    error: type[Exception]
    name: str
    title: str
    status: int
    remedy: str


_AGAIN = "Send the same again after the seconds that Retry-After names."
_WHY = "GET /api/decisions shows every condition."

INTERNAL = ProblemType(
    Exception, "internal-error", "Promoter failed", 500, "This is a defect: report it, with the log."
)
PROBLEM_TYPES: tuple[ProblemType, ...] = (  # the first that fits is taken
    ProblemType(
        TooLargeError, "too-large", "The body is too large", 413, "Send less; keep what is long behind a URL."
    ),
    ProblemType(
        KeyReusedError,
        "key-reused",
        "The idempotency key belongs to another request",
        422,
        "Take a new key for each new request, and the same key only for its repetitions.",
    ),
    ProblemType(
        InvalidError,
        "invalid-request",
        "The request is not valid",
        400,
        "Mend what `detail` tells of, and send it again; GET /api/docs describes every call.",
    ),
    ProblemType(
        UnauthenticatedError,
        "unauthenticated",
        "The caller is not known",
        401,
        "Sign in with Microsoft Entra, and send the token that it gives for this app.",
    ),
    ProblemType(
        ClientHeaderError, "client-header", "The call does not name its program", 403, f"Send {CLIENT}."
    ),
    ProblemType(
        ForbiddenError,
        "forbidden",
        "The caller may not do that",
        403,
        "Have the role assigned that is named; docs/security.md lists them all.",
    ),
    ProblemType(
        UnknownPathError,
        "unknown-path",
        "The API has no such path",
        404,
        "GET /api/docs describes every call.",
    ),
    ProblemType(
        MethodNotAllowedError,
        "method-not-allowed",
        "The path has other methods",
        405,
        "Take one of the methods that Allow names.",
    ),
    ProblemType(NotFoundError, "not-found", "There is no such thing", 404, "Check the name."),
    ProblemType(
        StillRunningError,
        "still-running",
        "The same call is being carried out",
        409,
        "Send the same again after the seconds that Retry-After names; it is then answered as the first was.",
    ),
    ProblemType(
        AlreadyCurrentError,
        "already-current",
        "The environment runs that image already",
        409,
        "Nothing is to be done; to go back further, name an earlier record.",
    ),
    ProblemType(
        RecordNotSucceededError,
        "record-not-succeeded",
        "The record put nothing into the environment",
        409,
        "Name a record whose phase is succeeded; GET /api/promotions lists them.",
    ),
    ProblemType(
        ImageGoneError,
        "image-gone",
        "The image is in no registry any more",
        409,
        "Name the record that `detail` proposes, or push the image again.",
    ),
    ProblemType(
        RecordElsewhereError,
        "record-elsewhere",
        "The record is of another line",
        409,
        "Leave out environment, repository and track, or name a record of theirs.",
    ),
    ProblemType(
        NothingEarlierError,
        "nothing-earlier",
        "There is no record to go back to by itself",
        409,
        "Name the record to go back to.",
    ),
    ProblemType(NotQualifiedError, "not-qualified", "The image does not qualify", 409, _WHY),
    ProblemType(
        RefusedError,
        "refused",
        "The request cannot be carried out",
        409,
        "Look at what is there now; the same request is refused until that has changed.",
    ),
    ProblemType(ConcurrentChangeError, "busy", "Too much happened at once", 503, _AGAIN),
    ProblemType(
        UnavailableError, "unavailable", "Something that Promoter needs does not answer", 503, _AGAIN
    ),
    ProblemType(
        NotReadyError,
        "not-ready",
        "Promoter is not ready",
        503,
        "Mend the settings or the policy that `problems` names, and restart the app.",
    ),
)


def problem_type(error: PromoterError) -> ProblemType:
    """The kind that tells of an error."""
    return next((each for each in PROBLEM_TYPES if isinstance(error, each.error)), INTERNAL)
