"""Ending a promotion: its record, its line, its tag's claim and what follows, in one transaction."""

from datetime import timedelta

from promoter.application.app import App
from promoter.application.claim import ending
from promoter.application.documents import RETRY, Candidate, Claim, claim_row, recheck, replaced
from promoter.application.ports import Change, Put, Write
from promoter.application.tell import tell
from promoter.domain.condition import Condition, Kind, State
from promoter.domain.decision import decide
from promoter.domain.line import Current, Line
from promoter.domain.promotion import Failure, Phase, Promotion

MAX_RETRIES = 5
_FIRST_RETRY = timedelta(minutes=1)


async def end(
    app: App, line: Line, record: Promotion, phase: Phase, failure: Failure | None = None
) -> Promotion:
    """End a promotion, and take it off its line.

    A failure of automation that may pass puts the image back among the candidates, to be tried again.

    Raises:
        ConcurrentChangeError: The line, the record or the claim has changed; read again.
    """
    now = app.clock.now()
    ended = record.ended(phase, now, failure)
    claim = await _own_claim(app, ended) if _frees_tag(ended) else None
    line = line.without(ended.sequence)
    if phase is Phase.SUCCEEDED and ended.moves_current:
        current = Current(ended.id, ended.digest, ended.tag, ended.pushed_at, now, ended.actor)
        line = line.with_current(current, ended.sequence)
    changes: list[Change] = [Write(line), *ending(app, ended)]
    if ended.may_finish_late:
        changes.append(Write(recheck(ended)))
    if claim is not None and phase is Phase.SUPERSEDED:
        changes.append(Write(replaced(claim, phase=phase)))
    elif claim is not None and failure is not None and claim.retries < MAX_RETRIES:
        claim = replaced(claim, phase=None, retries=claim.retries + 1, retry_at=now + _delay(claim.retries))
        changes += [Put(_candidate(ended, claim, failure)), Write(claim)]
    await app.commit(*changes)
    tell(ended)
    return ended


async def _own_claim(app: App, record: Promotion) -> Claim | None:
    """The claim of the promotion's tag, unless it is another promotion's by now."""
    if record.source is None or record.kind is Kind.ROLLBACK:
        return None
    key = claim_row(record.repository, record.source, record.tag)
    claim = await app.promotions.get(Claim, record.environment, key)
    theirs = (record.sequence, record.digest)  # numbers are a line's, and a rule may change its track
    is_its = claim and claim.phase is Phase.PENDING and (claim.sequence, claim.digest) == theirs
    return claim if is_its else None


def _frees_tag(record: Promotion) -> bool:
    """Whether its tag may be claimed anew: it was superseded, or automation tries again what may pass."""
    may_pass = record.failure is not None and record.failure.code.is_transient
    return record.phase is Phase.SUPERSEDED or (record.kind is Kind.AUTOMATIC and may_pass)


def _delay(retries: int) -> timedelta:
    return _FIRST_RETRY * (1 << retries)


def _candidate(record: Promotion, claim: Claim, failure: Failure) -> Candidate:
    text = f"failed ({failure.code}); tried again for the {_ordinal(claim.retries)} of {MAX_RETRIES} times"
    decision = decide(record.rule, (Condition(RETRY, State.PENDING, text, earliest=claim.retry_at),))
    return Candidate(
        environment=record.environment,
        repository=record.repository,
        rule=record.rule or "",
        tag=record.tag,
        digest=record.digest,
        source=record.source or "",
        pushed_at=record.pushed_at,
        since=claim.since,
        decision=decision,
        policy_hash=record.policy_hash,
    )


def _ordinal(number: int) -> str:
    return {1: "1st", 2: "2nd", 3: "3rd"}.get(number, f"{number}th")
