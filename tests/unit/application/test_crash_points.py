"""The process dies before and after every call to the outside, in turn; nothing is lost and nothing doubled.

Each story is first told without a crash. Then it is told once for each call that it made, and each time the
process dies there; what Azure would deliver again is delivered again, and the end must be the same.
"""

import hashlib
import inspect
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import override

import pytest

from promoter.application import ports
from promoter.application.adopt import Adoption, adopt
from promoter.application.app import App
from promoter.application.documents import Candidate, Claim, LogEntry, Rejection, Todo
from promoter.application.retry import retry
from promoter.application.work import Work, from_message, to_message
from promoter.application.work import advance as wake_line
from promoter.domain.image import Digest, Repository, Tag
from promoter.domain.line import Line
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

    def __init__(self, points: CrashPoints, policy_: Policy, polls: int) -> None:
        self.points = points
        super().__init__(policy_, polls=polls)
        self.binding: ports.Scheduler = points.around(self.scheduler, "binding")

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

    def restart(self) -> None:
        """Another process takes over, and lives."""
        self.points = CrashPoints()
        self.app = self.new_app()
        self.binding = self.scheduler

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


async def _to_staging(world: CrashingWorld, tag: str) -> Digest:
    world.clock.advance(timedelta(seconds=1))
    digest = world.registry.push(registry_id("dev"), WEB, tag, _digest(tag))
    event = world.pushed("dev", tag, digest)
    await world.until_done(lambda: world.deliver(event))
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


async def rollback(world: CrashingWorld) -> None:
    """Prod goes back to its first record."""
    first = await _by_hand(world, "v1")
    await _by_hand(world, "v2")
    await world.until_done(lambda: world.roll_back(first.id))


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


type Story = Callable[[CrashingWorld], Awaitable[None]]
_BY_HAND = policy(automatic_to_prod=False)
STORIES: dict[str, tuple[Story, Policy, int]] = {
    "automatic": (automatic, policy(), _POLLS),
    "automatic, imports over at once": (automatic, policy(), 0),
    "manual": (manual, _BY_HAND, _POLLS),
    "rollback": (rollback, _BY_HAND, _POLLS),
    "rollback, imports over at once": (rollback, _BY_HAND, 0),
    "retry": (retried, _BY_HAND, _POLLS),
    "adoption": (adopted, _BY_HAND, _POLLS),
    "approval": (approved, policy(automatic_to_prod=False, approved=True), _POLLS),
}


async def _told(name: str, points: CrashPoints) -> dict[str, object]:
    story, policy_, polls = STORIES[name]
    world = CrashingWorld(points, policy_, polls)
    await story(world)
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
