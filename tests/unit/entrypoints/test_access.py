"""Who may call what: every route of the table, for every way that callers are known."""

import json
import logging

import pytest
from msgspec.structs import replace

from promoter.adapters.settings import Access, Auth
from promoter.application.ports import ImportStatus, Progress
from promoter.application.work import advance
from promoter.domain.access import Capability, Role
from promoter.domain.policy import Approvals
from promoter.entrypoints import routes
from promoter.entrypoints.answers import Answer
from promoter.entrypoints.callers import CLIENT, LOCAL_ACTOR
from promoter.entrypoints.routes import ROUTES, Nothing, Route
from promoter.entrypoints.serving import Asked, serve
from tests.fakes.world import WEB, World
from tests.unit.application.stories import qualified, released
from tests.unit.entrypoints.calls import BODIES, QUERIES, world
from tests.unit.entrypoints.principals import OBJECT, TENANT, signed_in
from tests.unit.entrypoints.running import Functions, call, http_functions, read, request, run_over

ENTRA, OFF = Access(Auth.ENTRA, platform=True), Access(Auth.ENTRA, platform=False)
KEYS = Access(Auth.KEYS)
CLOSED = [name for name, route in ROUTES.items() if route.needs is not None]
GUARDED = {Capability.OPERATE, Capability.APPROVE}


def entra(monkeypatch: pytest.MonkeyPatch, **roles: list[str]) -> Functions:
    return run_over(world(**roles), monkeypatch, access=ENTRA)


async def status(on: Functions, name: str, headers: dict[str, str]) -> int:
    headers = {CLIENT: "tests", **headers}
    answer = await call(on, name, BODIES.get(name), headers=headers, params=QUERIES.get(name))
    return int(answer.status_code)


def test_every_http_function_stands_in_the_table() -> None:
    assert http_functions().keys() - {"unknown"} == ROUTES.keys()


@pytest.mark.parametrize("name", CLOSED)
@pytest.mark.parametrize("role", Role)
async def test_a_route_admits_the_roles_that_give_its_capability_and_no_other(
    monkeypatch: pytest.MonkeyPatch, name: str, role: Role
) -> None:
    needs = ROUTES[name].needs
    assert needs is not None
    allowed = needs is Capability.READ or role in {needs.role, Role.ADMIN}
    found = await status(entra(monkeypatch), name, signed_in(role))
    assert (found != 403) is allowed
    assert found not in {401, 500}


