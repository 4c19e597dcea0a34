"""Queue messages and the timer: done, kept as rejected, or put back; never lost, never a crash loop."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import azure.functions as func
import pytest

from promoter.application.documents import Keyed, KnownPolicy
from promoter.application.idempotency import KEPT, KeyedCall, begin
from promoter.application.take_gate_result import UnknownTagError
from promoter.application.work import Consider, to_message
from promoter.bootstrap import NotReadyError
from promoter.domain.errors import UnavailableError
from promoter.domain.evidence import GateResult
from promoter.domain.image import Repository
from promoter.entrypoints.gates import REPORTER, quality_gate, quality_gate_poison
from promoter.entrypoints.timers import reconcile
from promoter.entrypoints.work import advance, advance_poison
from tests.fakes.world import WEB, World
from tests.unit.application.stories import HOUR, conditional, qualified
from tests.unit.domain.strategies import digest
from tests.unit.entrypoints.running import Functions, message, run_over

VERDICT = {"repository": WEB, "environment": "dev", "gate": "unit-tests", "verdict": "passed"}
ADVANCE = {"do": "advance", "environment": "staging", "repository": WEB, "track": "main"}
LATER = timedelta(minutes=1)

type Handler = Callable[[Functions, func.QueueMessage], Awaitable[None]]

HANDLERS: dict[str, Handler] = {
    "promoter-work": lambda on, given: advance(given, on.wake),
    "promoter-work-poison": lambda on, given: advance_poison(given),
    "quality-gates": lambda on, given: quality_gate(given, on.wake),
    "quality-gates-poison": lambda on, given: quality_gate_poison(given),
}
NO_MESSAGE: dict[str, str | bytes] = {
    "nothing": "",
    "no JSON": "advance!",
    "no UTF-8": b"\xff\xfe\x00",
    "another shape": "[1, 2]",
    "null": "null",
    "unknown work": '{"do": "dance"}',
    "bad repository": '{"do": "advance", "environment": "prod", "repository": "Shop"}',
    "nested without end": "[" * 60_000,
}


# Work.


async def test_work_on_a_line_is_done(functions: Functions) -> None:
    await qualified(functions.world, "v1")
    functions.world.scheduler.take_due()
    await advance(message(ADVANCE), functions.wake)
    assert functions.world.story("staging") == ["automatic v1 importing"]


async def test_an_image_is_considered_and_what_it_qualifies_for_is_woken(functions: Functions) -> None:
    image = await qualified(functions.world, "v1")
    functions.world.scheduler.take_due()
    await advance(message({"do": "consider", "repository": WEB, "digest": image}), functions.wake)
    assert len(functions.wake.messages) == 1
    assert functions.rejections == []


async def test_a_changed_policy_wakes_what_waits_with_the_first_message_of_a_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World(conditional(soak="30d"))
    image = await world.push("v1")
    await world.drain()
    world.clock.advance(2 * HOUR)
    world.policy = conditional(soak="1h")
    world.app = world.new_app()
    functions = run_over(world, monkeypatch)
    await advance(message(ADVANCE), functions.wake)
    assert functions.wake.messages == [to_message(Consider(Repository(WEB), image))]
    functions.wake.messages.clear()
    await advance(message(ADVANCE), functions.wake)
    assert functions.wake.messages == []


async def test_whether_the_policy_has_changed_is_asked_again_where_the_store_did_not_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    functions = run_over(World(), monkeypatch)
    functions.world.promotions.fail_next()
    await advance(message(ADVANCE), functions.wake)
    assert functions.world.promotions.rows(KnownPolicy) == []
    await advance(message(ADVANCE), functions.wake)
    assert len(functions.world.promotions.rows(KnownPolicy)) == 1


@pytest.mark.parametrize("body", NO_MESSAGE.values(), ids=NO_MESSAGE.keys())
@pytest.mark.parametrize("queue", ["promoter-work", "quality-gates"])
async def test_what_is_no_message_is_kept_as_rejected_and_not_tried_again(
    functions: Functions, queue: str, body: str | bytes
) -> None:
    await HANDLERS[queue](functions, message(body))
    [rejection] = functions.rejections
    assert rejection.origin == ("advance" if queue == "promoter-work" else "quality_gate")
    assert rejection.reason
    assert len(rejection.content) <= 4000
    assert rejection.at == functions.world.clock.now()
    assert functions.queues[queue].sent == []


async def test_the_same_message_rejected_twice_at_once_is_kept_once(functions: Functions) -> None:
    for _ in range(2):
        await advance(message("nonsense"), functions.wake)
    assert len(functions.rejections) == 1
    functions.world.clock.advance(HOUR)
    await advance(message("nonsense"), functions.wake)
    assert len(functions.rejections) == 2


@pytest.mark.parametrize("queue", HANDLERS)
async def test_while_the_app_is_not_ready_messages_are_put_back(broken: Functions, queue: str) -> None:
    for body in ('{"do": "dance"}', "naïve", ""):
        await HANDLERS[queue](broken, message(body))
    assert broken.queues[queue].sent == [('{"do": "dance"}', LATER), ("naïve", LATER), ("", LATER)]
    assert broken.rejections == []


@pytest.mark.parametrize("queue", ["promoter-work-poison", "quality-gates-poison"])
async def test_what_was_given_up_is_kept_for_people_to_look_at(functions: Functions, queue: str) -> None:
    await HANDLERS[queue](functions, message(ADVANCE))
    [rejection] = functions.rejections
    assert rejection.reason.startswith("given up after its last attempt")
    assert '"advance"' in rejection.content


@pytest.mark.parametrize("queue", HANDLERS)
async def test_a_rejection_that_cannot_be_stored_leaves_the_message_on_its_queue(
    functions: Functions, queue: str
) -> None:
    functions.world.promotions.fail_next()
    with pytest.raises(UnavailableError):
        await HANDLERS[queue](functions, message("nonsense"))


# Verdicts.


async def test_a_verdict_is_taken_and_wakes_what_it_qualifies(functions: Functions) -> None:
    image = await functions.world.push("v1")
    await quality_gate(message(VERDICT | {"digest": image}), functions.wake)
    assert functions.wake.messages == [
        '{"do":"advance","environment":"staging","repository":"shop/web","track":"main","leftovers":false}'
    ]
    [record] = functions.world.records("staging")
    assert record.decision is not None
    [gate] = [each for each in record.decision.conditions if each.kind == "gate"]
    assert isinstance(gate.evidence, GateResult)
    assert gate.evidence.reported_by == REPORTER


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"environment": "qa"}, "no environment 'qa'"),
        ({"verdict": "maybe"}, "verdict: 'maybe' is none of passed, failed"),
        ({"gate": "unit tests"}, "gate: 'unit tests' is not a gate's name"),
        ({"digest": "sha256:1"}, "digest: 'sha256:1' is not a digest"),
        ({"digest": None}, "digest: name the image by digest or by tag"),
        ({"at": "2099-01-01T00:00:00Z"}, "check the reporter's clock"),
        ({"evidence": "x" * 3000}, "evidence: evidence has 3000 bytes"),
        ({"colour": "red"}, "`colour` is not known here"),
    ],
)
async def test_a_verdict_that_can_never_be_taken_is_kept_as_rejected(
    functions: Functions, changes: dict[str, object], reason: str
) -> None:
    await quality_gate(message(VERDICT | {"digest": digest(1)} | changes), functions.wake)
    [rejection] = functions.rejections
    assert reason in rejection.reason
    assert functions.world.evidence.snapshot() == {}


async def test_a_verdict_on_a_tag_that_has_moved_is_kept_as_rejected(functions: Functions) -> None:
    await functions.world.push("v1")
    await functions.world.push("v1")
    await quality_gate(message(VERDICT | {"tag": "v1"}), functions.wake)
    [rejection] = functions.rejections
    assert "has named more than one image" in rejection.reason


async def test_a_verdict_on_a_tag_whose_push_is_on_its_way_is_tried_again_by_the_queue(
    functions: Functions,
) -> None:
    with pytest.raises(UnknownTagError):
        await quality_gate(message(VERDICT | {"tag": "v1"}), functions.wake)
    assert functions.rejections == []
    await functions.world.push("v1")
    await quality_gate(message(VERDICT | {"tag": "v1"}), functions.wake)
    assert functions.world.story("staging") == ["automatic v1 pending"]


@pytest.mark.parametrize("executed", [False, True])
async def test_a_verdict_that_cannot_be_stored_now_is_put_back(
    functions: Functions,
    executed: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    image = await functions.world.push("v1")
    functions.world.evidence.fail_next(executed=executed)
    given = message(VERDICT | {"digest": image})
    await quality_gate(given, functions.wake)
    [(text, after)] = functions.queues["quality-gates"].sent
    assert (text, after) == (given.get_body().decode(), LATER)
    assert functions.rejections == []
    await quality_gate(message(text), functions.wake)
    assert functions.world.story("staging") == ["automatic v1 pending"]


# The timer.


async def test_the_timer_wakes_what_was_left(functions: Functions) -> None:
    await qualified(functions.world, "v1")
    functions.world.clock.advance(HOUR)
    await reconcile(func.TimerRequest(), functions.wake)
    assert functions.wake.messages == [
        '{"do":"advance","environment":"staging","repository":"shop/web","track":"main","leftovers":true}'
    ]


async def test_the_timer_forgets_old_idempotency_keys(functions: Functions) -> None:
    await begin(functions.world.app, KeyedCall("ann", "k", "promote"))
    functions.world.clock.advance(3 * KEPT)
    await reconcile(func.TimerRequest(), functions.wake)
    assert functions.world.promotions.rows(Keyed) == []


async def test_the_timer_of_an_app_that_is_not_ready_fails(broken: Functions) -> None:
    with pytest.raises(NotReadyError):
        await reconcile(func.TimerRequest(), broken.wake)
