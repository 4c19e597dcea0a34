"""One shape of errors on every route: a walk over all, with whatever can go wrong before a use case is asked.

And: what comes in is not sent back raw, secrets show nowhere, and no id reaches what it is none of.
"""

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from promoter.adapters.settings import Access, Auth, KeyedStorage, Secret, Settings
from promoter.application.documents import Keyed, Rejection
from promoter.application.idempotency import KeyedCall, begin
from promoter.application.reject import reject
from promoter.domain.access import Role
from promoter.domain.errors import ConcurrentChangeError, UnavailableError
from promoter.entrypoints.callers import CLIENT
from promoter.entrypoints.problem_types import INTERNAL, PROBLEM_TYPES
from promoter.entrypoints.problems import ProblemView
from promoter.entrypoints.routes import ROUTES, AnyRoute, Nothing
from tests.unit.application.stories import released
from tests.unit.entrypoints.calls import BODIES, QUERIES, world
from tests.unit.entrypoints.principals import signed_in
from tests.unit.entrypoints.running import Functions, call, http_functions, read, request, run_over

ENTRA = Access(Auth.ENTRA, platform=True)
STATUSES = {f"urn:promoter:problem:{each.name}": each.status for each in (*PROBLEM_TYPES, INTERNAL)}
CLOSED = [name for name, route in ROUTES.items() if route.needs is not None]


def check(answer: Any, status: int, what: str) -> dict[str, Any]:  # noqa: ANN401 - the worker's response
    """The problem document that an answer is, which has the one shape."""
    assert answer.status_code == status, what
    assert answer.mimetype == "application/problem+json", what
    document: dict[str, Any] = read(answer)
    assert document["status"] == status == STATUSES[document["type"]], what
    for name in ("type", "title", "detail", "remedy"):
        assert isinstance(document[name], str), (what, name)
        assert document[name], (what, name)
    assert document["remedy"].endswith("."), what
    assert set(document) <= set(ProblemView.__struct_encode_fields__), what
    assert (status == 503) <= ("Retry-After" in answer.headers), what
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    return document


async def asked(on: Functions, name: str, **changes: Any) -> Any:  # noqa: ANN401
    """A call that is right, but for the changes."""
    right: dict[str, Any] = {
        "body": BODIES.get(name),
        "params": QUERIES.get(name),
        "headers": {CLIENT: "tests", **signed_in(*Role)},
    }
    return await call(on, name, **(right | changes))


@pytest.fixture
def on(monkeypatch: pytest.MonkeyPatch) -> Functions:
    return run_over(world(), monkeypatch, access=ENTRA)


@pytest.mark.parametrize("name", CLOSED)
async def test_every_route_tells_every_error_in_the_one_shape(on: Functions, name: str) -> None:
    route: AnyRoute = ROUTES[name]
    check(await asked(on, name, headers={}), 401, "nobody")
    check(await asked(on, name, headers={"X-MS-CLIENT-PRINCIPAL": "{}"}), 401, "a principal that is none")
    check(await asked(on, name, headers=signed_in()), 403, "somebody without a role")
    params = {**QUERIES.get(name, {}), "colour": "red"}
    assert check(await asked(on, name, params=params), 400, "an unknown parameter")["field"] == "colour"
    if route.changes:
        check(await asked(on, name, headers=signed_in(*Role)), 403, "a cookie alone")
        long = {CLIENT: "x", "Content-Length": "99999999", **signed_in(*Role)}
        check(await asked(on, name, headers=long), 413, "too long")
        keyed = {CLIENT: "x", "Idempotency-Key": "a b", **signed_in(*Role)}
        assert check(await asked(on, name, headers=keyed), 400, "no key")["field"] == "Idempotency-Key"
    for body in (b"{", b"[]", b'{"a": 1}', b"[" * 40_000, b"\xff"):
        check(await asked(on, name, body=body), 400, f"a body of {body[:9]!r}")
    if route.body is not Nothing and route.body.__struct_encode_fields__[0] in {"repository", "environment"}:
        check(await asked(on, name, body={}), 400, "a body that lacks everything")


