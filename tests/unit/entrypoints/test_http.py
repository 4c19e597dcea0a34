"""The HTTP API: what is asked, what is answered, what is woken."""

import json

import azure.functions as func
import pytest

from promoter.adapters.settings import Access, Auth
from promoter.application.advance import advance as advance_line
from promoter.application.reject import reject
from promoter.application.work import Advance, to_message
from promoter.domain.codec import encode
from promoter.domain.errors import UnavailableError
from promoter.domain.image import Repository
from promoter.entrypoints import http
from promoter.entrypoints.requests import MAX_BODY
from promoter.entrypoints.routes import ROUTES
from promoter.entrypoints.views import record_view
from tests.fakes.world import WEB, World, policy, registry_id
from tests.unit.application.stories import in_flight, qualified, released
from tests.unit.domain.strategies import digest
from tests.unit.entrypoints.running import Functions, call, http_functions, read, request, run_over

LINE = {"environment": "prod", "repository": "shop:web"}
WAKES_PROD = [to_message(Advance("prod", Repository("shop/web")))]


def is_problem(response: func.HttpResponse, status: int) -> bool:
    document = read(response)
    return (
        (response.status_code, document["status"]) == (status, status)
        and response.mimetype == "application/problem+json"
        and document["type"].startswith("urn:promoter:problem:")
        and bool(document["title"])
        and bool(document["detail"])
    )


@pytest.fixture
async def by_hand(monkeypatch: pytest.MonkeyPatch) -> Functions:
    """An image that waits in staging to be promoted to prod by hand."""
    functions = run_over(World(policy(automatic_to_prod=False)), monkeypatch)
    await released(functions.world, "v1")
    return functions


# Every route.


@pytest.mark.parametrize("name", [name for name, route in ROUTES.items() if route.needs is not None])
async def test_an_app_that_is_not_ready_says_so_on_every_route(broken: Functions, name: str) -> None:
    response = await call(broken, name)
    assert is_problem(response, 503)
    assert read(response)["problems"] == ["rules[0].to: there is no environment 'qa'"]
    assert response.headers["Retry-After"] == "10"
    assert broken.wake.messages == []


@pytest.mark.parametrize("name", ["history", "environments", "candidates", "unhold", "show"])
async def test_a_store_that_does_not_answer_is_a_503_that_may_pass(
    functions: Functions, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    async def down(*_: object, **__: object) -> None:
        message = "the store does not answer"
        raise UnavailableError(message)

    for method in ("get", "page", "commit"):
        monkeypatch.setattr(functions.world.promotions, method, down)
    assert is_problem(await call(functions, name), 503)


@pytest.mark.parametrize("name", ["promote", "roll_back", "adopt", "report_gate", "hold"])
@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b'"x"', b"\xff", b'{"unknown": 1}', b"[" * 60_000]
)
async def test_a_body_that_is_none_is_a_400(functions: Functions, name: str, body: bytes) -> None:
    assert is_problem(await call(functions, name, body), 400)
    assert functions.world.promotions.snapshot() == {}
    assert functions.wake.messages == []


async def test_a_body_that_is_empty_is_told_what_it_lacks(functions: Functions) -> None:
    response = await call(functions, "adopt", b"")
    assert is_problem(response, 400)
    assert read(response)["detail"] == "a JSON body is needed, with environment, repository, tag"


async def test_a_body_that_is_too_long_is_not_read(functions: Functions) -> None:
    body = b'{"reason": "' + b"x" * MAX_BODY + b'"}'
    response = await call(functions, "hold", body)
    assert is_problem(response, 413)
    assert f"at most {MAX_BODY} are taken" in read(response)["detail"]


@pytest.mark.parametrize("name", ["history", "environments", "candidates", "decide", "health", "show"])
async def test_a_query_that_is_not_known_is_a_400(functions: Functions, name: str) -> None:
    response = await call(functions, name, params={"colour": "red"})
    assert is_problem(response, 400)
    assert "colour" in read(response)["detail"]


@pytest.mark.parametrize("name", ["history", "environments", "candidates"])
async def test_a_filter_that_a_script_forgot_to_set_is_not_no_filter(functions: Functions, name: str) -> None:
    req = request("GET", f"{name}?environment=&limit=5", params={"limit": "5"})  # as the host hands it over
    answer = await http_functions()[name](req)
    assert is_problem(answer, 400)
    assert read(answer)["field"] == "environment"


