"""The whole application over fakes, told as a story: pushes, verdicts and time in, records out."""

from datetime import timedelta

from promoter.application.app import App
from promoter.application.approve import ApprovalWanted, Word, approve
from promoter.application.documents import Candidate, Claim
from promoter.application.promote import Promoted, Wanted, promote
from promoter.application.reconcile import reconcile
from promoter.application.roll_back import roll_back
from promoter.application.rollback_plan import RollbackWanted
from promoter.application.take_gate_result import GateReport, take_gate_result
from promoter.application.take_push import Change, RegistryEvent, take_push
from promoter.application.work import advance as wake_line
from promoter.domain.access import Caller
from promoter.domain.actor import Actor
from promoter.domain.codec import convert
from promoter.domain.evidence import Verdict
from promoter.domain.image import Digest, Repository, Tag
from promoter.domain.line import Line, LineKey
from promoter.domain.policy import Policy
from promoter.domain.policy_problems import problems
from promoter.domain.promotion import Promotion
from promoter.simulation.machine import Machine
from tests.fakes.publishing import FakePublisher
from tests.fakes.registries import FakeRegistry
from tests.fakes.stores import FakeEvidenceStore, FakePromotionStore
from tests.fakes.time import FakeClock, FakeScheduler

ANN = Actor("tenant/ann", "Ann", "local")
APPROVERS = {
    name: Caller(Actor(f"tenant/{name}", name.capitalize(), "local"), frozenset({"Promoter.Approver"}))
    for name in ("ann", "bob", "eve")
}
WEB = "shop/web"
_ID = "/subscriptions/s/resourceGroups/r/providers/Microsoft.ContainerRegistry/registries/"


def registry_id(environment: str) -> str:
    return f"{_ID}{environment}acr"


def policy(
    *,
    immutable: bool = True,
    automatic_to_prod: bool = True,
    gated: bool = True,
    approved: bool = False,
    **changes: object,
) -> Policy:
    """Three environments and two rules, as a file would have them."""
    environments = [
        {"name": name, "registry": registry_id(name), "immutableTags": immutable}
        for name in ("dev", "staging", "prod")
    ]
    selected = {"repositories": ["shop/*"], "tags": ["v*", "latest"]}
    steps = [
        ("dev", "staging", "unit-tests", True),
        ("staging", "prod", "integration-tests", automatic_to_prod),
    ]
    rules: list[dict[str, object]] = [
        {
            "name": f"{source}-to-{target}",
            "from": source,
            "to": target,
            "gates": [gate] if gated else [],
            "automatic": automatic,
            **selected,
        }
        for source, target, gate, automatic in steps
    ]
    if approved:
        rules[1] |= {"soak": "2m", "approvals": {"maxAge": "30m"}}
    made = convert({"environments": environments, "rules": rules} | changes, Policy)
    assert not problems(made)
    return made


def started(outcome: Promoted | Candidate) -> Promoted:
    """What was promoted by hand, and did not have to wait."""
    assert isinstance(outcome, Promoted)
    return outcome


class World(Machine):
    """One application, its registries, its queue and its clock."""

    scheduler: FakeScheduler
    clock: FakeClock

    def __init__(self, policy_: Policy | None = None, *, polls: int = 2) -> None:
        self.clock = FakeClock()
        self.registry = FakeRegistry(polls=polls)
        self.evidence = FakeEvidenceStore()
        self.promotions = FakePromotionStore()
        self.scheduler = FakeScheduler(self.clock)
        self.publisher = FakePublisher()
        self.policy = policy_ or policy()
        super().__init__(self.new_app(), self.scheduler, self.clock)

    def new_app(self) -> App:
        """Another process of the same application."""
        return App(
            self.policy,
            self.evidence,
            self.promotions,
            self.registry,
            self.scheduler,
            self.clock,
            self.publisher,
        )

    # What happens.

    async def push(self, tag: str, digest: Digest | None = None, *, repository: str = WEB) -> Digest:
        """Push an image to dev, and deliver the event."""
        self.clock.advance(timedelta(seconds=1))
        pushed = self.registry.push(registry_id("dev"), repository, tag, digest)
        await self.deliver(self.pushed("dev", tag, pushed, repository=repository))
        return pushed

    def pushed(
        self, environment: str, tag: str | None, digest: Digest, *, repository: str = WEB
    ) -> RegistryEvent:
        named = Tag(tag) if tag else None
        registry = registry_id(environment)
        return RegistryEvent(Change.PUSHED, registry, Repository(repository), digest, named, self.clock.now())

    async def deliver(self, event: RegistryEvent) -> None:
        await self.wake(await take_push(self.app, event))

    async def report(
        self, gate: str, verdict: str, digest: Digest, environment: str = "dev", *, repository: str = WEB
    ) -> None:
        """A quality gate reports its verdict."""
        report = GateReport(Repository(repository), environment, gate, Verdict(verdict), digest=digest)
        await self.wake((await take_gate_result(self.app, report, ANN, guard=False)).wake)

    async def promote(self, tag: str, to: str = "prod", *, repository: str = WEB) -> Promoted:
        return started(await self.ask(tag, to, repository=repository))

    async def ask(self, tag: str, to: str = "prod", *, repository: str = WEB) -> Promoted | Candidate:
        """Promote by hand what may have to wait."""
        outcome = await promote(self.app, Wanted(Repository(repository), to, tag=Tag(tag)), ANN)
        if isinstance(outcome, Promoted):
            await self.wake([wake_line(outcome.record.line_key)])
        return outcome

    async def approve(
        self, digest: Digest, rule: str, caller: Caller, word: Word = Word.APPROVE, comment: str | None = None
    ) -> None:
        """Somebody says what they think of a promotion."""
        wanted = ApprovalWanted(Repository(WEB), digest, rule, word, comment)
        await self.wake((await approve(self.app, wanted, caller)).wake)

    async def roll_back(self, record: str, reason: str = "it is broken") -> Promotion:
        rollback = await roll_back(self.app, RollbackWanted(record, reason), ANN)
        await self.wake([wake_line(rollback.line_key)])
        return rollback

    # What drives it.

    async def run(self, for_: timedelta = timedelta(minutes=5)) -> None:
        """Let time pass, and everything happen that is due in it."""
        await self.run_until(self.clock.now() + for_)

    async def reconcile(self) -> None:
        await self.wake(await reconcile(self.app))

    # What is to be seen.

    def records(self, environment: str, *, repository: str = WEB) -> list[Promotion]:
        """The records of a repository, the newest first."""
        found = self.promotions.rows(Promotion, environment)
        return [record for record in found if record.repository == repository]

    def story(self, environment: str) -> list[str]:
        """The records in words, the oldest first."""
        return [f"{each.kind} {each.tag} {each.phase}" for each in reversed(self.records(environment))]

    async def line(self, environment: str, *, repository: str = WEB) -> Line:
        return await self.app.line(LineKey(environment, Repository(repository)))

    async def current(self, environment: str, *, repository: str = WEB) -> Digest | None:
        current = (await self.line(environment, repository=repository)).current
        return current.digest if current else None

    def served(self, environment: str, reference: str, *, repository: str = WEB) -> Digest | None:
        """What an environment's registry has there."""
        return self.registry.served(registry_id(environment), Repository(repository), reference)

    def candidates(self, environment: str) -> list[Candidate]:
        return self.promotions.rows(Candidate, environment)

    def claims(self, environment: str) -> list[Claim]:
        return self.promotions.rows(Claim, environment)
