"""Anything, in any order, any number of times, by several instances at once: the invariants hold.

Hypothesis drives the real application over fakes that keep the stores' true semantics. The invariants are
asserted at every commit (tests/fakes/watching.py), and when all has come to rest.
"""

import asyncio
import contextlib
import hashlib
from collections import Counter
from collections.abc import Coroutine
from datetime import timedelta
from functools import partial
from typing import Any, override

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from promoter.application.app import App
from promoter.application.approve import Word
from promoter.application.consider import consider
from promoter.application.documents import Candidate, Claim, Todo, TodoKind
from promoter.application.hold import hold, unhold
from promoter.application.promote import Promoted, Wanted, promote
from promoter.application.retry import abort, retry
from promoter.application.take_push import RegistryEvent
from promoter.application.work import Consider, advance
from promoter.domain.condition import Kind, Override, State
from promoter.domain.conditions import OVERRIDABLE
from promoter.domain.image import Digest, Repository, Tag
from promoter.domain.line import Line, LineKey
from promoter.domain.policy import Policy
from promoter.domain.promotion import Phase, Promotion
from tests.fakes.crash import Crash, CrashPoints
from tests.fakes.world import ANN, APPROVERS, WEB, registry_id
from tests.unit.application.busy import FAULTS, STORE_FAULTS, TAGS, BusyWorld, Flavour, policies, until_taken

TARGETS = st.sampled_from(["staging", "prod"])
_GATES = [("unit-tests", "dev"), ("integration-tests", "staging")]
_TAGS = st.integers(0, 2)
_IMAGES = st.integers(0, 3)
_PICKS = st.integers(0, 1000)
_PEOPLE = st.sampled_from(sorted(APPROVERS))
_SETTLED = timedelta(minutes=150)
_LOOKED_AT = timedelta(minutes=120)


def _digest(number: int) -> Digest:
    return Digest(f"sha256:{hashlib.sha256(str(number).encode()).hexdigest()}")


def _way(record: Promotion) -> tuple[str, Tag, Digest]:
    return record.environment, record.tag, record.digest


def _claimed(claim: Claim) -> tuple[str, Tag, Digest, int | None]:
    return claim.environment, claim.tag, claim.digest, None if claim.waits else claim.sequence