async def test_a_functions_key_in_the_query_is_no_part_of_it(functions: Functions) -> None:
    params = {"code": "a-key", "clientId": "default"}
    assert (await http.get_promotions(request("GET", "promotions", params=params))).status_code == 200
    assert (await http.get_environments(request("GET", "environments", params=params))).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("GET", "", 404, None),
        ("GET", "promotion", 404, None),
        ("GET", "promotions/a/b", 404, None),
        ("POST", "holds/prod/shop/web", 404, None),
        ("DELETE", "promotions", 405, "GET, POST"),
        ("POST", "promotions/x", 405, "GET"),
        ("GET", "Promotions/x/Retry/", 405, "POST"),
        ("GET", "holds/prod/shop:web", 405, "DELETE, PUT"),
        ("OPTIONS", "gates", 405, "POST"),
        ("HEAD", "health", 405, "GET"),
        ("PATCH", "<script>alert(1)</script>", 404, None),
    ],
)
async def test_what_is_no_call_of_the_api_is_a_problem_too(
    functions: Functions, method: str, path: str, status: int, allow: str | None
) -> None:
    answer = await http.no_such_call(request(method, path, route={"path": path}))
    assert is_problem(answer, status)
    assert answer.headers.get("Allow") == allow
    assert b"script" not in answer.get_body()


# Promoting.


async def test_a_promotion_by_hand_is_accepted_with_its_record_and_wakes_its_line(by_hand: Functions) -> None:
    body = {"repository": WEB, "tag": "v1", "to": "prod", "reason": "release 1"}
    response = await http.post_promotion(request("POST", "promotions", body), by_hand.wake)
    record = read(response)
    assert response.status_code == 202
    assert response.headers["Location"] == f"/api/promotions/{record['id']}"
    assert (record["kind"], record["phase"], record["reason"]) == ("manual", "pending", "release 1")
    assert record["actor"] == {"id": "local", "name": "whoever is at this machine", "via": "local"}
    assert by_hand.wake.messages == WAKES_PROD

    shown = await http.get_promotion(request("GET", "promotions", route={"id": record["id"]}))
    assert (shown.status_code, read(shown)) == (200, record)


async def test_what_is_there_already_is_a_200_and_wakes_nothing(by_hand: Functions) -> None:
    body = {"repository": WEB, "tag": "v1", "to": "staging"}
    response = await http.post_promotion(request("POST", "promotions", body), by_hand.wake)
    assert response.status_code == 200
    assert read(response)["id"] == by_hand.world.records("staging")[0].id
    assert by_hand.wake.messages == []


async def test_what_does_not_qualify_is_a_409_with_the_decision(functions: Functions) -> None:
    await functions.world.push("v1")
    body = {"repository": WEB, "tag": "v1", "to": "staging"}
    response = await http.post_promotion(request("POST", "promotions", body), functions.wake)
    assert is_problem(response, 409)
    document = read(response)
    assert document["decision"]["outcome"] == "waiting"
    assert "waits for gate unit-tests" in document["detail"]
    assert functions.wake.messages == []


@pytest.mark.parametrize(
    ("changes", "status", "field"),
    [
        ({"repository": "Shop"}, 400, "repository"),
        ({"tag": "-v"}, 400, "tag"),
        ({"tag": None, "digest": "sha256:1"}, 400, "digest"),
        ({"tag": None}, 400, "tag"),
        ({"digest": digest(1)}, 400, "tag"),
        ({"to": "qa"}, 404, "to"),
        ({"from": "qa"}, 404, "from"),
        ({"tag": "nightly"}, 404, "to"),
        ({"tag": "v9"}, 404, "tag"),
        ({"reason": "x" * 1001}, 400, "reason"),
        ({"reason": 7}, 400, "reason"),
    ],
)
async def test_a_promotion_that_cannot_be_meant_says_why(
    functions: Functions, changes: dict[str, object], status: int, field: str | None
) -> None:
    body = {"repository": WEB, "tag": "v1", "to": "staging"} | changes
    response = await http.post_promotion(request("POST", "promotions", body), functions.wake)
    assert is_problem(response, status)
    assert read(response).get("field") == field


