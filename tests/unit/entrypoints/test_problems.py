"""Errors as problem documents: one shape, whatever went wrong."""

import json
import logging
from datetime import timedelta
from typing import Any

import azure.functions as func
import msgspec
import pytest

from promoter.application.idempotency import KeyReusedError, StillRunningError
from promoter.application.paging import CursorError
from promoter.application.promote import NoRuleError, NotInSourceError, NotQualifiedError
from promoter.application.rollback_plan import (
    AlreadyCurrentError,
    ImageGoneError,
    NothingEarlierError,
    RecordElsewhereError,
    RecordNotSucceededError,
    RollbackRefusedError,
)
from promoter.application.take_gate_result import UnknownTagError
from promoter.application.target import TagConflictError
from promoter.bootstrap import NotReadyError
from promoter.domain.condition import Condition, State
from promoter.domain.decision import decide
from promoter.domain.errors import (
    ConcurrentChangeError,
    DeniedError,
    ForbiddenError,
    InvalidError,
    InvalidReferenceError,
    NotFoundError,
    PolicyError,
    PromoterError,
    RefusedError,
    SettingsError,
    UnavailableError,
)
from promoter.domain.promotion import IllegalTransitionError
from promoter.entrypoints.callers import ClientHeaderError
from promoter.entrypoints.principal import UnauthenticatedError
from promoter.entrypoints.problems import ProblemView, answered, problem
from promoter.entrypoints.requests import TooLargeError
from promoter.entrypoints.unknown import MethodNotAllowedError, UnknownPathError
from tests.unit.entrypoints.running import read

GATE = Condition("gate", State.PENDING, "waits for gate unit-tests in dev; nothing reported yet")
DECISION = decide("dev-to-staging", (GATE,))

PROBLEMS: list[tuple[PromoterError, int, str]] = [
    (TooLargeError("no"), 413, "too-large"),
    (UnauthenticatedError("no"), 401, "unauthenticated"),
    (ClientHeaderError("no"), 403, "client-header"),
    (InvalidError("no"), 400, "invalid-request"),
    (InvalidReferenceError("no", "tag"), 400, "invalid-request"),
    (CursorError(), 400, "invalid-request"),
    (ForbiddenError("no"), 403, "forbidden"),
    (UnknownPathError("no"), 404, "unknown-path"),
    (MethodNotAllowedError("no", ["GET", "PUT"]), 405, "method-not-allowed"),
    (NotFoundError("no"), 404, "not-found"),
    (NoRuleError("no"), 404, "not-found"),
    (NotInSourceError("no", "dev-to-staging"), 404, "not-found"),
    (UnknownTagError("no"), 404, "not-found"),
    (NotQualifiedError(DECISION), 409, "not-qualified"),
    (KeyReusedError("no"), 422, "key-reused"),
    (StillRunningError("no"), 409, "still-running"),
    (AlreadyCurrentError("no", DECISION), 409, "already-current"),
    (RecordNotSucceededError("no", DECISION), 409, "record-not-succeeded"),
    (ImageGoneError("no", DECISION), 409, "image-gone"),
    (RecordElsewhereError("no"), 409, "record-elsewhere"),
    (NothingEarlierError("no"), 409, "nothing-earlier"),
    (RefusedError("no"), 409, "refused"),
    (TagConflictError("no"), 409, "refused"),
    (ConcurrentChangeError("no"), 503, "busy"),
    (UnavailableError("no"), 503, "unavailable"),
    (DeniedError("no"), 503, "unavailable"),
    (NotReadyError(["a", "b"]), 503, "not-ready"),
    (IllegalTransitionError("no"), 500, "internal-error"),
]
# Roots; and what NotReadyError tells.
ELSEWHERE = {PromoterError, RollbackRefusedError, PolicyError, SettingsError}


def all_errors(root: type[PromoterError]) -> set[type[PromoterError]]:
    return {root, *(found for each in root.__subclasses__() for found in all_errors(each))}


@pytest.mark.parametrize(
    ("error", "status", "name"), PROBLEMS, ids=[type(error).__name__ for error, *_ in PROBLEMS]
)
def test_every_error_is_a_problem_document_of_one_shape(error: PromoterError, status: int, name: str) -> None:
    response = problem(error)
    document = read(response)
    assert response.status_code == status
    assert response.mimetype == "application/problem+json"
    assert list(document)[:5] == ["type", "title", "status", "detail", "remedy"]
    assert document["remedy"].endswith(".")
    assert document["type"] == f"urn:promoter:problem:{name}"
    assert document["status"] == status
    assert document["detail"] == str(error)
    assert set(document) <= {f.encode_name for f in msgspec.structs.fields(ProblemView)}
    assert ("Retry-After" in response.headers) is (status == 503 or name == "still-running")


def test_no_error_is_left_out() -> None:
    known = {type(error) for error, *_ in PROBLEMS} | ELSEWHERE
    assert {error for error in all_errors(PromoterError) if error.__module__.startswith("promoter")} == known


def test_an_invalid_request_names_the_field() -> None:
    assert read(problem(InvalidError("no", "parts[1].tag")))["field"] == "parts[1].tag"
    assert "field" not in read(problem(InvalidError("no")))


def test_what_does_not_qualify_comes_with_the_decision() -> None:
    document = read(problem(NotQualifiedError(DECISION)))
    assert document["detail"] == GATE.text
    assert document["decision"] == {
        "outcome": "waiting",
        "rule": "dev-to-staging",
        "conditions": [{"kind": "gate", "state": "pending", "text": GATE.text}],
        "earliest": None,
    }


def test_an_app_that_is_not_ready_lists_its_problems() -> None:
    assert read(problem(NotReadyError(["a", "b"])))["problems"] == ["a", "b"]


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (UnavailableError("no"), "10"),
        (UnavailableError("no", timedelta(seconds=1)), "10"),
        (UnavailableError("no", timedelta(seconds=90.6)), "91"),
        (ConcurrentChangeError("no"), "10"),
    ],
)
def test_what_may_pass_says_when_to_come_again(error: PromoterError, seconds: str) -> None:
    assert problem(error).headers["Retry-After"] == seconds


async def test_an_answer_is_left_as_it_is() -> None:
    async def answer() -> func.HttpResponse:
        return func.HttpResponse("fine", status_code=202)

    assert (await answered(answer())).status_code == 202


async def test_a_defect_is_told_in_the_log_and_not_to_the_caller(caplog: pytest.LogCaptureFixture) -> None:
    async def answer() -> func.HttpResponse:
        secret = "AccountKey=abc"
        raise RuntimeError(secret)

    with caplog.at_level(logging.ERROR, logger="promoter"):
        response = await answered(answer())
    document: dict[str, Any] = json.loads(response.get_body())
    assert response.status_code == 500
    assert response.mimetype == "application/problem+json"
    assert document["type"] == "urn:promoter:problem:internal-error"
    assert "AccountKey" not in str(document)
    assert "AccountKey" in caplog.text