@pytest.mark.parametrize("name", [name for name in CLOSED if name not in {"openapi", "docs"}])
async def test_every_route_tells_of_a_store_that_fails_in_the_one_shape(
    on: Functions, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    for error, status in (
        (UnavailableError("the store does not answer"), 503),
        (ConcurrentChangeError("changed"), 503),
        (RuntimeError("a defect"), 500),
    ):

        async def fail(*_: object, fault: Exception = error, **__: object) -> None:
            raise fault

        for store in (on.world.promotions, on.world.evidence, on.world.registry, on.world.scheduler):
            for method in ("get", "page", "commit", "load", "add", "digest", "wake"):
                if hasattr(store, method):
                    monkeypatch.setattr(store, method, fail)
        check(await asked(on, name), status, str(error))


@pytest.mark.parametrize("name", [name for name, route in ROUTES.items() if "{id}" in route.path])
@pytest.mark.parametrize(
    "record",
    [
        "~rejections~x~0000000001.main",
        "~requests~2026-11-23~aa",
        "prod~shop:web~9999999998",
        "prod~shop:web~9999999998.main~log",
        "prod~shop/web~9999999998.main",
        "PROD~shop:web~9999999998.main",
        "prod~shop:web~9999999998.main\n",
        "prod'~shop:web~9999999998.main",
        "prod~shop:web~9999999998.main' or PartitionKey ne '",
        "prod~shop:web~-999999998.main",
        "prod~..~9999999998.main",
        "prod~shop:web~9999999998.main%00",
        "x" * 5000,
        "<script>alert(1)</script>",
    ],
)
async def test_an_id_is_a_records_and_reaches_nothing_else(on: Functions, name: str, record: str) -> None:
    await reject(on.world.app, "image_pushed", "{}", "no")
    await begin(on.world.app, KeyedCall("ann", "k", "x"))
    before = on.world.promotions.snapshot()
    answer = await asked(on, name, path={"id": record})
    document = check(answer, 404, record[:40])
    assert document["field"] == "id"
    assert len(document["detail"]) < 400
    assert on.world.promotions.snapshot() == before
    assert on.world.promotions.rows(Rejection)
    assert on.world.promotions.rows(Keyed)


@pytest.mark.parametrize("environment", ["~rejections", "~requests", "~environments", "prod'", "../prod", ""])
async def test_a_line_is_an_environments_and_nothing_elses(on: Functions, environment: str) -> None:
    path = {"environment": environment, "repository": "shop:web"}
    for name in ("hold", "unhold"):
        check(await asked(on, name, path=path), 404, environment)
    for name in ("environments", "candidates", "history"):
        check(await asked(on, name, params={"environment": environment}), 404, environment)
    assert on.world.promotions.snapshot() == {}


async def test_what_is_sent_back_is_json_and_no_page(on: Functions) -> None:
    script = "<script>alert(1)</script>"
    for answer in (
        await asked(on, "history", params={"environment": script}),
        await asked(on, "promote", body={"repository": script, "tag": "v1", "to": "prod"}),
        await asked(on, "promote", body={script: 1}),
        await http_functions()["unknown"](request("GET", script, route={"path": script})),
    ):
        assert answer.mimetype == "application/problem+json"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


async def test_secrets_show_in_no_answer_and_no_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    on = run_over(world(), monkeypatch, access=ENTRA)
    await released(on.world, "v1")
    token = signed_in(*Role)["X-MS-CLIENT-PRINCIPAL"]
    secret = {"authorization": "Bearer s3cr3t-token", "x-functions-key": "s3cr3t-key", "cookie": "s3cr3t=1"}
    headers = {CLIENT: "x", "X-MS-CLIENT-PRINCIPAL": token, "Idempotency-Key": "s3cr3t-idempotency", **secret}
    texts = []
    for name in ROUTES:
        for body in (BODIES.get(name), b"{", {"colour": 1}):
            params = {"code": "s3cr3t-code", "clientId": "default", **QUERIES.get(name, {})}
            answer = await call(on, name, body, headers=headers, params=params)
            texts.append(answer.get_body().decode() + json.dumps(list(answer.headers.items())))

    async def fail(*_: object, **__: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(on.world.promotions, "page", fail)
    texts.append((await call(on, "history", headers=headers)).get_body().decode())
    settings = Settings(
        storage=KeyedStorage(Secret("AccountKey=s3cr3t")),
        arm_url="https://arm",
        policy=Path("policy.yaml"),
        access=ENTRA,
        client_id=None,
        in_azure=True,
    )
    texts.append(repr(settings))
    everything = "".join(texts) + caplog.text + str(on.world.promotions.snapshot())
    assert "an HTTP call failed" in everything
    assert "s3cr3t" not in everything
    assert token not in everything