async def test_with_keys_the_caller_is_a_holder_of_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    functions = run_over(World(policy(automatic_to_prod=False)), monkeypatch, access=Access(Auth.KEYS))
    await released(functions.world, "v1")
    body = {"repository": WEB, "tag": "v1", "to": "prod"}
    response = await http.post_promotion(request("POST", "promotions", body), functions.wake)
    assert read(response)["actor"]["via"] == "key"


async def test_a_failed_promotion_can_be_tried_again_and_a_pending_one_stopped(functions: Functions) -> None:
    world = functions.world
    foreign = world.registry.push(registry_id("staging"), WEB, "v1")
    await qualified(world, "v1")
    await world.run()
    world.registry.delete(registry_id("staging"), WEB, foreign)
    failed = world.records("staging")[0].id
    again = await http.post_retry(request("POST", "retry", route={"id": failed}), functions.wake)
    assert again.status_code == 202
    assert read(again)["retryOf"] == failed
    path = {"id": read(again)["id"]}
    long = await call(functions, "abort", {"reason": "x" * 1001}, path=path)
    assert (long.status_code, read(long)["field"]) == (400, "reason")
    stopped = await call(functions, "abort", {"reason": "the wrong tag"}, path=path)
    assert stopped.status_code == 200
    assert read(stopped)["failure"] == {
        "code": "aborted",
        "message": "stopped by whoever is at this machine (local, known by local): the wrong tag",
    }
    assert is_problem(await http.post_abort(request("POST", "abort", route={"id": failed})), 409)


async def test_a_gate_that_no_rule_asks_for_is_taken_and_says_so(functions: Functions) -> None:
    image = await functions.world.push("v1")
    report = {"repository": WEB, "digest": image, "environment": "dev", "verdict": "passed"}
    answer = await call(functions, "report_gate", report | {"gate": "unit-test"})
    assert (answer.status_code, read(answer)["countsFor"]) == (202, [])
    assert read(answer)["note"] == (
        "no rule asks for gate unit-test in dev, so it decides nothing; asked for there: unit-tests"
    )
    answer = await call(functions, "report_gate", report | {"gate": "unit-test", "environment": "prod"})
    assert read(answer)["note"].endswith("; no rule asks for any gate there")
    answer = await call(functions, "report_gate", report | {"gate": "unit-tests"})
    assert (read(answer)["countsFor"], read(answer)["note"]) == (["dev-to-staging"], None)
    assert read(answer)["result"]["reportedBy"]["via"] == "local"


async def test_a_verdict_that_no_rule_trusts_is_taken_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    gate = {"name": "scan", "issuers": ["trivy"]}
    rule = {"name": "r", "from": "dev", "to": "prod", "repositories": ["**"], "tags": ["v*"], "gates": [gate]}
    functions = run_over(World(policy(rules=[rule])), monkeypatch)
    image = await functions.world.push("v1")
    report = {"repository": WEB, "digest": image, "environment": "dev", "gate": "scan", "verdict": "passed"}
    answer = read(await call(functions, "report_gate", report | {"issuer": "me"}))
    assert answer["note"] == "asked for by r, which counts no verdict of this issuer or reporter"
    answer = read(await call(functions, "report_gate", report | {"issuer": "trivy"}))
    assert (answer["countsFor"], answer["note"]) == (["r"], None)


# Rolling back.


async def test_a_rollback_is_accepted_with_its_record_and_wakes_its_line(functions: Functions) -> None:
    await released(functions.world, "v1", "v2")
    first = functions.world.records("prod")[-1].id
    body = {"record": first, "reason": "checkout is broken"}
    response = await http.post_rollback(request("POST", "rollbacks", body), functions.wake)
    record = read(response)
    assert response.status_code == 202
    assert (record["kind"], record["rollbackOf"]) == ("rollback", first)
    assert record["decision"]["outcome"] == "qualified"
    assert functions.wake.messages == WAKES_PROD


