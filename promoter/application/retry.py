"""Trying a failed promotion again, and stopping one that has not started."""

from promoter.application.app import GUARD, App, while_it_changes
from promoter.application.documents import Candidate
from promoter.application.ending import end
from promoter.application.promote import Asked, NoRuleError, Promoted, Subject, check_reason, promote_subject
from promoter.application.records import find_record
from promoter.application.roll_back import roll_back
from promoter.application.rollback_plan import RollbackWanted
from promoter.application.work import advance
from promoter.domain.actor import Actor
from promoter.domain.condition import Kind
from promoter.domain.errors import RefusedError
from promoter.domain.policy import PromotionRule
from promoter.domain.promotion import Failure, FailureCode, Phase, Promotion


async def retry(app: App, record_id: str, actor: Actor) -> Promoted | Candidate:
    """Try a failed promotion again, as a new record; the policy of today decides whether it may be.

    What an administrator had overridden for it is overridden again: who may not do that may not retry it.

    Raises:
        NotFoundError: There is no such record.
        NoRuleError: The policy leads the image there no more.
        RefusedError: The promotion has not failed.
        NotQualifiedError: The image does not qualify any more.
    """
    record = await find_record(app, record_id)
    if record.phase is not Phase.FAILED:
        message = (
            f"the phase of promotion {record.id} is {record.phase}; only a failed one can be tried again"
        )
        raise RefusedError(message)
    if record.kind is Kind.ROLLBACK and record.rollback_of is not None:
        again = await roll_back(app, RollbackWanted(record.rollback_of, record.reason), actor)
        return Promoted(again, already=False)
    subject = Subject(_rule(app, record), record.tag, await app.evidence.load(record.image))
    return await promote_subject(app, subject, Asked(actor, record.reason, record.override, record))


def _rule(app: App, record: Promotion) -> PromotionRule:
    """The rule that leads the record's image on its way today, whatever it was called then."""
    source, target = record.source or "nowhere", record.environment
    rule = app.policy.rule_between(source, target, record.repository, record.tag)
    if rule is not None:
        return rule
    message = f"no rule leads {record.repository}:{record.tag} from {source} into {target} any more"
    raise NoRuleError(message)


async def abort(app: App, record_id: str, actor: Actor, reason: str | None = None) -> Promotion:
    """Stop a promotion that has not started. It is not tried again by itself; by hand it can be.

    Raises:
        InvalidError: The reason is too long.
        NotFoundError: There is no such record.
        RefusedError: It has started, or has ended in another way.
    """

    async def step() -> Promotion:
        record = await find_record(app, record_id)
        if record.failure is not None and record.failure.code is FailureCode.ABORTED:
            return record
        if record.phase is not Phase.PENDING:
            message = (
                f"the phase of promotion {record.id} is {record.phase}; only what is pending can be stopped"
            )
            raise RefusedError(message)
        why = f": {reason}" if reason else ""
        who = f"{actor.name} ({actor.id}, known by {actor.via})"
        failure = Failure(FailureCode.ABORTED, f"stopped by {who}{why}")
        return await end(app, await app.line(record.line_key), record, Phase.FAILED, failure)

    check_reason(reason)
    record = await find_record(app, record_id)
    await app.scheduler.wake(advance(record.line_key, leftovers=True), GUARD)
    return await while_it_changes(step)
