"""Trying a failed promotion again, and stopping one that has not started."""

from promoter.application.app import GUARD, App, while_it_changes
from promoter.application.documents import Candidate
from promoter.application.ending import end
from promoter.application.promote import Asked, NoRuleError, Promoted, Subject, promote_subject
from promoter.application.records import find_record
from promoter.application.roll_back import roll_back
from promoter.application.rollback_plan import RollbackWanted
from promoter.application.work import advance
from promoter.domain.actor import Actor
from promoter.domain.condition import Kind
from promoter.domain.errors import RefusedError
from promoter.domain.promotion import Failure, FailureCode, Phase, Promotion


async def retry(app: App, record_id: str, actor: Actor) -> Promoted | Candidate:
    """Try a failed promotion again, as a new record; the policy of today decides whether it may be.

    Raises:
        NotFoundError: There is no such record, or the policy has its rule no more.
        RefusedError: The promotion has not failed.
        NotQualifiedError: The image does not qualify any more.
    """
    record = await find_record(app, record_id)
    if record.phase is not Phase.FAILED:
        message = f"promotion {record.id} is {record.phase}; only a failed one can be tried again"
        raise RefusedError(message)
    if record.kind is Kind.ROLLBACK and record.rollback_of is not None:
        again = await roll_back(app, RollbackWanted(record.rollback_of, record.reason), actor)
        return Promoted(again, already=False)
    rule = app.policy.rule(record.rule or "")
    if rule is None:
        message = f"the policy has no rule {record.rule!r} any more; promote the image as a new request"
        raise NoRuleError(message)
    subject = Subject(rule, record.tag, await app.evidence.load(record.image))
    return await promote_subject(app, subject, Asked(actor, record.reason, retry_of=record))


async def abort(app: App, record_id: str, actor: Actor, reason: str | None = None) -> Promotion:
    """Stop a promotion that has not started. It is not tried again by itself; by hand it can be.

    Raises:
        NotFoundError: There is no such record.
        RefusedError: It has started, or has ended in another way.
    """

    async def step() -> Promotion:
        record = await find_record(app, record_id)
        if record.failure is not None and record.failure.code is FailureCode.ABORTED:
            return record
        if record.phase is not Phase.PENDING:
            message = f"promotion {record.id} is {record.phase}; only what is pending can be stopped"
            raise RefusedError(message)
        why = f": {reason}" if reason else ""
        failure = Failure(FailureCode.ABORTED, f"stopped by {actor.name}{why}")
        return await end(app, await app.line(record.line_key), record, Phase.FAILED, failure)

    record = await find_record(app, record_id)
    await app.scheduler.wake(advance(record.line_key), GUARD)
    return await while_it_changes(step)