async def test_an_environment_and_a_repository_say_which_record_they_go_back_to(functions: Functions) -> None:
    first, second = await released(functions.world, "v1", "v2")
    line = {"environment": "prod", "repository": WEB}
    earlier = functions.world.records("prod")[-1]
    dry = await call(functions, "roll_back", line | {"dryRun": True})
    assert dry.status_code == 200
    assert functions.wake.messages == []
    assert read(dry) == {
        "dryRun": True,
        "text": read(dry)["text"],
        "record": json.loads(encode(record_view(earlier))),
        "decision": read(dry)["decision"],
        "imageIn": "prod",
        "replaces": read(dry)["replaces"],
        "importing": None,
        "vetoes": [second],
        "running": None,
    }
    assert read(dry)["decision"]["outcome"] == "qualified"
    assert read(dry)["replaces"]["digest"] == second
    done = await call(functions, "roll_back", line)
    record = read(done)
    assert done.status_code == 202
    assert (record["rollbackOf"], record["tag"], record["digest"]) == (earlier.id, "v1", first)
    assert functions.wake.messages == WAKES_PROD


FIRST = "prod~shop:web~9999999998.main"


@pytest.mark.parametrize(
    ("body", "status", "type_"),
    [
        ({"record": "nonsense"}, 404, "not-found"),
        ({"record": "prod~shop:web~9999999990.main"}, 404, "not-found"),
        ({"reason": "x"}, 400, "invalid-request"),
        ({"record": 5, "reason": "x"}, 400, "invalid-request"),
        ({"environment": "qa", "repository": WEB}, 404, "not-found"),
        ({"record": FIRST}, 409, "already-current"),
        ({"record": FIRST, "environment": "staging"}, 409, "record-elsewhere"),
        ({"record": "prod~shop:web~9999999997.main"}, 409, "record-not-succeeded"),
        ({"environment": "prod", "repository": WEB}, 409, "nothing-earlier"),
    ],
)
async def test_a_rollback_that_cannot_be_says_why(
    functions: Functions, body: dict[str, object], status: int, type_: str
) -> None:
    world = functions.world
    await released(world, "v1")
    world.registry.push(registry_id("prod"), WEB, "v2")
    await released(world, "v2")  # fails: the tag is taken
    response = await call(functions, "roll_back", body)
    assert is_problem(response, status)
    assert read(response)["type"] == f"urn:promoter:problem:{type_}"
    assert functions.wake.messages == []
    assert (await functions.world.line("prod")).hold is None


# Adopting.


async def test_what_runs_today_is_adopted_once(functions: Functions) -> None:
    image = functions.world.registry.push(registry_id("prod"), WEB, "v1")
    body = {"environment": "prod", "repository": WEB, "tag": "v1", "reason": "as found"}
    response = await http.post_adoption(request("POST", "adoptions", body), functions.wake)
    record = read(response)
    assert response.status_code == 202
    assert (record["kind"], record["digest"], record["from"]) == ("adopted", image, None)
    assert functions.wake.messages == WAKES_PROD
    await advance_line(functions.world.app, functions.world.records("prod")[0].line_key)
    await functions.world.run()
    again = await http.post_adoption(request("POST", "adoptions", body), functions.wake)
    assert (again.status_code, read(again)["id"]) == (200, record["id"])


@pytest.mark.parametrize(
    ("changes", "status"), [({"tag": "v9"}, 404), ({"environment": "qa"}, 404), ({"tag": "-"}, 400)]
)
async def test_what_is_not_there_cannot_be_adopted(
    functions: Functions, changes: dict[str, object], status: int
) -> None:
    body = {"environment": "prod", "repository": WEB, "tag": "v1"} | changes
    response = await http.post_adoption(request("POST", "adoptions", body), functions.wake)
    assert is_problem(response, status)
    assert functions.wake.messages == []


# Gates.


async def test_a_verdict_is_accepted_and_wakes_what_it_qualifies(functions: Functions) -> None:
    image = await functions.world.push("v1")
    body = {"repository": WEB, "tag": "v1", "environment": "dev", "gate": "unit-tests", "verdict": "passed"}
    response = await http.post_gate(request("POST", "gates", body), functions.wake)
    answer = read(response)
    assert response.status_code == 202
    assert (answer["repository"], answer["digest"]) == (WEB, image)
    assert answer["result"]["verdict"] == "passed"
    assert answer["result"]["reportedBy"]["id"] == "local"
    assert len(functions.wake.messages) == 1


