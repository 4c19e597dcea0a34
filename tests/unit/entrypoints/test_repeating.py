"""Safe to repeat, and to wait for: keys, waits, and answers that have not changed."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from promoter.application.app import GUARD
from promoter.application.documents import follow_up
from promoter.application.ports import Delete, Put
from promoter.application.work import from_message
from promoter.domain.errors import UnavailableError
from promoter.entrypoints import waiting
from promoter.entrypoints.callers import LOCAL_ACTOR
from promoter.entrypoints.routes import ROUTES
from promoter.entrypoints.waiting import AT_ONCE, MAX_WAIT
from tests.fakes.world import WEB, World, policy
from tests.unit.application.stories import qualified, released
from tests.unit.entrypoints.running import Functions, call, read, run_over

WANTED = {"repository": WEB, "tag": "v1", "to": "prod"}
KEY = {"Idempotency-Key": "5f0c"}


class Sleep:
    """Sleep that takes no time here, and as long as it says in the world."""

    def __init__(self, world: World) -> None:
        self.slept: list[float] = []
        self._world = world

    async def __call__(self, seconds: float) -> None:
        self.slept.append(seconds)
        await self._world.run(timedelta(seconds=seconds))


@pytest.fixture
def sleep(by_hand: Functions, monkeypatch: pytest.MonkeyPatch) -> Sleep:
    found = Sleep(by_hand.world)
    monkeypatch.setattr(waiting, "sleep", found)
    return found


@pytest.fixture
async def by_hand(monkeypatch: pytest.MonkeyPatch) -> Functions:
    """An image that waits in staging to be promoted to prod by hand."""
    functions = run_over(World(policy(automatic_to_prod=False)), monkeypatch)
    await released(functions.world, "v1")
    return functions


async def drive(on: Functions) -> None:
    """Do what the answer has put on the work queue."""
    await on.world.wake([from_message(each) for each in on.wake.messages])
    on.wake.messages = []
    await on.world.run()


# Keys.


async def test_the_same_call_with_the_same_key_is_answered_the_same_however_much_later(
    by_hand: Functions,
) -> None:
    first = await call(by_hand, "promote", WANTED, headers=KEY)
    await drive(by_hand)
    again = await call(by_hand, "promote", WANTED, headers=KEY)
    assert again.status_code == first.status_code == 202
    assert again.get_body() == first.get_body()
    assert again.headers["Location"] == first.headers["Location"]
    assert ("Idempotent-Replayed" in first.headers, again.headers["Idempotent-Replayed"]) == (False, "true")
    assert by_hand.wake.messages == []
    assert len(by_hand.world.records("prod")) == 1


async def test_a_key_in_quotes_as_the_draft_writes_it_is_the_same_key(by_hand: Functions) -> None:
    await call(by_hand, "promote", WANTED, headers=KEY)
    again = await call(by_hand, "promote", WANTED, headers={"Idempotency-Key": '"5f0c"'})
    assert again.headers["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize(
    ("name", "body", "path"),
    [
        ("promote", WANTED | {"reason": "again"}, None),
        ("adopt", {"environment": "prod", "repository": WEB, "tag": "v1"}, None),
        ("unhold", None, None),
    ],
)
async def test_a_key_of_another_call_is_a_422(
    by_hand: Functions, name: str, body: object, path: dict[str, str] | None
) -> None:
    await call(by_hand, "promote", WANTED, headers=KEY)
    answer = await call(by_hand, name, body, headers=KEY, path=path)
    assert answer.status_code == 422
    assert read(answer)["type"] == "urn:promoter:problem:key-reused"
    assert read(answer)["field"] == "Idempotency-Key"


async def test_a_key_of_somebody_else_is_another_key(by_hand: Functions) -> None:
    await call(by_hand, "promote", WANTED, headers=KEY)
    answer = await call(by_hand, "unhold", headers=KEY | {LOCAL_ACTOR: "bob"})
    assert answer.status_code == 204


async def test_a_hold_on_another_line_or_track_is_another_call(functions: Functions) -> None:
    body = {"reason": "a freeze"}
    await call(functions, "hold", body, headers=KEY)
    staging = {"environment": "staging", "repository": "shop:web"}
    assert (await call(functions, "hold", body, headers=KEY, path=staging)).status_code == 422
    assert (await call(functions, "hold", body, headers=KEY, params={"track": "1x"})).status_code == 422
    assert (await call(functions, "hold", body, headers=KEY)).headers["Idempotent-Replayed"] == "true"


async def test_what_was_refused_may_be_asked_again_with_the_same_key(functions: Functions) -> None:
    world = functions.world
    image = await world.push("v1")
    wanted = WANTED | {"to": "staging"}
    refused = await call(functions, "promote", wanted, headers=KEY)
    assert refused.status_code == 409
    await world.report("unit-tests", "passed", image)
    assert (await call(functions, "promote", wanted, headers=KEY)).status_code == 202


async def test_the_same_call_while_the_first_runs_is_a_409_that_may_pass(by_hand: Functions) -> None:
    answers = await asyncio.gather(*(call(by_hand, "promote", WANTED, headers=KEY) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [202, 409, 409, 409, 409]
    [second, *_] = [answer for answer in answers if answer.status_code == 409]
    assert read(second)["type"] == "urn:promoter:problem:still-running"
    assert second.headers["Retry-After"] == "2"


@pytest.mark.parametrize("key", ["", " ", "a b", "ä", "x" * 256, "a\n"])
async def test_a_key_that_is_none_is_told(by_hand: Functions, key: str) -> None:
    answer = await call(by_hand, "promote", WANTED, headers={"Idempotency-Key": key})
    assert (answer.status_code, read(answer)["field"]) == (400, "Idempotency-Key")
    assert by_hand.world.records("prod") == []


async def test_a_key_on_a_read_changes_nothing(functions: Functions) -> None:
    assert (await call(functions, "environments", headers=KEY)).status_code == 200
    assert functions.world.promotions.snapshot() == {}


async def test_a_rollback_repeated_with_its_key_after_it_is_done_is_the_same_rollback(
    functions: Functions,
) -> None:
    await released(functions.world, "v1", "v2", "v3")
    line = {"environment": "prod", "repository": WEB}
    first = await call(functions, "roll_back", line, headers=KEY)
    await drive(functions)
    again = await call(functions, "roll_back", line, headers=KEY)
    assert read(again)["id"] == read(first)["id"]
    without = await call(functions, "roll_back", line)
    assert read(without)["type"] == "urn:promoter:problem:nothing-earlier"


# Waiting.


async def test_a_promotion_can_be_waited_for_in_the_call_that_starts_it(
    by_hand: Functions, sleep: Sleep
) -> None:
    answer = await call(by_hand, "promote", WANTED, params={"wait": "60"})
    assert (answer.status_code, read(answer)["phase"]) == (200, "succeeded")
    assert answer.headers["Location"] == f"/api/promotions/{read(answer)['id']}"
    assert "Retry-After" not in answer.headers
    assert by_hand.wake.messages == [], "its line was woken before the waiting began"
    assert sum(sleep.slept) < GUARD.total_seconds()


async def test_waiting_ends_when_the_time_is_up(by_hand: Functions, sleep: Sleep) -> None:
    by_hand.world.registry.stick_next()
    answer = await call(by_hand, "promote", WANTED, params={"wait": "7"})
    assert (answer.status_code, read(answer)["phase"]) == (202, "importing")
    assert answer.headers["Retry-After"] == "2"
    assert sum(sleep.slept) == 7
    assert sleep.slept[0] < 0.1, "what is done in a moment is answered in a moment"
    assert max(sleep.slept) <= 2
    assert len(sleep.slept) < 10, "it looks seldom"


async def test_a_call_that_is_repeated_with_its_key_waits_too(by_hand: Functions, sleep: Sleep) -> None:
    started = await call(by_hand, "promote", WANTED, headers=KEY)
    await by_hand.world.wake([from_message(each) for each in by_hand.wake.messages])
    again = await call(by_hand, "promote", WANTED, headers=KEY, params={"wait": "60"})
    assert (read(again)["id"], read(again)["phase"]) == (read(started)["id"], "succeeded")
    assert again.headers["Idempotent-Replayed"] == "true"


async def test_a_record_can_be_waited_for(by_hand: Functions, sleep: Sleep) -> None:
    by_hand.world.registry.stick_next()
    started = read(await call(by_hand, "promote", WANTED))
    await drive(by_hand)
    path = {"id": started["id"]}
    at_once = await call(by_hand, "show", path=path)
    assert (at_once.headers["Retry-After"], sleep.slept) == ("2", [])
    by_hand.world.registry.finish_late()
    done = await call(by_hand, "show", path=path, params={"wait": "60"})
    assert read(done)["phase"] == "succeeded"
    assert "Retry-After" not in done.headers


async def test_who_has_waited_for_one_environment_can_ask_for_the_next(
    functions: Functions, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = functions.world
    sleep = Sleep(world)
    monkeypatch.setattr(waiting, "sleep", sleep)
    await qualified(world, "v1")
    await world.run()
    record = world.records("staging")[0]
    left = follow_up(record)  # its process died before the image's arrival in staging was stored
    await world.promotions.commit([Put(left)])
    answer = await call(functions, "show", path={"id": record.id}, params={"wait": "3"})
    assert read(answer)["phase"] == "succeeded"
    assert sum(sleep.slept) == 3
    await world.promotions.commit([Delete(left)])
    await call(functions, "show", path={"id": record.id}, params={"wait": "3"})
    assert sum(sleep.slept) == 3


async def test_a_decision_can_be_waited_for(functions: Functions, monkeypatch: pytest.MonkeyPatch) -> None:
    world = functions.world
    image = await world.push("v1")
    slept: list[float] = []

    async def pause(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            await world.report("unit-tests", "passed", image)

    monkeypatch.setattr(waiting, "sleep", pause)
    params = {"repository": WEB, "tag": "v1", "to": "staging"}
    waits = await call(functions, "decide", params=params)
    assert (read(waits)["outcome"], waits.headers["Retry-After"]) == ("waiting", "30")
    answer = await call(functions, "decide", params=params | {"wait": "60"})
    assert (read(answer)["outcome"], len(slept)) == ("qualified", 3)
    assert "Retry-After" not in answer.headers


@pytest.mark.parametrize("seconds", ["61", "-1", "soon", "1.5"])
@pytest.mark.parametrize("name", ["promote", "roll_back", "adopt", "retry", "show", "decide"])
async def test_nobody_waits_longer_than_a_minute(functions: Functions, name: str, seconds: str) -> None:
    answer = await call(functions, name, {}, params={"wait": seconds})
    assert (answer.status_code, read(answer)["field"]) == (400, "wait")
    assert MAX_WAIT == 60


async def test_only_so_many_wait_in_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    asleep: list[asyncio.Future[None]] = []

    async def pause(_: float) -> None:
        asleep.append(asyncio.get_running_loop().create_future())
        await asleep[-1]

    async def pending() -> str:
        return "pending"

    wait: Callable[[], Awaitable[str]] = lambda: waiting.until(pending, lambda _: bool(finished), 60)  # noqa: E731
    finished: list[bool] = []
    running = [asyncio.ensure_future(wait()) for _ in range(AT_ONCE)]
    monkeypatch.setattr(waiting, "sleep", pause)
    while len(asleep) < AT_ONCE:
        await asyncio.wait(running, timeout=0.01)
    assert await wait() == "pending"
    assert len(asleep) == AT_ONCE
    finished.append(True)
    for each in asleep:
        each.set_result(None)
    assert await asyncio.gather(*running) == ["pending"] * AT_ONCE
    assert waiting._waiting == 0


async def test_whoever_breaks_off_waits_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(_: float) -> None:
        message = "no"
        raise UnavailableError(message)

    async def pending() -> str:
        return "pending"

    monkeypatch.setattr(waiting, "sleep", fail)
    with pytest.raises(UnavailableError):
        await waiting.until(pending, lambda _: False, 5)
    assert waiting._waiting == 0


# What has not changed is not sent again.


@pytest.mark.parametrize("name", ["environments", "candidates", "history", "show"])
async def test_a_list_that_has_not_changed_is_a_304(functions: Functions, name: str) -> None:
    await released(functions.world, "v1")
    await functions.world.push("v2")
    first = await call(functions, name)
    tag = first.headers["ETag"]
    assert (first.status_code, tag[0], tag[-1]) == (200, '"', '"')
    for known in (tag, f"W/{tag}", f'"x", {tag}', "*"):
        same = await call(functions, name, headers={"If-None-Match": known})
        assert (same.status_code, same.get_body(), same.headers["ETag"]) == (304, b"", tag)
        assert same.headers["Cache-Control"] == "private, no-cache"
    for other in ('"x"', tag[1:-1], ""):
        assert (await call(functions, name, headers={"If-None-Match": other})).status_code == 200


async def test_what_has_changed_has_another_tag(functions: Functions) -> None:
    image = await functions.world.push("v1")
    tag = (await call(functions, "candidates")).headers["ETag"]
    await functions.world.report("unit-tests", "passed", image)
    await functions.world.run()
    changed = await call(functions, "candidates", headers={"If-None-Match": tag})
    assert (changed.status_code, changed.headers["ETag"] == tag) == (200, False)


async def test_an_error_is_never_a_304(functions: Functions) -> None:
    answer = await call(functions, "show", headers={"If-None-Match": "*"})
    assert answer.status_code == 404


async def test_what_is_answered_is_kept_by_nobody_else_and_shown_by_no_other_page(
    functions: Functions,
) -> None:
    for route in ROUTES:
        answer = await call(functions, route)
        assert answer.headers["Cache-Control"] == "private, no-cache"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        assert not any(name.lower().startswith("access-control-") for name, _ in answer.headers)


async def test_a_candidate_says_where_and_when_to_look_again(monkeypatch: pytest.MonkeyPatch) -> None:
    rule = {"name": "r", "from": "dev", "to": "prod", "repositories": ["**"], "tags": ["v*"], "soak": "10m"}
    functions = run_over(World(policy(rules=[rule])), monkeypatch)
    await functions.world.push("v1")
    answer = await call(functions, "promote", WANTED)
    assert answer.status_code == 202
    assert read(answer)["requested"]["actor"]["id"] == "local"
    assert answer.headers["Location"] == "/api/decisions?repository=shop%2Fweb&tag=v1&to=prod"
    assert answer.headers["Retry-After"] == "600"
