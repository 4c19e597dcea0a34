"""Rolling an environment back to an earlier record."""

import msgspec

from promoter.application.app import GUARD, App, while_it_changes
from promoter.application.documents import drive
from promoter.application.ports import Write
from promoter.application.promote import check_reason
from promoter.application.publish import announced
from promoter.application.rollback_plan import Plan, RollbackWanted, check, find_earlier, plan
from promoter.application.tell import tell
from promoter.application.work import advance
from promoter.domain.actor import Actor
from promoter.domain.condition import Kind
from promoter.domain.line import Hold, Line, Veto
from promoter.domain.promotion import Phase, Promotion


async def roll_back(app: App, wanted: RollbackWanted, actor: Actor) -> Promotion:
    """Move an environment back to what an earlier record put there, and keep automation off it.

    The line is held and the current digest vetoed at once; what had not started is superseded, and the
    rollback itself runs when what is being imported has ended. Asked twice, it answers the same record.

    Raises:
        InvalidError: Neither a record nor a line is named, or the reason is too long.
        NotFoundError: There is no such record or environment.
        RefusedError: The record is of another line, or none is named and there is none to go back to.
        NotQualifiedError: The record did not succeed, is current, or its image is nowhere any more.
    """
    check_reason(wanted.reason)
    named = await find_earlier(app, wanted)
    await app.scheduler.wake(advance(wanted.line_key), GUARD)

    async def step() -> Promotion:
        line = await app.line(wanted.line_key)
        planned = await plan(app, line, named)
        if planned.running is not None:
            return planned.running
        await check(app, line, planned)
        return await _carry_out(app, line, planned, wanted.reason, actor)

    return await while_it_changes(step)


async def plan_rollback(app: App, wanted: RollbackWanted) -> Plan:
    """What a rollback would do, whether it may or not; nothing is changed.

    Raises:
        InvalidError: Neither a record nor a line is named, or the reason is too long.
        NotFoundError: There is no such record or environment.
        RefusedError: The record is of another line, or none is named and there is none to go back to.
    """
    check_reason(wanted.reason)
    named = await find_earlier(app, wanted)
    return await plan(app, await app.line(wanted.line_key), named)


async def _carry_out(app: App, line: Line, planned: Plan, reason: str | None, actor: Actor) -> Promotion:
    earlier, importing, now = planned.earlier, planned.importing, app.clock.now()
    record = msgspec.structs.replace(
        earlier,
        version="",
        sequence=line.sequence + 1,
        kind=Kind.ROLLBACK,
        phase=Phase.PENDING,
        actor=actor,
        reason=reason,
        created_at=now,
        policy_hash=app.policy.hash,
        replaces=line.current.record if line.current else None,
        rollback_of=earlier.id,
        retry_of=None,
        override=None,
        decision=planned.decision,
        importing_at=None,
        only_forward=False,
        moves_current=False,
        attempt=None,
        look_at=None,
        may_finish_late=False,
        completed_at=None,
        failure=None,
    )
    vetoes = tuple(Veto(digest, record.id, now) for digest in planned.vetoes)
    hold = Hold(f"rolled back to {earlier.tag}{f': {reason}' if reason else ''}", actor, now)
    moved = line.with_rollback(importing.sequence if importing else None, hold, vetoes)
    await app.commit(Write(moved), Write(record), Write(drive(record)), *announced(app, record))
    tell(record)
    return record
