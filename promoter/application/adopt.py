"""Recording what an environment runs today, so that the first rollback has somewhere to go."""

from datetime import datetime

import msgspec

from promoter.application.app import GUARD, App, while_it_changes
from promoter.application.documents import drive
from promoter.application.ports import Write
from promoter.application.promote import Promoted, check_reason
from promoter.application.publish import announced
from promoter.application.records import already_current, running
from promoter.application.tell import tell
from promoter.application.work import advance
from promoter.domain.actor import Actor
from promoter.domain.condition import Kind
from promoter.domain.errors import InvalidError, NotFoundError
from promoter.domain.image import Image, Repository, Tag
from promoter.domain.line import LineKey
from promoter.domain.policy import Policy
from promoter.domain.promotion import Promotion


class Adoption(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What runs today: the body of `POST /adoptions`."""

    environment: str
    repository: Repository
    tag: Tag
    reason: str | None = None


async def adopt(app: App, adoption: Adoption, actor: Actor) -> Promoted:
    """Make the image that a tag names today what the environment is meant to run; only the pointer is set.

    It is no arrival: nothing goes on from here because of it. The same again answers the same record.

    Raises:
        InvalidError: The reason is too long, or the environment is a registry outside the tenant.
        NotFoundError: There is no such environment, or its registry has no such tag.
    """
    check_reason(adoption.reason)
    environment = app.policy.environment(adoption.environment)
    if environment.login_server is not None:
        message = (
            f"{environment.name} is outside the tenant, and images only come from there: nothing runs in it"
        )
        raise InvalidError(message, "environment")
    digest = await app.registry.digest(environment.registry, adoption.repository, adoption.tag)
    if digest is None:
        message = f"the registry of {environment.name} has no {adoption.repository}:{adoption.tag}"
        raise NotFoundError(message, "tag")
    rules = app.policy.rules_to(environment.name, adoption.repository, adoption.tag)
    key = LineKey(environment.name, adoption.repository, rules[0].track if rules else "main")
    image = Image(adoption.repository, digest)
    await app.scheduler.wake(advance(key), GUARD)

    async def step() -> Promoted:
        line = await app.line(key)
        if (there := await running(app, line, image, adoption.tag)) is not None:
            return Promoted(there, already=False)
        if (current := await already_current(app, line, image)) is not None:
            return Promoted(current, already=True)
        now = app.clock.now()
        line = line.with_claim()
        record = Promotion(
            environment=line.environment,
            repository=line.repository,
            track=line.track,
            sequence=line.sequence,
            kind=Kind.ADOPTED,
            tag=adoption.tag,
            digest=digest,
            source=None,
            rule=None,
            actor=actor,
            reason=adoption.reason,
            created_at=now,
            pushed_at=await _pushed_at(app, image, adoption.tag) or now,
            terms=Policy(environments=(environment,), rules=()),
            policy_hash=app.policy.hash,
            replaces=line.current.record if line.current else None,
        )
        await app.commit(Write(line), Write(record), Write(drive(record)), *announced(app, record))
        tell(record)
        return Promoted(record, already=False)

    return await while_it_changes(step)


async def _pushed_at(app: App, image: Image, tag: Tag) -> datetime | None:
    """When the image was pushed, as far as that is known: what is pushed after it is newer."""
    evidence = await app.evidence.load(image)
    return max((each.pushed_at for each in evidence.arrivals if each.tag == tag), default=None)