@pytest.mark.parametrize(
    ("changes", "status", "field"),
    [
        ({"verdict": "maybe"}, 400, "verdict"),
        ({"gate": "unit tests"}, 400, "gate"),
        ({"environment": "qa"}, 404, "environment"),
        ({"tag": "v9"}, 404, "tag"),
        ({"tag": None}, 400, "digest"),
        ({"digest": digest(1)}, 400, "digest"),
        ({"evidence": "x" * 2049}, 400, "evidence"),
        ({"url": "ftp://x"}, 400, "url"),
        ({"at": "2026-11-23T09:00:00"}, 400, "at"),
        ({"at": "soon"}, 400, "at"),
        ({"at": "2099-01-01T00:00:00Z"}, 400, "at"),
        ({"reportedBy": "me"}, 400, "reportedBy"),
    ],
)
async def test_a_verdict_that_cannot_be_says_why(
    functions: Functions, changes: dict[str, object], status: int, field: str | None
) -> None:
    await functions.world.push("v1")
    body = {"repository": WEB, "tag": "v1", "environment": "dev", "gate": "unit-tests", "verdict": "passed"}
    response = await http.post_gate(request("POST", "gates", body | changes), functions.wake)
    assert is_problem(response, status)
    assert read(response).get("field") == field
    assert functions.wake.messages == []


# Holds.


async def test_a_hold_is_set_shown_and_deleted(functions: Functions) -> None:
    world = functions.world
    put = await http.put_hold(request("PUT", "holds", {"reason": "release day"}, route=LINE))
    assert put.status_code == 200
    assert read(put)["hold"]["reason"] == "release day"
    image = await qualified(world, "v1")
    await world.run()
    shown = read(await http.get_environments(request("GET", "environments")))["items"]
    assert [line["environment"] for line in shown if line["hold"]] == ["prod"]

    deleted = await http.delete_hold(request("DELETE", "holds", route=LINE), functions.wake)
    assert (deleted.status_code, deleted.get_body()) == (204, b"")
    assert functions.wake.messages == [f'{{"do":"consider","repository":"shop/web","digest":"{image}"}}']


@pytest.mark.parametrize(
    ("line", "params", "status"),
    [
        ({"environment": "qa", "repository": "shop:web"}, {}, 404),
        ({"environment": "prod", "repository": "Shop:web"}, {}, 400),
        ({"environment": "prod", "repository": "shop:"}, {}, 400),
        ({"environment": "dev", "repository": "shop:web"}, {}, 404),
        (LINE, {"track": "lts"}, 404),
        (LINE, {"track": "../x"}, 404),
    ],
)
async def test_a_hold_on_what_cannot_be_a_line_says_why(
    functions: Functions, line: dict[str, str], params: dict[str, str], status: int
) -> None:
    body = {"reason": "x"}
    assert is_problem(await http.put_hold(request("PUT", "holds", body, params, line)), status)
    assert is_problem(
        await http.delete_hold(request("DELETE", "holds", None, params, line), functions.wake), status
    )


# Reading.


async def test_the_history_is_read_in_pages(functions: Functions) -> None:
    await released(functions.world, "v1", "v2")
    found, params = [], {"limit": "3"}
    while True:
        page = read(await http.get_promotions(request("GET", "promotions", params=params)))
        found += [(record["environment"], record["tag"]) for record in page["items"]]
        if page["cursor"] is None:
            break
        params["cursor"] = page["cursor"]
    assert found == [("prod", "v2"), ("staging", "v2"), ("prod", "v1"), ("staging", "v1")]


async def test_the_history_is_filtered(functions: Functions) -> None:
    world = functions.world
    await released(world, "v1")
    await in_flight(world, "v2")

    async def tags(**params: str) -> list[str]:
        page = read(await http.get_promotions(request("GET", "promotions", params=params)))
        return [f"{record['environment']} {record['tag']}" for record in page["items"]]

    assert await tags(environment="prod") == ["prod v1"]
    assert await tags(repository=WEB, environment="staging") == ["staging v2", "staging v1"]
    assert await tags(active="true") == ["staging v2"]
    assert await tags(active="true", environment="prod") == []
    assert await tags(repository="shop/api") == []


