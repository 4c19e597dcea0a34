"""A world in which several instances are at work at once, and the policies that it may be under."""

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable
from datetime import timedelta
from enum import StrEnum
from functools import partial
from typing import override

from promoter.application.app import App
from promoter.application.ports import Clock, Import, ImportStatus, Progress
from promoter.application.reconcile import notice_policy
from promoter.application.take_push import Change, RegistryEvent
from promoter.application.work import Work
from promoter.domain.codec import convert, plain
from promoter.domain.errors import ConcurrentChangeError, PromoterError, UnavailableError
from promoter.domain.image import Digest, Repository
from promoter.domain.policy import Policy
from promoter.domain.policy_problems import problems
from promoter.domain.promotion import Promotion
from tests.fakes.jitter import jittered
from tests.fakes.registries import FakeRegistry
from tests.fakes.time import START
from tests.fakes.watching import WatchingStore
from tests.fakes.world import WEB, World, policy, registry_id

_STEP = timedelta(minutes=10)
_LANDS_WITHIN = timedelta(minutes=50)
_OLD = 0.4  # of messages, how many a process with the policy of before takes while there is one

type Action = Callable[[], Awaitable[object]]


async def until_taken[T](action: Callable[[], Awaitable[T]]) -> T:
    """Again until it is taken, as events and messages are delivered; and as people do who insist."""
    while True:
        with contextlib.suppress(UnavailableError, ConcurrentChangeError):
            return await action()


class Flavour(StrEnum):
    """What a policy is made of, beside gates."""

    PLAIN = "plain"
    APPROVED = "approved"
    FROZEN = "frozen"
    VERSIONED = "versioned"


TAGS = dict.fromkeys(Flavour, ("v1", "v2", "latest")) | {
    Flavour.VERSIONED: ("v1.1.0", "v2.0.0-rc.1", "v2.0.0")
}
_RULES: dict[Flavour, tuple[dict[str, object], ...]] = {
    Flavour.PLAIN: ({}, {}),
    Flavour.APPROVED: ({}, {"soak": "2m", "approvals": {"maxAge": "30m"}}),
    Flavour.FROZEN: (
        {"soak": "5m", "freeze": [{"name": "often", "start": "0,30 * * * *", "duration": "10m"}]},
        {
            "approvals": {"count": 2},
            "freeze": [{"name": "seldom", "start": "15 */2 * * *", "duration": "1h"}],
        },
    ),
    Flavour.VERSIONED: ({"tags": {"semver": ">=2.0.0-0"}}, {"tags": {"semver": "*"}}),
}


def policies(flavour: Flavour, *, immutable: bool, gated: bool) -> list[Policy]:
    """A policy, and what may become of it: renamed, stricter, by hand, and with a scan that gets too old."""
    base = plain(policy(immutable=immutable, gated=gated))
    first, second = (rule | more for rule, more in zip(base["rules"], _RULES[flavour], strict=True))
    old = [first | {"name": "old", "track": "old", "tags": {"semver": "<2"}}]
    rules = [first, *(old if flavour is Flavour.VERSIONED else []), second]
    changes: list[dict[str, object]] = [
        {},
        {"soak": "20m"},
        {"automatic": False},
        {"gates": [{"name": "unit-tests", "environment": "dev", "maxAge": "20m"}]},
    ]
    made = [[rule | change for rule in rules] for change in changes]
    made.append([rule | {"name": f"{rule['name']}-anew"} for rule in rules])
    found = [convert(base | {"rules": each}, Policy) for each in made]
    assert not any(problems(each) for each in found)
    return found


