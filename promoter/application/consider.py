"""Judging an image by all that is stored of it, and acting on the decision."""

import asyncio
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
from promoter.domain.line import LineKey
from promoter.domain.policy import PromotionRule
from promoter.domain.promotion import Phase


def every_rule(_rule: PromotionRule) -> bool:
    """No rule is left out."""
    return True


async def consider(app: App, image: Image, only: Callable[[PromotionRule], bool] = every_rule) -> list[Work]:
    """Judge an image under each rule that it has arrived for, and claim the promotions it qualifies for.

    Args:
        app: The application.
        image: The image.
        only: Which rules are asked; facts wake just the rules that they may matter to.

    Returns:
        The lines to be woken.
    """
    evidence = await app.evidence.load(image)
    wake: list[Work] = []
    for arrival in evidence.arrivals:
        for rule in app.policy.rules_from(arrival.environment, image.repository, arrival.tag):
            if only(rule):
                wake += await _consider_rule(app, rule, evidence, arrival)
    return wake


async def _consider_rule(app: App, rule: PromotionRule, evidence: Evidence, arrival: Arrival) -> list[Work]:
    known = [evidence]

    async def step() -> list[Work]:
        """Judge by what is known; where somebody else has judged it meanwhile, by what was learned since."""
        latest = known.pop() if known else await app.evidence.load(evidence.image)
        return await _judge(app, rule, latest, latest.arrival(arrival.environment, arrival.tag) or arrival)

    return await while_it_changes(step)


async def _judge(app: App, rule: PromotionRule, evidence: Evidence, arrival: Arrival) -> list[Work]:
    image = evidence.image
    key = LineKey(rule.target, image.repository, rule.track)
    line, claim, lines = await asyncio.gather(
        app.line(key),
        app.claim(rule, image.repository, arrival.tag),
        app.lines_on_the_way(rule, image.repository),
    )
    now = app.clock.now()
    if claim and is_settled(claim, image.digest, arrival.pushed_at, now):
        known = told(claim, image.digest, arrival.pushed_at)
        if known != claim:
            await app.commit(Write(known))
        return [advance(key)] if claim.in_flight and claim.digest == image.digest else []
    requested = standing_request(claim, image.digest, line)
    request = asked_for(rule, arrival.tag, requested)
    decision = evaluate(app.policy, request, evidence, line, lines, None, now)
    claimant = Claimant(app, rule, image, arrival, line, claim)
    if not decision.qualified:
        await claimant.wait(decision)
        return []
    await claimant.promote(decision, requested)
    return [advance(key)]


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
        return claim.retry_at is not None and now < claim.retry_at
    return claim.phase is not Phase.SUPERSEDED
