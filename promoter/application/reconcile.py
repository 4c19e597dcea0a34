"""Picking up what no message drives: after a lost wake-up, a changed policy, or time that has passed."""

import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta

from promoter.application.app import App
from promoter.application.documents import (
    CURRENT,
    ENVIRONMENTS,
    Candidate,
    Claim,
    KnownEnvironment,
    KnownPolicy,
    Todo,
    TodoKind,
    replaced,
)
from promoter.application.paging import every
from promoter.application.ports import Change, Delete, Put, Write
from promoter.application.waiting import Waiting
from promoter.application.work import Consider, Work, advance
from promoter.domain.condition import Condition, State
from promoter.domain.decision import decide
from promoter.domain.errors import ConcurrentChangeError
from promoter.domain.image import Repository

STALE = timedelta(minutes=1)
KEPT = timedelta(days=14)
"""How long an image waits that the policy leads nowhere any more."""


async def reconcile(app: App) -> list[Work]:
    """Look through all that is left to do and all that waits; the work itself is the woken lines'.

    Returns:
        What is to be woken.
    """
    wake: dict[Work, None] = {}
    now = app.clock.now()
    for environment in await _environments(app):
        async for todo in every(app, Todo, environment):
            if todo.due <= now - (timedelta(0) if todo.kind is TodoKind.RECHECK else STALE):
                wake[advance(todo.line_key, leftovers=True)] = None
        async for work in _candidates(app, environment):
            wake[work] = None
    return list(wake)


async def notice_policy(app: App) -> list[Work]:
    """Wake what waits under another policy than this one. A process asks once, when it is first called.

    Returns:
        The images to be judged again.
    """
    known = await app.promotions.get(KnownPolicy, ENVIRONMENTS, CURRENT)
    if known is not None and known.hash == app.policy.hash:
        return []
    wake = [work for name in await _environments(app) async for work in _candidates(app, name)]
    await app.commit(Put(KnownPolicy(hash=app.policy.hash)))
    return list(dict.fromkeys(wake))


async def _environments(app: App) -> list[str]:
    """Every environment that this policy or an earlier one names."""
    known = [row.name async for row in every(app, KnownEnvironment, ENVIRONMENTS)]
    for environment in app.policy.environments:
        if environment.name not in known:
            await app.commit(Put(KnownEnvironment(name=environment.name)))
            known.append(environment.name)
    return known


async def _candidates(app: App, environment: str) -> AsyncIterator[Work]:
    """The candidates that may stand differently now: due, judged by another policy, or held no more."""
    now = app.clock.now()
    held: dict[Repository, set[str]] = {}
    waiting = Waiting(environment)
    async for candidate in every(app, Candidate, environment):
        waiting.add(candidate)
        change = candidate.decision.next_change
        due = change is not None and change <= now
        changed = candidate.policy_hash != app.policy.hash
        if (changed or due) and not _has_rule(app, candidate):
            await _leave(app, candidate)
        if due or changed or await _was_released(app, candidate, held):
            yield Consider(candidate.repository, candidate.digest)
    waiting.tell(now)


def _has_rule(app: App, candidate: Candidate) -> bool:
    way = (candidate.source, candidate.environment)
    return app.policy.rule_between(*way, candidate.repository, candidate.tag) is not None


async def _was_released(app: App, candidate: Candidate, held: dict[Repository, set[str]]) -> bool:
    """Whether a candidate waits for a hold that is there no more."""
    if all(condition.kind != "hold" for condition in candidate.decision.unmet):
        return False
    if candidate.repository not in held:
        lines = await app.lines(candidate.environment, candidate.repository)
        held[candidate.repository] = {line.track for line in lines if line.hold is not None}
    rule = app.policy.rule(candidate.rule)
    return rule is None or rule.track not in held[candidate.repository]


async def _leave(app: App, candidate: Candidate) -> None:
    """The policy leads the image no more. It stays for a while: a rule may have been lost by mistake."""
    claim = await app.promotions.get(Claim, candidate.environment, candidate.row)
    if claim is None or not claim.waits:
        return
    now = app.clock.now()
    left = (each.until for each in candidate.decision.conditions if each.kind == "rule")
    until = next(left, None) or now + KEPT
    image, way = f"{candidate.repository}:{candidate.tag}", f"{candidate.source} into {candidate.environment}"
    text = f"no rule leads {image} from {way} any more"
    decision = decide(candidate.rule, (Condition("rule", State.REFUSED, text, until=until),))
    stays = replaced(candidate, decision=decision, policy_hash=app.policy.hash)
    changes: list[Change] = [Write(replaced(claim, wake_at=None)), Put(stays)]
    with contextlib.suppress(ConcurrentChangeError):
        await app.commit(*([Delete(claim), Delete(candidate)] if until <= now else changes))
