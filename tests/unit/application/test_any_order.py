"""Anything, in any order, any number of times, by several instances at once: the invariants hold.

Hypothesis drives the real application over fakes that keep the stores' true semantics. The invariants are
asserted at every commit (tests/fakes/watching.py), and when all has come to rest.
"""

import asyncio
import contextlib
import hashlib
import random
from collections.abc import Awaitable, Callable, Coroutine
from datetime import timedelta
from functools import partial
from typing import Any, override

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from promoter.application.app import App
from promoter.application.approve import Word
from promoter.application.consider import consider
from promoter.application.documents import Candidate, Claim, Todo
from promoter.application.hold import hold, unhold
from promoter.application.take_push import RegistryEvent
from promoter.application.work import Work
from promoter.domain.condition import Kind
from promoter.domain.errors import PromoterError
from promoter.domain.image import Digest, Repository, Tag
from promoter.domain.line import LineKey
from promoter.domain.promotion import Phase, Promotion
from tests.fakes.crash import Crash, CrashPoints
from tests.fakes.jitter import jittered
from tests.fakes.watching import WatchingStore
from tests.fakes.world import ANN, APPROVERS, WEB, World, policy, registry_id

TAGS = ("v1", "v2", "latest")
IMAGES = 4
TARGETS = st.sampled_from(["staging", "prod"])
_SETTLED = timedelta(minutes=90)

type Action = Callable[[], Awaitable[object]]


def _digest(number: int) -> Digest:
    return Digest(f"sha256:{hashlib.sha256(str(number).encode()).hexdigest()}")


class BusyWorld(World):
    """A world with several instances at work, some of which die."""

    def __init__(self, *, immutable: bool, gated: bool, approved: bool, polls: int, seed: int) -> None:
        self.dice = random.Random(seed)  # noqa: S311 - to be repeated, not to be secret
        super().__init__(policy(immutable=immutable, gated=gated, approved=approved), polls=polls)
        self.promotions = WatchingStore(self._served_for)
        self.app = self.new_app()
        self.pushes: dict[tuple[str, str, Digest], set[object]] = {}

    @override
    def new_app(self) -> App:
        def jitter[P](port: P) -> P:
            return jittered(port, self.dice)

        return App(
            self.policy,
            jitter(self.evidence),
            jitter(self.promotions),
            jitter(self.registry),
            self.scheduler,
            self.clock,
            jitter(self.publisher),
        )

    async def at_once(self, actions: list[Action]) -> None:
        """Several things at the same time; what is refused is refused."""
        ends = await asyncio.gather(*(action() for action in actions), return_exceptions=True)
        for end in ends:
            if isinstance(end, BaseException) and not isinstance(end, PromoterError):
                raise end

    @override
    async def drain(self) -> None:
        """Take what is due, several messages at a time; what fails shows again."""
        for _ in range(1000):
            due = self.scheduler.take_due()
            if not due:
                return
            while due:
                batch, due = due[:4], due[4:]
                await self.at_once([partial(self.again_if_refused, work) for work in batch])
        message = "the queue never empties"
        raise AssertionError(message)

    async def again_if_refused(self, work: Work) -> None:
        try:
            await self.work(work)
        except PromoterError:
            await self.scheduler.wake(work, timedelta(seconds=30))

    def _served_for(self, record: Promotion) -> Digest | None:
        return self.registry.served(registry_id(record.environment), Repository(WEB), record.tag)


