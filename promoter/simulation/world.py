"""The world in which a scenario happens: registries, a queue, a clock, and the application itself."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import override

from promoter.application.app import App
from promoter.application.documents import Candidate
from promoter.application.take_push import Change, RegistryEvent, take_push
from promoter.domain.access import Caller, Role
from promoter.domain.actor import Actor
from promoter.domain.condition import Condition
from promoter.domain.event import PhaseChanged
from promoter.domain.image import Digest, Repository
from promoter.domain.line import Line
from promoter.domain.policy import Environment, Policy
from promoter.domain.promotion import Phase, Promotion
from promoter.simulation.machine import Machine
from promoter.simulation.queue import MemoryScheduler, StoppedClock
from promoter.simulation.registries import MemoryRegistries
from promoter.simulation.scenario import ImageName, Scenario, line_name
from promoter.simulation.stores import MemoryEvidenceStore, MemoryPromotionStore
from promoter.simulation.timeline import Sort, Timeline

_SECOND = timedelta(seconds=1)


class World(Machine):
    """Everything that there is in a simulation; nothing of it is connected to anything."""

    def __init__(self, policy: Policy, scenario: Scenario, timeline: Timeline) -> None:
        self.policy = policy
        self.registries = MemoryRegistries()
        self.promotions = MemoryPromotionStore()
        self._people = scenario.people
        self._timeline = timeline
        self._digests: dict[ImageName, Digest] = {}
        self._pushed: set[ImageName] = set()
        self._waiting: dict[tuple[str, str], list[str]] = {}
        self._drift: dict[str, int] = {}
        self._last_act: datetime | None = None
        clock = StoppedClock(scenario.start.astimezone(UTC))
        scheduler = MemoryScheduler(clock)
        app = App(policy, MemoryEvidenceStore(), self.promotions, self.registries, scheduler, clock, self)
        super().__init__(app, scheduler, clock)

    def begin_act(self) -> None:
        """No two things happen at the same moment: what is done next comes a second later."""
        if self._last_act == self.clock.now():
            self.clock.advance(_SECOND)
        self._last_act = self.clock.now()

    def caller(self, name: str) -> Caller:
        """Somebody, by name: with the roles that the scenario gives them, else with all."""
        roles = frozenset(self._people.get(name, (Role.ADMIN,)))
        return Caller(Actor(name, name, "scenario"), roles)

    def digest_of(self, image: ImageName) -> Digest:
        """What an image's name stands for; for one that is still to be pushed, what it will."""
        if image not in self._digests:
            self._digests[image] = self.registries.new_digest()
        return self._digests[image]

    async def push(self, image: ImageName, environment: Environment, same_as: ImageName | None) -> None:
        """Push an image, and tell the application."""
        if same_as is not None:
            self._digests[image] = self.digest_of(same_as)
        elif image in self._pushed:
            self._digests[image] = self.registries.new_digest()
        self._pushed.add(image)
        digest = self.registries.push(
            environment.location, image.repository, image.tag, self.digest_of(image)
        )
        event = RegistryEvent(
            Change.PUSHED,
            environment.registry,
            image.repository,
            digest,
            image.tag,
            self.clock.now(),
            environment.login_server or "",
        )
        await self.wake(await take_push(self.app, event))
        name = environment.name
        if not self.policy.is_target(name) and not self.policy.rules_from(name, image.repository, image.tag):
            self.tell(f"{name}: no rule leads {image} on from here")

    def records(self, environment: str, repository: Repository) -> list[Promotion]:
        """The records of a repository, the newest first, on whatever track."""
        found = self.promotions.rows(Promotion, environment)
        mine = [record for record in found if record.repository == repository]
        return sorted(mine, key=lambda record: (record.created_at, record.sequence), reverse=True)

    def tell(self, text: str) -> None:
        """Tell of something that has happened."""
        self._timeline.tell(self.clock.now(), Sort.EVENT, text)

    async def publish(self, event: PhaseChanged) -> None:
        """Tell of what has become of a promotion."""
        name = f"{event.repository}:{event.tag}"
        match event.phase:
            case Phase.SUCCEEDED:
                text = f"{event.environment}: {name} is promoted ({event.kind})"
            case Phase.FAILED | Phase.SUPERSEDED:
                why = event.failure.message if event.failure else ""
                text = f"{event.environment}: the promotion of {name} is {event.phase}: {why}"
            case _:
                return
        self._timeline.tell(event.at, Sort.EVENT, text)

    @override
    async def drain(self) -> None:
        """Let everything happen that is due now, and tell what has come of it."""
        currents = dict(self._currents())
        await super().drain()
        for where, tag in self._currents():
            if currents.get(where) != tag:
                self.tell(f"{where} runs {tag} now")
        self._tell_waiting()
        self._tell_drift()

    def _currents(self) -> Iterator[tuple[str, str]]:
        """What runs where: the place, and the tag."""
        for line in self.promotions.rows(Line):
            if line.current is not None:
                yield f"{line.environment}: {line_name(line.repository, line.track)}", line.current.tag

    def _tell_waiting(self) -> None:
        """Tell of each image that waits or is refused, when it begins to, and whenever that changes."""
        waiting = {}
        for each in self.promotions.rows(Candidate):
            name = f"{each.environment}: {each.repository}:{each.tag}"
            waiting[name, each.rule] = said = [_lasting(condition) for condition in each.decision.unmet]
            if self._waiting.get((name, each.rule)) != said:
                texts = tuple(condition.text for condition in each.decision.unmet)
                text = f"{name} is {each.decision.outcome}"
                self._timeline.tell(self.clock.now(), Sort.EVENT, text, *texts)
        self._waiting = waiting

    def _tell_drift(self) -> None:
        for line in self.promotions.rows(Line):
            known = self._drift.get(str(line.line_key), 0)
            for drift in line.drift[known:]:
                text = (
                    f"{line.environment}: {line.repository}:{drift.tag} was {drift.change} by others: drift"
                )
                self.tell(text)
            self._drift[str(line.line_key)] = len(line.drift)


def _lasting(condition: Condition) -> str:
    """What is said of a condition, but for how long it will still take: that changes all the time."""
    return f"{condition.kind} {condition.state} {condition.earliest or condition.text}"