class AnyOrder(RuleBasedStateMachine):
    """What may happen to a repository."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.events: list[RegistryEvent] = []
        self.delivered: set[RegistryEvent] = set()
        self.policies: list[Policy] = []
        self.tags: tuple[str, ...] = ()
        self.store_failed = False
        self.world: BusyWorld

    @initialize(
        flavour=st.sampled_from(Flavour),
        immutable=st.booleans(),
        gated=st.booleans(),
        timer=st.booleans(),
        polls=st.integers(0, 3),
        seed=st.integers(0, 2**16),
    )
    def begin(
        self, flavour: Flavour, *, immutable: bool, gated: bool, timer: bool, polls: int, seed: int
    ) -> None:
        self.timer = timer
        self.policies = policies(flavour, immutable=immutable, gated=gated)
        self.tags = TAGS[flavour]
        self.world = BusyWorld(self.policies[0], polls=polls, seed=seed)

    def run(self, step: Coroutine[Any, Any, object]) -> None:
        self.loop.run_until_complete(step)

    @rule(pick=_TAGS, image=_IMAGES, delivered=st.booleans())
    def push(self, pick: int, image: int, *, delivered: bool) -> None:
        world, tag = self.world, self.tags[pick]
        world.clock.advance(timedelta(seconds=1))
        digest = world.registry.push(registry_id("dev"), WEB, tag, _digest(image))
        event = world.pushed("dev", tag, digest)
        self.events.append(event)
        if delivered:
            self.run(self.deliver_it(event))

    async def deliver_it(self, event: RegistryEvent) -> None:
        await until_taken(lambda: self.world.deliver(event))
        self.delivered.add(event)

    @rule(pick=_TAGS, image=_IMAGES, seconds=st.sampled_from([0, 60, 600, 8000]))
    def release(self, pick: int, image: int, seconds: int) -> None:
        """An image that passes everywhere and that all approve of, so that the days are not bad ones only."""
        self.push(pick, image, delivered=True)
        for gate in _GATES:
            self.report(image, gate, "passed", 1)
        for who in APPROVERS:
            self.approve(image, who, Word.APPROVE)
        self.wait(seconds, also=False)

    @precondition(lambda self: self.events)
    @rule(picks=st.lists(st.integers(0, 1000), min_size=1, max_size=3))
    def deliver(self, picks: list[int]) -> None:
        """Events come late, out of order, more than once, and several at a time."""
        events = [self.events[pick % len(self.events)] for pick in picks]
        self.run(self.world.at_once([partial(self.deliver_it, event) for event in events]))

    @precondition(lambda self: self.world.registry.told)
    @rule(picks=st.lists(_PICKS, min_size=1, max_size=3))
    def hear(self, picks: list[int]) -> None:
        """Registries tell of what Promoter itself has imported, late and more than once too."""
        told = self.world.registry.told
        events = [told[-1 - pick % len(told)] for pick in picks]
        self.run(self.world.at_once([partial(self.world.deliver, event) for event in events]))

    @rule(
        image=_IMAGES,
        gate=st.sampled_from(_GATES),
        verdict=st.sampled_from(["passed", "passed", "passed", "failed"]),
        times=st.integers(1, 2),
    )
    def report(self, image: int, gate: tuple[str, str], verdict: str, times: int) -> None:
        world, (name, environment) = self.world, gate
        says = partial(world.report, name, verdict, _digest(image), environment)
        self.run(world.at_once([*[partial(until_taken, says)] * times, world.drain]))

    @rule(image=_IMAGES)
    def delete(self, image: int) -> None:
        with contextlib.suppress(KeyError):
            self.world.registry.delete(registry_id("dev"), WEB, _digest(image))

    @rule(environment=TARGETS, pick=_PICKS, on=st.booleans())
    def hold(self, environment: str, pick: int, *, on: bool) -> None:
        world = self.world
        tracks = [each.track for each in world.policy.rules if each.target == environment]
        key = LineKey(environment, Repository(WEB), tracks[pick % len(tracks)])

        async def step() -> None:
            if on:
                await hold(world.app, key, "for the test", ANN)
            else:
                await world.wake(await unhold(world.app, key))

        self.run(world.at_once([partial(until_taken, step), world.drain]))

    @rule(
        pick=_TAGS,
        to=TARGETS,
        override=st.none() | st.sampled_from([(each,) for each in OVERRIDABLE] + [OVERRIDABLE]),
        who=_PEOPLE,
        times=st.integers(1, 2),
    )
    def promote(self, pick: int, to: str, override: tuple[str, ...] | None, who: str, times: int) -> None:
        wanted = Wanted(
            Repository(WEB),
            to,
            Tag(self.tags[pick]),
            override=Override(override, "for the test") if override else None,
        )
        self.run(self.world.at_once([partial(self.ask, wanted, who)] * times))

    async def ask(self, wanted: Wanted, who: str) -> None:
        self.world.clock.advance(timedelta(milliseconds=1))  # what was held in that moment was held before
        await self.begun(await promote(self.world.app, wanted, APPROVERS[who].actor))

    async def begun(self, outcome: Promoted | Candidate) -> None:
        if isinstance(outcome, Promoted):
            await self.world.wake([advance(outcome.record.line_key)])

    @rule(environment=TARGETS, pick=_PICKS, who=_PEOPLE)
    def retry(self, environment: str, pick: int, who: str) -> None:
        failed = [each for each in self.world.records(environment) if each.phase is Phase.FAILED]

        async def step() -> None:
            record = failed[pick % len(failed)]
            self.world.clock.advance(timedelta(milliseconds=1))
            await self.begun(await retry(self.world.app, record.id, APPROVERS[who].actor))

        if failed:
            self.run(self.world.at_once([step, self.world.drain]))

    @rule(environment=TARGETS)
    def abort(self, environment: str) -> None:
        pending = [each for each in self.world.records(environment) if each.phase is Phase.PENDING]
        if pending:
            self.run(self.world.at_once([lambda: abort(self.world.app, pending[0].id, ANN)]))

    @rule(pick=_PICKS, at_once=st.booleans())
    def change_policy(self, pick: int, *, at_once: bool) -> None:
        """Another policy; what a process has judged by the one before since then is the timer's to find."""
        self.timer |= not at_once
        self.run(self.world.change(self.policies[pick % len(self.policies)], at_once=at_once))

    @rule(
        image=_IMAGES,
        who=_PEOPLE,
        word=st.sampled_from([Word.APPROVE, Word.APPROVE, Word.REJECT, Word.WITHDRAW]),
    )
    def approve(self, image: int, who: str, word: Word) -> None:
        world = self.world
        for each in world.policy.rules:
            if each.approvals is not None:
                said = partial(world.approve, _digest(image), each.name, APPROVERS[who], word)
                self.run(world.at_once([said, world.drain]))

    @rule(pick=_PICKS, who=_PEOPLE, first=st.booleans())
    def insist(self, pick: int, who: str, *, first: bool) -> None:
        """Somebody approves what waits, and asks for it as well; or the other way about."""
        world = self.world
        if waiting := world.candidates("prod"):
            one = waiting[pick % len(waiting)]
            says = partial(world.approve, one.digest, one.rule, APPROVERS[who])
            asks = partial(self.ask, Wanted(one.repository, "prod", digest=one.digest), who)
            for action in (says, asks) if first else (asks, says):
                self.run(world.at_once([action]))

    @rule(environment=TARGETS, pick=_PICKS, times=st.integers(1, 2))
    def roll_back(self, environment: str, pick: int, times: int) -> None:
        world = self.world
        if records := world.records(environment):
            record = records[pick % len(records)].id
            self.run(world.at_once([*[lambda: world.roll_back(record)] * times, world.drain]))

    @rule(seconds=st.sampled_from([1, 15, 60, 600, 4000]), also=st.booleans())
    def wait(self, seconds: int, *, also: bool) -> None:
        """Time passes; `also`: the timer fires."""
        self.run(self.world.run(timedelta(seconds=seconds)))
        if also and self.timer:
            self.run(until_taken(self.world.reconcile))

    @rule(fault=st.sampled_from(sorted(FAULTS)), after=st.integers(0, 5))
    def go_wrong(self, fault: str, after: int) -> None:
        """One of the next calls fails, whoever makes it. What meets a second fault waits for the timer."""
        if fault in STORE_FAULTS:
            self.timer |= self.store_failed
            self.store_failed = True
        FAULTS[fault](self.world, after)

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
                self.timer = True  # what it had not woken yet is the timer's to find
                await world.scheduler.wake(due[0], timedelta(seconds=30))
            for work in due[1:]:
                await world.scheduler.wake(work, timedelta(0))

        self.run(step())
        world.app = living

    @override
    def teardown(self) -> None:
        """All comes to rest, and then nothing accepted is lost, and nothing doubled."""
        try:
            if hasattr(self, "world"):
                self.run(self._settle())
                self._nothing_is_left()
                self._registries_serve_what_is_current()
                self.run(self._nothing_waits_that_may_go())
                self._nothing_is_doubled()
        finally:
            self.loop.close()

    async def _settle(self) -> None:
        for event in self.events:
            if event not in self.delivered:
                await self.deliver_it(event)
        await self._let_pass(_SETTLED, timer=self.timer)
        if not self.timer:
            self._all_has_ended()
            await self._let_pass(_LOOKED_AT, timer=True)

    async def _let_pass(self, time: timedelta, *, timer: bool) -> None:
        world = self.world
        until = world.clock.now() + time
        while world.clock.now() < until:
            await world.run(timedelta(minutes=10))
            world.registry.finish_late()
            if timer:
                await until_taken(world.reconcile)
        await world.drain()

    def _all_has_ended(self) -> None:
        """The timer's alone is to look at what may have finished late, and to tell what could not be told."""
        left = {todo.kind for todo in self.world.promotions.rows(Todo)}
        assert left <= {TodoKind.RECHECK, TodoKind.ANNOUNCE}

    def _nothing_is_left(self) -> None:
        world = self.world
        assert world.promotions.rows(Todo) == []
        assert all(record.phase.is_terminal for record in world.promotions.rows(Promotion))
        assert [line.drift for line in world.promotions.rows(Line) if line.drift] == []
        claims = world.promotions.rows(Claim)
        waiting = {row.row: row.digest for row in world.promotions.rows(Candidate)}
        assert waiting == {claim.row: claim.digest for claim in claims if claim.waits}
        superseded = {
            (each.environment, each.tag, each.digest, each.sequence)
            for each in world.promotions.rows(Promotion)
            if each.phase is Phase.SUPERSEDED
        }
        assert [each for each in claims if _claimed(each) in superseded] == []
        for event in self.events:
            [claim] = [each for each in self.world.claims("staging") if each.tag == event.tag]
            assert (event.at, event.digest) <= (claim.pushed_at, claim.digest) or event.digest == claim.digest

    def _registries_serve_what_is_current(self) -> None:
        """Where a rollback was given up, its line is on hold, and a person looks after it."""
        world = self.world
        for line in world.promotions.rows(Line):
            if line.current and not line.vetoed(line.current.digest):
                pointer = world.policy.environment(line.environment).pointer_of(line.track)
                assert world.served(line.environment, pointer) == line.current.digest

    async def _nothing_waits_that_may_go(self) -> None:
        """Every candidate shows how it stands, and none of them would be promoted if it were asked again."""
        world = self.world
        before = {row.id: row.phase for row in world.promotions.rows(Promotion)}
        shown = self._shown()
        for candidate in world.promotions.rows(Candidate):
            await until_taken(partial(consider, world.app, candidate.image))
        assert {row.id: row.phase for row in world.promotions.rows(Promotion)} == before
        assert self._shown() == shown
        for candidate in world.promotions.rows(Candidate):
            works = [
                each.due
                for each in world.scheduler.scheduled
                if each.work == Consider(candidate.repository, candidate.digest)
            ]
            waits = [each for each in world.promotions.rows(Candidate) if each.digest == candidate.digest]
            assert len(works) <= 2 * len(waits), works

    def _shown(self) -> dict[str, list[tuple[str, State]]]:
        """What each candidate waits for; that a freeze has begun is shown when it matters."""
        return {
            f"{row.environment} {row.row}": [
                (c.kind, c.state) for c in row.decision.unmet if c.kind != "freeze"
            ]
            for row in self.world.promotions.rows(Candidate)
        }

    def _nothing_is_doubled(self) -> None:
        """Automation promotes a push once; and once more what was asked for by hand, and then superseded."""
        pushes = Counter((event.tag, event.digest) for event in set(self.events) if event.tag)
        records = self.world.promotions.rows(Promotion)
        done = Counter(
            _way(each) for each in records if each.kind is Kind.AUTOMATIC and each.phase is Phase.SUCCEEDED
        )
        given = Counter(
            _way(each) for each in records if each.kind is Kind.MANUAL and each.phase is Phase.SUPERSEDED
        )
        for way, times in done.items():
            _, tag, digest = way
            assert times <= pushes[tag, digest] + given[way], f"{way} was promoted {times} times"


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(
    max_examples=40,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
