"""A quality gate's verdict on an image."""

import asyncio
from datetime import datetime

import msgspec

from promoter.application.app import GUARD, App
from promoter.application.consider import judge
from promoter.application.work import Consider, Work
from promoter.domain.actor import Actor
from promoter.domain.errors import InvalidError, NotFoundError, RefusedError
from promoter.domain.evidence import GateResult, Verdict
from promoter.domain.image import Digest, Image, Repository, Tag
from promoter.domain.policy import PromotionRule


class GateReport(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """A gate result as it is reported: the body of `POST /gates`, and the message on `quality-gates`.

    Attributes:
        digest: The image; or its tag, as long as that has named one image only.
        at: When the gate decided; now, where it does not say.
        evidence: A few words or a little JSON of what was found; at most 2 KiB.
    """

    repository: Repository
    environment: str
    gate: str
    verdict: Verdict
    digest: Digest | None = None
    tag: Tag | None = None
    issuer: str | None = None
    evidence: str | None = None
    url: str | None = None
    at: datetime | None = None


class UnknownTagError(NotFoundError):
    """No push under this tag is known yet."""


class Reported(msgspec.Struct, frozen=True):
    """The image that a report was about, and the lines to be woken."""

    image: Image
    result: GateResult
    wake: list[Work]


async def take_gate_result(app: App, report: GateReport, actor: Actor, *, guard: bool) -> Reported:
    """Store a verdict, and act on it.

    Args:
        app: The application.
        report: What is reported.
        actor: Who reports it.
        guard: Whether nobody repeats the report if this process dies: then a message is queued first.

    Raises:
        InvalidError: The report cannot be a verdict, or names both or neither of digest and tag.
        NotFoundError: The policy has no such environment.
        UnknownTagError: No push under the tag is known yet.
        RefusedError: The tag has not named one image only.
    """
    app.policy.environment(report.environment)
    now = app.clock.now()
    result = GateResult(
        environment=report.environment,
        gate=report.gate,
        verdict=report.verdict,
        at=report.at or now,
        issuer=report.issuer,
        evidence=report.evidence,
        url=report.url,
        reported_by=actor,
    )
    result.check(now)
    image = Image(report.repository, await _digest(app, report))
    if guard:
        await app.scheduler.wake(Consider(image.repository, image.digest), GUARD)
    evidence = await app.evidence.add(await app.evidence.load(image), result)
    wake = await judge(app, evidence, lambda rule: _asks_for(rule, result))
    return Reported(image, result, wake)


def _asks_for(rule: PromotionRule, result: GateResult) -> bool:
    """Whether a verdict may change how an image stands under a rule: a failed one also voids approvals."""
    if rule.approvals is not None and result.verdict is Verdict.FAILED:
        return True
    wanted = (result.gate, result.environment)
    return any((gate.name, gate.environment) == wanted for gate in rule.requirements)


async def _digest(app: App, report: GateReport) -> Digest:
    if (report.digest is None) == (report.tag is None):
        message = "name the image by digest or by tag: one of both"
        raise InvalidError(message, "digest")
    if report.digest is not None:
        return report.digest
    tag = Tag(report.tag or "")
    rules = app.policy.rules_from(report.environment, report.repository, tag)
    claims = await asyncio.gather(*(app.claim(rule, report.repository, tag) for rule in rules))
    known = [claim for claim in claims if claim is not None]
    named = f"{report.repository}:{tag} in {report.environment}"
    if not known:
        message = f"no push of {named} is known yet; wait for it, or report the digest, which may come first"
        raise UnknownTagError(message, "tag")
    if any(claim.moved for claim in known) or len({claim.digest for claim in known}) > 1:
        message = (
            f"{named} has named more than one image, so a verdict on the tag says nothing; report the digest"
        )
        raise RefusedError(message)
    registry = app.policy.environment(report.environment).location
    if await app.registry.digest(registry, report.repository, tag) != known[0].digest:
        message = f"{named} names another image by now, whose push is not known yet; report the digest"
        raise UnknownTagError(message, "tag")
    return known[0].digest
