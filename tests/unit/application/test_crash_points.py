"""The process dies before and after every call to the outside, in turn; nothing is lost and nothing doubled.

Each story is first told without a crash. Then it is told once for each call that it made, and each time the
process dies there; what Azure would deliver again is delivered again, and the end must be the same.
"""

import hashlib
import inspect
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import NamedTuple, override

import pytest

from promoter.application import ports
from promoter.application.adopt import Adoption, adopt
from promoter.application.app import App
from promoter.application.documents import Candidate, Claim, LogEntry, Rejection, Todo
from promoter.application.hold import hold, unhold
from promoter.application.retry import abort, retry
from promoter.application.work import Work, from_message, to_message
from promoter.application.work import advance as wake_line
from promoter.domain.image import Digest, Repository, Tag
from promoter.domain.line import Line, LineKey
from promoter.domain.policy import Policy
from promoter.domain.promotion import Phase, Promotion
from tests.fakes.crash import Crash, CrashPoints
from tests.fakes.world import ANN, APPROVERS, WEB, World, policy, registry_id, started

type Trigger = Callable[[], Awaitable[object]]

PORTS = {
    "evidence": ports.EvidenceStore,
    "promotions": ports.PromotionStore,
    "registry": ports.Registry,
    "scheduler": ports.Scheduler,
    "publisher": ports.Publisher,
}
_VISIBILITY = timedelta(seconds=30)
_RECONCILE = timedelta(minutes=5)
_POLLS = 2
_LATER = timedelta(minutes=80)  # past the deadline of an import, and past the look at late ones


class CrashingWorld(World):
    """A world whose process dies at one call; the platform starts another and delivers again."""

    def __init__(self, policy_: Policy, polls: int) -> None:
        self.points = CrashPoints()
        super().__init__(policy_, polls=polls)
        self.binding: ports.Scheduler = self.scheduler

    @override
    def new_app(self) -> App:
        around = self.points.around
        return App(
            self.policy,
            around(self.evidence, "evidence"),
            around(self.promotions, "promotions"),
            around(self.registry, "registry"),
            around(self.scheduler, "scheduler"),
            self.clock,
            around(self.publisher, "publisher"),
        )

    @override
    async def wake(self, work: list[Work]) -> None:
        """The queue output binding: after the function, and part of what is delivered again."""
        for each in work:
            await self.binding.wake(from_message(to_message(each)), timedelta(0))

    async def until_done(self, trigger: Trigger) -> None:
        """Deliver until it is taken: what Event Grid, a queue, and a client without an answer do."""
        try:
            await trigger()
        except Crash:
            self.restart()
            await trigger()

    def restart(self, points: CrashPoints | None = None) -> None:
        """Another process takes over, and lives; or dies at one of the points."""
        self.points = points or CrashPoints()
        self.app = self.new_app()
        self.binding = self.points.around(self.scheduler, "binding")

    @override
    async def work(self, work: Work) -> None:
        try:
            await super().work(work)
        except Crash:
            self.restart()
            await self.scheduler.wake(work, _VISIBILITY)

    async def settle(self) -> None:
        """Let time pass, with the timer, until all that was begun has come to its end."""
        until = self.clock.now() + _LATER
        while self.clock.now() < until and (self.promotions.rows(Todo) or self.scheduler.next_due):
            await self.run(_RECONCILE)
            self.registry.finish_late()  # also what a dead process had asked for lands after all
            await self.until_done(self.reconcile)
        await self.drain()

    def end(self) -> dict[str, object]:
        """Everything but times, versions and the number of attempts."""
        rows = self.promotions.rows
        environments = ("staging", "prod")
        return {
            "records": [
                (each.id, each.kind, each.tag, each.digest, each.phase, each.rollback_of, each.retry_of)
                for each in rows(Promotion)
            ],
            "failures": [each.failure.code for each in rows(Promotion) if each.failure],
            "log": sorted(each.promotion.id for each in rows(LogEntry)),
            "tags": {name: self.registry.tags(registry_id(name), WEB) for name in environments},
            "lines": [
                (
                    each.environment,
                    each.sequence,
                    each.current and each.current.digest,
                    each.queue,
                    each.drift,
                )
                for each in rows(Line)
            ],
            "kept off": [(bool(each.hold), [veto.digest for veto in each.vetoes]) for each in rows(Line)],
            "claims": [(each.source, each.tag, each.digest, each.phase) for each in rows(Claim)],
            "candidates": [
                (each.rule, each.tag, [condition.kind for condition in each.decision.unmet])
                for each in rows(Candidate)
            ],
            "told": sorted({event.event_id for event in self.publisher.told}),
            "left to do": rows(Todo),
            "rejected": rows(Rejection),
        }


