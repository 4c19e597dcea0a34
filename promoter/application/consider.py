"""Judging an image by all that is stored of it, and acting on the decision."""

from collections.abc import Callable
from datetime import datetime

from promoter.application.app import App, while_it_changes
from promoter.application.claim import Claimant, asked_for, standing_request
from promoter.application.documents import Claim, replaced
from promoter.application.ports import Write
from promoter.application.work import Work, advance
from promoter.domain.decision import evaluate
from promoter.domain.evidence import Arrival, Evidence
from promoter.domain.image import Digest, Image
from promoter.domain.policy import PromotionRule
from promoter.domain.promotion import Phase


def every_rule(_rule: PromotionRule) -> bool:
    """No rule is left out."""
    return True


async def consider(app: App, image: Image, only: Callable[[PromotionRule], bool] = every_rule) -> list[Work]:
    """Judge an image by all that is stored of it: `judge`."""
    return await judge(app, await app.evidence.load(image), only)


async def judge(
    app: App,
    evidence: Evidence,
    only: Callable[[PromotionRule], bool] = every_rule,
    arrived: Arrival | None = None,
) -> list[Work]:
    """Judge an image under each rule that it has arrived for, and claim the promotions it qualifies for.

    Args:
        app: The application.
        evidence: All that is stored of the image.
        only: Which rules are asked; facts wake just the rules that they may matter to.
        arrived: What has just been stored for the first time, as far as is known.

    Returns:
        The lines to be woken.
    """
    wake: list[Work] = []
    for arrival in evidence.arrivals:
        for rule in app.policy.rules_from(arrival.environment, evidence.image.repository, arrival.tag):
            if only(rule):
                is_new = arrival == arrived and app.policy.environment(rule.target).immutable_tags
                wake += await _judge_rule(app, rule, evidence, arrival, is_new=is_new)
    return wake


async def _judge_rule(
    app: App, rule: PromotionRule, evidence: Evidence, arrival: Arrival, *, is_new: bool
) -> list[Work]:
    known = [evidence]

    async def step() -> list[Work]:
        """Judge by what is known; where somebody else has judged it meanwhile, by what was learned since.

        Of a new tag it is taken that nothing has claimed it. What is then stored makes the claim, and is
        refused where there is one.
        """
        is_unclaimed = is_new and bool(known)
        latest = known.pop() if known else await app.evidence.load(evidence.image)
        claim = None if is_unclaimed else await app.claim(rule, evidence.image.repository, arrival.tag)
        came = latest.arrival(arrival.environment, arrival.tag) or arrival
        return await _judge(app, rule, latest, came, claim)

    return await while_it_changes(step)


async def _judge(
    app: App, rule: PromotionRule, evidence: Evidence, arrival: Arrival, claim: Claim | None
) -> list[Work]:
    image = evidence.image
    line, lines = await app.lines_on_the_way(rule, image.repository)
    now = app.clock.now()
    if claim and is_settled(claim, image.digest, arrival.pushed_at, now):
        known = told(claim, image.digest, arrival.pushed_at)
        if known != claim:
            await app.commit(Write(known))
        return [advance(line.line_key)] if claim.digest == image.digest and claim.is_on(line) else []
    requested = standing_request(claim, image.digest, line)
    request = asked_for(rule, arrival.tag, requested)
    decision = evaluate(app.policy, request, evidence, line, lines, None, now)
    claimant = Claimant(app, rule, image, arrival, line, claim)
    if not decision.qualified:
        await claimant.wait(decision)
        return []
    await claimant.promote(decision, requested)
    return [advance(line.line_key)]


def told(claim: Claim, digest: Digest, pushed_at: datetime) -> Claim:
    """The claim with what a push adds that it has dealt with: the tag has moved, or came back later."""
    if claim.digest != digest:
        return replaced(claim, moved=True)
    return replaced(claim, pushed_at=max(claim.pushed_at, pushed_at))


def is_settled(claim: Claim, digest: Digest, pushed_at: datetime, now: datetime) -> bool:
    """Whether its tag's claim has dealt with an image, or with a newer one, so that nothing is to be done."""
    if claim.digest != digest:
        return (pushed_at, digest) <= (claim.pushed_at, claim.digest)
    if claim.waits:
        return claim.waits_to_retry(digest, now)
    return claim.phase is not Phase.SUPERSEDED
