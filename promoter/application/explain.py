"""Why an image is promoted, or is not."""

from promoter.application.app import App
from promoter.application.claim import asked_for, standing_request
from promoter.application.documents import RETRY, Candidate, Claim
from promoter.application.promote import NoRuleError, NotInSourceError, Wanted, find_subject, read
from promoter.domain.condition import Condition, State
from promoter.domain.decision import Decision, decide, evaluate
from promoter.domain.image import Digest
from promoter.domain.line import Line
from promoter.domain.promotion import Phase


async def explain(app: App, wanted: Wanted) -> Decision:
    """Why an image is promoted, or is not: the decision as it would be taken now.

    It is automation's; where somebody has asked for the promotion by hand and it waits, it is theirs. One
    that failed waits to be tried again, or is refused where somebody has to see to it.

    Raises:
        InvalidError: The request names both or neither of tag and digest.
        NotFoundError: There is no such environment or image.
    """
    try:
        subject = await find_subject(app, wanted)
    except NoRuleError as error:
        return decide(None, (Condition("rule", State.REFUSED, str(error)),))
    except NotInSourceError as error:
        return decide(error.rule, (Condition("arrival", State.PENDING, str(error)),))
    rule, image = subject.rule, subject.evidence.image
    line, lines = await app.lines_on_the_way(rule, image.repository)
    claim = await app.claim(rule, image.repository, subject.tag)
    request = asked_for(rule, subject.tag, standing_request(claim, image.digest, line))
    served = await read(app, subject)
    decision = evaluate(app.policy, request, subject.evidence, line, lines, served, app.clock.now())
    failed = await _failed(app, claim, line, image.digest, decision)
    return decide(decision.rule, decision.conditions + failed) if failed else decision


async def _failed(
    app: App, claim: Claim | None, line: Line, digest: Digest, decision: Decision
) -> tuple[Condition, ...]:
    """What is said of a promotion that has failed: that automation tries it again, or that it does not."""
    if claim is None or claim.digest != digest:
        return ()
    if claim.waits_to_retry(digest, app.clock.now()):
        candidate = await app.promotions.get(Candidate, claim.environment, claim.row)
        conditions = candidate.decision.conditions if candidate is not None else ()
        return tuple(condition for condition in conditions if condition.kind == RETRY)
    if not decision.qualified or claim.sequence is None or claim.is_on(line):
        return ()
    record = await app.record(line.line_key, claim.sequence)
    if record is None or (record.tag, record.digest) != (claim.tag, digest):
        return ()  # the rule has changed its track: the number is another line's
    if record.phase is not Phase.FAILED or record.failure is None:
        return ()
    text = f"{record.id} has failed and is not tried again by itself: {record.failure.message}"
    return (Condition(RETRY, State.REFUSED, text),)