def _digest(tag: str) -> Digest:
    return Digest(f"sha256:{hashlib.sha256(tag.encode()).hexdigest()}")


async def _pushed(world: CrashingWorld, tag: str, name: str = "") -> Digest:
    world.clock.advance(timedelta(seconds=1))
    digest = world.registry.push(registry_id("dev"), WEB, tag, _digest(name or tag))
    event = world.pushed("dev", tag, digest)
    await world.until_done(lambda: world.deliver(event))
    return digest


async def _to_staging(world: CrashingWorld, tag: str) -> Digest:
    digest = await _pushed(world, tag)
    await world.until_done(lambda: world.report("unit-tests", "passed", digest))
    await world.run(timedelta(minutes=10))
    return digest


async def _by_hand(world: CrashingWorld, tag: str) -> Promotion:
    digest = await _to_staging(world, tag)
    await world.until_done(lambda: world.report("integration-tests", "passed", digest, "staging"))
    await world.until_done(lambda: world.promote(tag))
    await world.run(timedelta(minutes=10))
    return world.records("prod")[0]


async def automatic(world: CrashingWorld) -> None:
    """An image goes to staging and on to prod; the next one waits for its gate."""
    digest = await _to_staging(world, "v1")
    await world.until_done(lambda: world.report("integration-tests", "passed", digest, "staging"))
    await world.run(timedelta(minutes=10))
    await _to_staging(world, "v2")


async def manual(world: CrashingWorld) -> None:
    """An image is promoted to prod by hand."""
    await _by_hand(world, "v1")


async def two_in_staging(world: CrashingWorld) -> None:
    """Two images have been promoted to staging."""
    await _to_staging(world, "v1")
    await _to_staging(world, "v2")


async def two_in_prod(world: CrashingWorld) -> None:
    """Two images have been promoted to prod by hand."""
    await _by_hand(world, "v1")
    await _by_hand(world, "v2")


async def rollback(world: CrashingWorld) -> None:
    """Prod goes back to its first record."""
    first = world.records("prod")[-1]
    await world.until_done(lambda: world.roll_back(first.id))


async def rolled_back_meanwhile(world: CrashingWorld) -> None:
    """Staging goes back to its first record, while one image is being imported and another is to be."""
    first = world.records("staging")[-1]
    world.registry.polls, world.registry.retry_after = 3, timedelta(seconds=40)
    for tag, seconds in (("v3", 95), ("v4", 0)):
        digest = await _pushed(world, tag)
        await world.until_done(partial(world.report, "unit-tests", "passed", digest))
        await world.run(timedelta(seconds=seconds))
    await world.until_done(lambda: world.roll_back(first.id))


async def overtaken(world: CrashingWorld) -> None:
    """Behind what is being imported, an image is overtaken under its tag, and another is stopped by hand."""
    world.registry.stick_next()
    for tag, name in (("v1", "one"), ("latest", "two"), ("v2", "three"), ("latest", "four")):
        digest = await _pushed(world, tag, name)
        await world.until_done(partial(world.report, "unit-tests", "passed", digest))
        await world.drain()
    [stopped] = [each for each in world.records("staging") if each.tag == "v2"]
    await world.until_done(lambda: abort(world.app, stopped.id, ANN))
    world.registry.finish_late()


async def tried_again(world: CrashingWorld) -> None:
    """Imports fail until automation gives up, and tries again a minute later."""
    world.registry.failing = 100
    digest = await _pushed(world, "v1")
    await world.until_done(lambda: world.report("unit-tests", "passed", digest))
    while not any(each.phase is Phase.FAILED for each in world.records("staging")):
        await world.run(timedelta(seconds=10))
    world.registry.failing = 0


async def unheard(world: CrashingWorld) -> None:
    """The answers to imports are lost, also to one that moves the pointer and might finish late."""
    for _ in range(2):
        world.registry.fail_submit(executed=True)
    digest = await _pushed(world, "v1")
    await world.until_done(lambda: world.report("unit-tests", "passed", digest))


async def held(world: CrashingWorld) -> None:
    """An image waits for a hold on staging, which is lifted."""
    line = LineKey("staging", Repository(WEB))
    await world.until_done(lambda: hold(world.app, line, "release day", ANN))
    digest = await _pushed(world, "v1")
    await world.until_done(lambda: world.report("unit-tests", "passed", digest))

    async def lift() -> None:
        await world.wake(await unhold(world.app, line))

    await world.until_done(lift)