class AnyOrder(RuleBasedStateMachine):
    """What may happen to a repository."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.events: list[RegistryEvent] = []
        self.world: BusyWorld

    @initialize(
        immutable=st.booleans(),
        gated=st.booleans(),
        approved=st.booleans(),
        polls=st.integers(0, 3),
        seed=st.integers(0, 2**16),
    )
    def begin(self, *, immutable: bool, gated: bool, approved: bool, polls: int, seed: int) -> None:
        self.world = BusyWorld(immutable=immutable, gated=gated, approved=approved, polls=polls, seed=seed)

    def run(self, step: Coroutine[Any, Any, object]) -> None:
        self.loop.run_until_complete(step)

    @rule(tag=st.sampled_from(TAGS), image=st.integers(0, IMAGES - 1), delivered=st.booleans())
    def push(self, tag: str, image: int, *, delivered: bool) -> None:
        world = self.world
        world.clock.advance(timedelta(seconds=1))
        digest = world.registry.push(registry_id("dev"), WEB, tag, _digest(image))
        event = world.pushed("dev", tag, digest)
        self.events.append(event)
        if delivered:
            self.run(world.deliver(event))

    @precondition(lambda self: self.events)
    @rule(picks=st.lists(st.integers(0, 1000), min_size=1, max_size=3))
    def deliver(self, picks: list[int]) -> None:
        """Events come late, out of order, more than once, and several at a time."""
        events = [self.events[pick % len(self.events)] for pick in picks]
        self.run(self.world.at_once([partial(self.world.deliver, event) for event in events]))

    @rule(
        image=st.integers(0, IMAGES - 1),
        gate=st.sampled_from([("unit-tests", "dev"), ("integration-tests", "staging")]),
        verdict=st.sampled_from(["passed", "passed", "passed", "failed"]),
        times=st.integers(1, 2),
    )
    def report(self, image: int, gate: tuple[str, str], verdict: str, times: int) -> None:
        world, (name, environment) = self.world, gate
        reports = [lambda: world.report(name, verdict, _digest(image), environment)] * times
        self.run(world.at_once([*reports, world.drain]))

    @rule(image=st.integers(0, IMAGES - 1))
    def delete(self, image: int) -> None:
        with contextlib.suppress(KeyError):
            self.world.registry.delete(registry_id("dev"), WEB, _digest(image))

    @rule(environment=TARGETS, on=st.booleans())
    def hold(self, environment: str, *, on: bool) -> None:
        world = self.world
        key = LineKey(environment, Repository(WEB))

        async def step() -> None:
            if on:
                await hold(world.app, key, "for the test", ANN)
            else:
                await world.wake(await unhold(world.app, key))

        self.run(world.at_once([step, world.drain]))

    @rule(tag=st.sampled_from(TAGS), to=TARGETS, times=st.integers(1, 2))
    def promote(self, tag: str, to: str, times: int) -> None:
        self.run(self.world.at_once([lambda: self.world.ask(tag, to)] * times))

    @rule(
        image=st.integers(0, IMAGES - 1),
        who=st.sampled_from(sorted(APPROVERS)),
        word=st.sampled_from([Word.APPROVE, Word.APPROVE, Word.REJECT, Word.WITHDRAW]),
    )
    def approve(self, image: int, who: str, word: Word) -> None:
        world = self.world
        said = partial(world.approve, _digest(image), "staging-to-prod", APPROVERS[who], word)
        self.run(world.at_once([said, world.drain]))

    @rule(environment=TARGETS, pick=st.integers(0, 1000), times=st.integers(1, 2))
    def roll_back(self, environment: str, pick: int, times: int) -> None:
        world = self.world
        if records := world.records(environment):
            record = records[pick % len(records)].id
            self.run(world.at_once([*[lambda: world.roll_back(record)] * times, world.drain]))

    @rule(seconds=st.sampled_from([1, 15, 60, 600, 4000]), also=st.booleans())
    def wait(self, seconds: int, *, also: bool) -> None:
        """Time passes; `also`: the timer fires."""
        self.run(self.world.run(timedelta(seconds=seconds)))
        if also:
            self.run(self.world.reconcile())

    @rule(call=st.integers(0, 30), after=st.booleans())
    def die(self, call: int, *, after: bool) -> None:
        """An instance dies at some call of its next message, which shows again."""
        world = self.world
        if not (due := world.scheduler.take_due()):
            return
        points = CrashPoints(call, after=after)
        living, world.app = (
            world.app,
            App(
                world.policy,
                points.around(world.evidence, "evidence"),
                points.around(world.promotions, "promotions"),
                points.around(world.registry, "registry"),
                points.around(world.scheduler, "scheduler"),
                world.clock,
                points.around(world.publisher, "publisher"),
            ),
        )

        async def step() -> None:
            try:
                await world.again_if_refused(due[0])
            except Crash:
                await world.scheduler.wake(due[0], timedelta(seconds=30))
            for work in due[1:]:
                await world.scheduler.wake(work, timedelta(0))

        self.run(step())
        world.app = living

    @override
    def teardown(self) -> None:
        """All comes to rest, and then nothing accepted is lost, and nothing doubled."""
        if hasattr(self, "world"):
            self.run(self._settle())
            self._nothing_is_left()
            self.run(self._nothing_waits_that_may_go())
            self._nothing_is_doubled()
        self.loop.close()

    async def _settle(self) -> None:
        world = self.world
        until = world.clock.now() + _SETTLED
        for event in self.events:
            await world.deliver(event)
        while world.clock.now() < until:
            await world.run(timedelta(minutes=10))
            world.registry.finish_late()
            await world.reconcile()
        await world.drain()

    def _nothing_is_left(self) -> None:
        world = self.world
        assert world.promotions.rows(Todo) == []
        assert all(record.phase.is_terminal for record in world.promotions.rows(Promotion))
        claims = {(claim.tag, claim.digest): claim for claim in world.promotions.rows(Claim, "staging")}
        waiting = {(each.tag, each.digest) for each in world.promotions.rows(Candidate, "staging")}
        assert waiting == {key for key, claim in claims.items() if claim.waits}
        for event in self.events:
            [claim] = [each for each in claims.values() if each.tag == Tag(event.tag or "")]
            assert (event.at, event.digest) <= (claim.pushed_at, claim.digest) or event.digest == claim.digest

    async def _nothing_waits_that_may_go(self) -> None:
        """Every candidate shows how it stands, and none of them would be promoted if it were asked again."""
        world = self.world
        before = {row.id: row.phase for row in world.promotions.rows(Promotion)}
        shown = [(row.tag, row.decision.unmet) for row in world.promotions.rows(Candidate)]
        for candidate in world.promotions.rows(Candidate):
            await consider(world.app, candidate.image)
        assert {row.id: row.phase for row in world.promotions.rows(Promotion)} == before
        now = [(row.tag, row.decision.unmet) for row in world.promotions.rows(Candidate)]
        assert [[(c.kind, c.state) for c in unmet] for _, unmet in now] == [
            [(c.kind, c.state) for c in unmet] for _, unmet in shown
        ]

    def _nothing_is_doubled(self) -> None:
        pushes: dict[tuple[str, Digest], int] = {}
        for event in set(self.events):
            key = (str(event.tag), event.digest)
            pushes[key] = pushes.get(key, 0) + 1
        done: dict[tuple[str, str, Digest], int] = {}
        for record in self.world.promotions.rows(Promotion):
            if record.kind is Kind.AUTOMATIC and record.phase is Phase.SUCCEEDED:
                found = (record.environment, str(record.tag), record.digest)
                done[found] = done.get(found, 0) + 1
        for (_, tag, digest), times in done.items():
            assert times <= pushes[tag, digest], f"{tag}@{digest.short} was promoted {times} times"


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(
    max_examples=60,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