type Fault = Callable[["BusyWorld", int], None]
STORE_FAULTS: dict[str, Fault] = {
    "a row is not written": lambda world, after: world.promotions.fail_next(skipping=after),
    "a row is written unheard": lambda world, after: world.promotions.fail_next(
        executed=True, skipping=after
    ),
    "a fact is not written": lambda world, after: world.evidence.fail_next(skipping=after),
    "a fact is written unheard": lambda world, after: world.evidence.fail_next(executed=True, skipping=after),
}
FAULTS: dict[str, Fault] = STORE_FAULTS | {
    "an import is not accepted": lambda world, _: world.registry.fail_submit(),
    "an import is accepted unheard": lambda world, _: world.registry.fail_submit(executed=True),
    "an import is forbidden": lambda world, _: world.registry.answer_submit(
        ImportStatus(Progress.FORBIDDEN, message="the role is missing")
    ),
    "imports are throttled": lambda world, _: world.registry.fail_submit(timedelta(minutes=2)),
    "an import runs on": lambda world, _: world.registry.stick_next(),
    "imports fail": lambda world, times: setattr(world.registry, "failing", times),
    "an import is not known": lambda world, _: world.registry.answer_poll(Progress.UNKNOWN),
    "a poll is not answered": lambda world, _: world.registry.fail_poll(),
    "a registry is not read": lambda world, _: world.registry.fail_digest(),
}
"""What may go wrong with one of the next calls, or with some."""


class TellingRegistry(FakeRegistry):
    """Registries that tell of what is imported into them, as Event Grid does.

    Attributes:
        told: An event for each import that was carried out.
    """

    def __init__(self, *, polls: int, clock: Clock) -> None:
        super().__init__(polls=polls)
        self.told: list[RegistryEvent] = []
        self._clock = clock

    @override
    def _carry_out(self, request: Import) -> ImportStatus:
        status = super()._carry_out(request)
        if status.progress is Progress.ENDED:
            at, registry = self._clock.now(), request.target_registry
            event = RegistryEvent(
                Change.PUSHED, registry, request.repository, request.digest, request.tag, at
            )
            self.told.append(event)
        return status


class BusyWorld(World):
    """A world with several instances at work, some of which die."""

    def __init__(self, policy_: Policy, *, polls: int, seed: int) -> None:
        self._older: App | None = None
        self._older_until = START
        self._lands_at = START + _LANDS_WITHIN
        self.dice = random.Random(seed)  # noqa: S311 - to be repeated, not to be secret
        super().__init__(policy_, polls=polls)
        self.registry: TellingRegistry = TellingRegistry(polls=polls, clock=self.clock)
        self.promotions = WatchingStore(self._served_for)
        self.app = self.new_app()

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

    @override
    def instance(self) -> App:
        if self._older is not None and self.clock.now() < self._older_until and self.dice.random() < _OLD:
            return self._older
        return self.app

    async def at_once(self, actions: list[Action]) -> None:
        """Several things at the same time; what is refused is refused."""
        ends = await asyncio.gather(*(action() for action in actions), return_exceptions=True)
        for end in ends:
            if isinstance(end, BaseException) and not isinstance(end, PromoterError):
                raise end

    @override
    async def run(self, for_: timedelta = _STEP) -> None:
        """Let time pass; an import that runs on lands within an hour, before late ones are looked at."""
        until = self.clock.now() + for_
        while (now := self.clock.now()) < until:
            await super().run(min(until - now, _STEP))
            if self.clock.now() >= self._lands_at:
                self.registry.finish_late()
                self._lands_at = self.clock.now() + _LANDS_WITHIN

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

    async def change(self, policy_: Policy, *, at_once: bool) -> None:
        """Deploy another policy: a new process notices it with its first message.

        Unless it is `at_once`, a process with the policy of before takes messages too for some minutes.
        """
        self._older = None if at_once else self.app
        self._older_until = self.clock.now() + timedelta(minutes=5)
        self.policy = policy_
        self.app = self.new_app()
        await self.wake(await until_taken(lambda: notice_policy(self.app)))

    def _served_for(self, record: Promotion) -> Digest | None:
        return self.registry.served(registry_id(record.environment), Repository(WEB), record.tag)