@pytest.mark.parametrize("name", CLOSED)
async def test_no_route_admits_somebody_without_a_role_or_nobody(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    on = entra(monkeypatch)
    assert await status(on, name, signed_in()) == 403
    assert await status(on, name, signed_in("Other.Admin")) == 403
    assert await status(on, name, {}) == 401
    assert await status(on, name, {"X-MS-CLIENT-PRINCIPAL": "e30="}) == 401
    assert on.world.promotions.snapshot() == {}


@pytest.mark.parametrize("name", CLOSED)
async def test_a_forged_header_opens_nothing_while_the_platforms_authentication_is_off(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """The attack: the app trusts a header that anybody can write, where nothing in front of it removes it."""
    forged = signed_in(Role.ADMIN)
    off = run_over(world(), monkeypatch, access=OFF)
    assert await status(off, name, forged) == 403
    answer = await call(off, name, BODIES.get(name), headers=forged)
    assert "the platform's authentication is off" in read(answer)["detail"]
    assert off.world.promotions.snapshot() == {}
    keys = run_over(world(operator=["Promoter.Operator.Prod"]), monkeypatch, access=KEYS)
    if ROUTES[name].needs is Capability.OPERATE:
        assert await status(keys, name, forged) == 403, "a key is nobody, whatever the headers say"


@pytest.mark.parametrize("name", [name for name in CLOSED if ROUTES[name].needs in GUARDED])
async def test_an_environments_own_roles_bind_every_route_that_changes_it(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    on = entra(monkeypatch, operator=["Promoter.Operator.Prod"], approver=["Board"])
    needs = ROUTES[name].needs
    own = "Promoter.Operator.Prod" if needs is Capability.OPERATE else "Board"
    assert needs is not None
    assert await status(on, name, signed_in(needs.role)) == 403
    assert await status(on, name, signed_in(own)) not in {401, 403, 500}


async def test_whoever_operates_one_environment_operates_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    on = entra(monkeypatch, operator=["Promoter.Operator.Prod"])
    headers = {CLIENT: "tests", **signed_in("Promoter.Operator.Prod")}
    elsewhere = {"repository": WEB, "tag": "v1", "to": "staging"}
    answer = await call(on, "promote", elsewhere, headers=headers)
    assert answer.status_code == 403
    assert read(answer)["detail"] == (
        "operate in staging needs the role Promoter.Operator; Ann has Promoter.Operator.Prod"
    )
    line = {"environment": "staging", "repository": "shop:web"}
    assert (await call(on, "hold", {"reason": "x"}, headers=headers, path=line)).status_code == 403


async def test_the_actor_is_kept_as_tenant_and_object_id(monkeypatch: pytest.MonkeyPatch) -> None:
    on = entra(monkeypatch)
    await released(on.world, "v1")
    headers = {CLIENT: "tests", **signed_in(Role.OPERATOR)}
    answer = await call(on, "hold", {"reason": "a freeze"}, headers=headers)
    who = {"id": f"{TENANT}/{OBJECT}", "name": "Ann", "via": "entra"}
    assert read(answer)["hold"]["actor"] == who


async def test_an_override_is_for_an_admin_and_kept_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    on = entra(monkeypatch, operator=["Promoter.Operator.Prod"])
    await qualified(on.world, "v1")
    await on.world.run()
    override = {"conditions": ["approval"], "reason": "the shop is down"}
    wanted = {"repository": WEB, "tag": "v1", "to": "prod", "override": override}
    headers = {CLIENT: "tests", **signed_in("Promoter.Operator.Prod")}
    answer = await call(on, "promote", wanted, headers=headers)
    assert (answer.status_code, on.wake.messages) == (403, [])
    assert "administer in prod needs the role Promoter.Admin" in read(answer)["detail"]
    answer = await call(on, "promote", wanted, headers={CLIENT: "tests", **signed_in(Role.ADMIN)})
    assert answer.status_code == 202
    assert read(answer)["override"] == override
    assert read(answer)["actor"]["via"] == "entra"


async def test_a_retry_of_what_was_overridden_is_for_an_admin_too(monkeypatch: pytest.MonkeyPatch) -> None:
    on = entra(monkeypatch)
    await qualified(on.world, "v1")
    await on.world.run()
    on.world.registry.answer_submit(ImportStatus(Progress.FORBIDDEN, message="a role is missing"))
    override = {"conditions": ["approval"], "reason": "the shop is down"}
    wanted = {"repository": WEB, "tag": "v1", "to": "prod", "override": override}
    headers = {CLIENT: "tests", **signed_in(Role.ADMIN)}
    record = read(await call(on, "promote", wanted, headers=headers))["id"]
    await on.world.wake([advance(on.world.records("prod")[0].line_key)])
    await on.world.run()
    operator = {CLIENT: "tests", **signed_in(Role.OPERATOR)}
    answer = await call(on, "retry", headers=operator, path={"id": record})
    assert answer.status_code == 403
    answer = await call(on, "retry", headers=headers, path={"id": record})
    assert (answer.status_code, read(answer)["override"]) == (202, override)


async def test_the_roles_that_a_rule_names_for_its_approvals_stand_in_place_of_its_target_s(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    on = entra(monkeypatch)
    managed = replace(on.world.policy.rules[1], approvals=Approvals(roles=("Release.Manager",)))
    on.world.policy = replace(on.world.policy, rules=(on.world.policy.rules[0], managed))
    on = run_over(World(on.world.policy), monkeypatch, access=ENTRA)
    image = await qualified(on.world, "v1")
    await on.world.run()
    wanted = {"repository": WEB, "digest": image, "rule": "staging-to-prod", "decision": "approve"}
    for role, expected in ((Role.APPROVER, 403), (Role.OPERATOR, 403), ("Release.Manager", 202)):
        headers = {CLIENT: "tests", **signed_in(role)}
        assert (await call(on, "approve", wanted, headers=headers)).status_code == expected


async def test_an_approval_keeps_who_gave_it_and_how_they_were_known(monkeypatch: pytest.MonkeyPatch) -> None:
    on = entra(monkeypatch)
    image = await qualified(on.world, "v1")
    await on.world.run()
    wanted = {"repository": WEB, "digest": image, "rule": "staging-to-prod", "decision": "approve"}
    answer = await call(on, "approve", wanted, headers={CLIENT: "tests", **signed_in(Role.APPROVER)})
    assert answer.status_code == 202
    given = read(answer)["approval"]
    assert (given["actor"]["id"], given["actor"]["via"]) == (f"{TENANT}/{OBJECT}", "entra")
    assert (given["decision"], given["roles"]) == ("approved", ["Promoter.Approver"])
    assert len(on.wake.messages) == 1


# Keys and the local stack.


@pytest.mark.parametrize("name", CLOSED)
async def test_a_key_reads_reports_and_operates_where_no_roles_are_named(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    on = run_over(world(), monkeypatch, access=KEYS)
    wanted = ROUTES[name].needs not in {Capability.APPROVE, Capability.ADMINISTER}
    assert (await status(on, name, {}) not in {401, 403, 500}) is wanted


async def test_locally_callers_name_themselves_and_may_do_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    on = run_over(world(operator=["Promoter.Operator.Prod"], approver=["Board"]), monkeypatch)
    for name in CLOSED:
        assert await status(on, name, {LOCAL_ACTOR: "ann"}) not in {401, 403, 500}
    for headers, actor in (
        ({LOCAL_ACTOR: "ann@x.org"}, {"id": "local/ann@x.org", "name": "ann@x.org", "via": "local"}),
        ({}, {"id": "local", "name": "whoever is at this machine", "via": "local"}),
    ):
        await call(on, "unhold")
        answer = await call(on, "hold", {"reason": "x"}, headers=headers)
        assert read(answer)["hold"]["actor"] == actor


@pytest.mark.parametrize("name", ["", "a/b", "a#", "-a", "x" * 65, "a\r\nb", "a~b", "ä"])
async def test_a_local_name_that_is_none_is_told(functions: Functions, name: str) -> None:
    answer = await call(functions, "environments", headers={LOCAL_ACTOR: name})
    assert answer.status_code == 400
    assert read(answer)["field"] == LOCAL_ACTOR


@pytest.mark.parametrize("access", [ENTRA, KEYS])
async def test_nobody_names_himself_elsewhere(monkeypatch: pytest.MonkeyPatch, access: Access) -> None:
    on = run_over(world(), monkeypatch, access=access)
    headers = {CLIENT: "tests", LOCAL_ACTOR: "ann", **signed_in(Role.OPERATOR)}
    answer = await call(on, "hold", {"reason": "x"}, headers=headers)
    assert "local" not in read(answer)["hold"]["actor"]["id"]


# Denied by default.


async def test_a_route_that_is_not_in_the_table_admits_nobody(functions: Functions) -> None:
    async def secret(asked: Asked[Nothing, Nothing]) -> Answer:
        raise AssertionError(asked)

    for route in (
        Route("backdoor", "GET", "backdoor", Capability.READ, Nothing, Nothing, {}),
        Route("show", "GET", "promotions/{id}", Capability.READ, Nothing, Nothing, {}),
        routes.HEALTH,
    ):
        answer = await serve(route, request("GET", route.path), secret)
        assert answer.status_code == 403
        assert "not in the table of routes" in read(answer)["detail"]


async def test_an_app_that_does_not_know_how_to_know_callers_lets_nobody_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    on = run_over(World(), monkeypatch, ["PROMOTER_AUTH: 'x' is none"], access=None)
    for name in CLOSED:
        answer = await call(on, name, BODIES.get(name), headers=signed_in(Role.ADMIN))
        assert (answer.status_code, read(answer).get("problems")) == (503, None)


async def test_problems_of_the_settings_are_for_readers_only(monkeypatch: pytest.MonkeyPatch) -> None:
    on = run_over(World(), monkeypatch, ["rules: there is none"], access=ENTRA)
    for name in CLOSED:
        refused = await call(on, name, BODIES.get(name), headers=signed_in())
        assert (refused.status_code, "problems" in read(refused)) == (403, False)
        told = await call(on, name, BODIES.get(name), headers=signed_in(Role.READER))
        assert (told.status_code, read(told)["problems"]) == (503, ["rules: there is none"])


async def test_anybody_is_told_whether_the_app_runs_and_nothing_more(monkeypatch: pytest.MonkeyPatch) -> None:
    for access in (ENTRA, OFF, KEYS, None):
        answer = await call(run_over(World(), monkeypatch, access=access), "health")
        assert (answer.status_code, read(answer)) == (200, {"status": "ok"})
        broken = run_over(World(), monkeypatch, ["PromoterStorage: is not set"], access=access)
        answer = await call(broken, "health", headers=signed_in(Role.ADMIN))
        assert (answer.status_code, read(answer)) == (503, {"status": "not ready"})


# What a page of another site can make a browser send is no write.

WRITES = [name for name in CLOSED if ROUTES[name].changes]


@pytest.mark.parametrize("name", CLOSED)
async def test_a_cookie_never_suffices_for_a_write(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    on = entra(monkeypatch)
    for headers in ({}, {CLIENT: ""}, {CLIENT: "  "}, {"Origin": "https://evil.example"}):
        cookie = {**signed_in(Role.ADMIN), **headers}
        answer = await call(on, name, BODIES.get(name), headers=cookie, params=QUERIES.get(name))
        assert (answer.status_code == 403) is (name in WRITES)
        if name in WRITES:
            assert read(answer)["type"] == "urn:promoter:problem:client-header"
    assert await status(on, name, signed_in(Role.ADMIN)) not in {401, 403, 500}


@pytest.mark.parametrize("name", WRITES)
async def test_a_page_that_a_developer_looks_at_writes_nothing_to_his_own_machine(
    functions: Functions, name: str
) -> None:
    origin = {"Origin": "https://evil.example"}
    assert (await call(functions, name, BODIES.get(name), headers=origin)).status_code == 403
    assert functions.world.promotions.snapshot() == {}
    assert await status(functions, name, origin) not in {401, 403, 500}


async def test_every_write_is_logged_with_who_asked_for_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="promoter")
    on = entra(monkeypatch)
    await status(on, "hold", signed_in(Role.OPERATOR))
    await status(on, "hold", signed_in(Role.READER))
    await status(on, "unhold", {})
    await status(on, "environments", signed_in(Role.READER))
    lines = [each.getMessage().partition(" {") for each in caplog.records if " by " in each.getMessage()]
    assert [words for words, _, _ in lines] == [
        f"hold by {TENANT}/{OBJECT} (entra): 200",
        f"hold by {TENANT}/{OBJECT} (entra): 403",
        "unhold by nobody (none): 401",
    ]
    fields = json.loads("{" + lines[0][2])
    actor = {"actor": f"{TENANT}/{OBJECT}", "via": "entra"}
    assert fields == {"event": "call", "call": "hold", "status": 200} | actor