async def retried(world: CrashingWorld) -> None:
    """An import fails since the source has lost the image; it is pushed again, and the promotion retried."""
    digest = world.registry.push(registry_id("dev"), WEB, "v1")
    event = world.pushed("dev", "v1", digest)
    world.registry.delete(registry_id("dev"), WEB, digest)
    await world.until_done(lambda: world.deliver(event))
    await world.until_done(lambda: world.report("unit-tests", "passed", digest))
    await world.run(timedelta(minutes=10))
    world.registry.push(registry_id("dev"), WEB, "v1", digest)
    [failed] = [each for each in world.records("staging") if each.phase is Phase.FAILED]

    async def again() -> None:
        promoted = started(await retry(world.app, failed.id, ANN))
        await world.wake([wake_line(promoted.record.line_key)])

    await world.until_done(again)


async def adopted(world: CrashingWorld) -> None:
    """Prod was there before; the first rollback goes back to what it ran."""
    world.registry.push(registry_id("prod"), WEB, "v0", _digest("v0"))

    async def step() -> None:
        adoption = Adoption("prod", Repository(WEB), Tag("v0"))
        await world.wake([wake_line((await adopt(world.app, adoption, ANN)).record.line_key)])

    await world.until_done(step)
    await world.run(timedelta(minutes=10))


async def approved(world: CrashingWorld) -> None:
    """An image is asked for by hand; it waits for somebody's approval, and for the end of its soak."""
    digest = await _to_staging(world, "v1")
    await world.until_done(lambda: world.report("integration-tests", "passed", digest, "staging"))
    await world.until_done(lambda: world.ask("v1"))
    await world.until_done(lambda: world.approve(digest, "staging-to-prod", APPROVERS["bob"]))
    await world.run(timedelta(minutes=10))


async def nothing(_: CrashingWorld) -> None:
    """Nothing has happened yet."""


type Told = Callable[[CrashingWorld], Awaitable[None]]


class Story(NamedTuple):
    """What happens while the process may die, and what has happened before."""

    tell: Told
    policy: Policy
    polls: int = _POLLS
    before: Told = nothing


_BY_HAND = policy(automatic_to_prod=False)
STORIES = {
    "automatic": Story(automatic, policy()),
    "automatic, imports over at once": Story(automatic, policy(), 0),
    "manual": Story(manual, _BY_HAND),
    "rollback": Story(rollback, _BY_HAND, before=two_in_prod),
    "rollback, imports over at once": Story(rollback, _BY_HAND, 0, two_in_prod),
    "rollback during an import": Story(rolled_back_meanwhile, _BY_HAND, 0, two_in_staging),
    "overtaking and stopping": Story(overtaken, _BY_HAND, 0),
    "retry": Story(retried, _BY_HAND),
    "retry by automation": Story(tried_again, _BY_HAND, 1),
    "answers lost": Story(unheard, _BY_HAND, 0),
    "hold": Story(held, _BY_HAND, 0),
    "adoption": Story(adopted, _BY_HAND),
    "approval": Story(approved, policy(automatic_to_prod=False, approved=True)),
}


async def _told(name: str, points: CrashPoints) -> dict[str, object]:
    story = STORIES[name]
    world = CrashingWorld(story.policy, story.polls)
    await story.before(world)
    world.restart(points)
    await story.tell(world)
    await world.settle()
    return world.end()


@pytest.mark.parametrize("name", STORIES)
async def test_a_crash_at_any_call_changes_nothing_in_the_end(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    untouched = CrashPoints()
    expected = await _told(name, untouched)
    assert expected["left to do"] == []
    calls = len(untouched.calls)
    for number, call in enumerate(untouched.calls):
        for after in (False, True):
            points = CrashPoints(number, after=after)
            ended = await _told(name, points)
            where = f"{name}: the process died {'after' if after else 'before'} call {number}, {call}"
            assert points.crashed, where
            assert ended == expected, where
    with capsys.disabled():
        print(  # noqa: T201 - what the run is about
            f"\n  crash points, {name}: {calls} calls x before/after = {2 * calls} crashes"
        )


async def test_the_stories_make_every_call_that_there_is() -> None:
    """A port's new method that no story calls is a crash that nobody has tried."""
    made = {"binding.wake"}
    for name in STORIES:
        points = CrashPoints()
        await _told(name, points)
        made |= set(points.calls)
    there = {
        f"{name}.{method}"
        for name, port in PORTS.items()
        for method, _ in inspect.getmembers(port, inspect.iscoroutinefunction)
    }
    assert made - {"binding.wake"} == there