@pytest.mark.parametrize(
    ("params", "status", "field"),
    [
        ({"limit": "0"}, 400, "limit"),
        ({"limit": "many"}, 400, "limit"),
        ({"active": "perhaps"}, 400, "active"),
        ({"cursor": "nonsense"}, 400, "cursor"),
        ({"repository": "Shop"}, 400, "repository"),
        ({"environment": "qa"}, 404, "environment"),
    ],
)
async def test_a_history_that_cannot_be_read_says_why(
    functions: Functions, params: dict[str, str], status: int, field: str | None
) -> None:
    response = await http.get_promotions(request("GET", "promotions", params=params))
    assert is_problem(response, status)
    assert read(response).get("field") == field


async def test_what_runs_where_is_shown(functions: Functions) -> None:
    [image] = await released(functions.world, "v1")
    items = read(await http.get_environments(request("GET", "environments")))["items"]
    assert [(line["environment"], line["current"]["digest"]) for line in items] == [
        ("staging", image),
        ("prod", image),
    ]


async def test_what_waits_is_shown_with_what_it_waits_for(functions: Functions) -> None:
    image = await functions.world.push("v1")
    for params in ({}, {"environment": "staging"}, {"repository": WEB}):
        answer = read(await http.get_candidates(request("GET", "candidates", params=params)))
        assert [item["digest"] for item in answer["items"]] == [image]
        assert answer["cursor"] is None
    for params in ({"environment": "prod"}, {"repository": "shop/we"}):
        answer = read(await http.get_candidates(request("GET", "candidates", params=params)))
        assert answer["items"] == []


@pytest.mark.parametrize("name", ["environments", "candidates"])
async def test_what_runs_where_and_what_waits_come_in_pages(functions: Functions, name: str) -> None:
    for repository in ("shop/a", "shop/b", "shop/c"):
        image = await functions.world.push("v1", repository=repository)
        if name == "environments":
            await functions.world.report("unit-tests", "passed", image, repository=repository)
            await functions.world.run()
    found, params = [], {"limit": "2"}
    while True:
        page = read(await call(functions, name, params=params))
        found.append([item["repository"] for item in page["items"]])
        if page["cursor"] is None:
            break
        params["cursor"] = page["cursor"]
    assert found == [["shop/a", "shop/b"], ["shop/c"]]
    other = {"environments": "candidates", "candidates": "history"}[name]
    foreign = await call(functions, other, params=params)
    assert (foreign.status_code, read(foreign)["field"]) == (400, "cursor")


@pytest.mark.parametrize("limit", ["0", "-1", "101", "many", "1.5"])
@pytest.mark.parametrize("name", ["environments", "candidates", "history"])
async def test_a_limit_out_of_bounds_is_told(functions: Functions, name: str, limit: str) -> None:
    answer = await call(functions, name, params={"limit": limit})
    assert (answer.status_code, read(answer)["field"]) == (400, "limit")


async def test_why_is_answered_with_the_decision(functions: Functions) -> None:
    await functions.world.push("v1")
    params = {"repository": WEB, "tag": "v1", "to": "staging"}
    response = await http.get_decision(request("GET", "decisions", params=params))
    assert response.status_code == 200
    assert read(response)["outcome"] == "waiting"
    assert [each["kind"] for each in read(response)["conditions"] if each["state"] != "met"] == ["gate"]


@pytest.mark.parametrize("record", ["nonsense", "prod~shop:web~9999999998.main", "", "prod~x"])
async def test_a_record_that_is_not_there_is_a_404(functions: Functions, record: str) -> None:
    assert is_problem(await http.get_promotion(request("GET", "promotions", route={"id": record})), 404)


# Health.


async def test_health_says_which_policy_is_in_force_and_when_something_was_rejected_last(
    functions: Functions,
) -> None:
    assert read(await call(functions, "health")) == {"status": "ok"}
    answer = read(await call(functions, "health_details"))
    assert (answer["status"], answer["lastRejection"]) == ("ok", None)
    assert answer["policyHash"] == functions.world.policy.hash
    await reject(functions.world.app, "image_pushed", "{}", "no")
    answer = read(await call(functions, "health_details"))
    assert answer["lastRejection"] == "2026-11-23T09:00:00Z"


async def test_health_says_that_the_app_is_not_ready_and_its_details_why(broken: Functions) -> None:
    response = await call(broken, "health")
    assert (response.status_code, read(response)) == (503, {"status": "not ready"})
    details = await call(broken, "health_details")
    assert is_problem(details, 503)
    assert read(details)["problems"] == ["rules[0].to: there is no environment 'qa'"]
