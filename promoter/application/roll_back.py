"""Rolling an environment back to an earlier record."""

import msgspec

from promoter.application.app import GUARD, App, while_it_changes
from promoter.application.documents import drive
from promoter.application.ports import Write
from promoter.application.promote import NotQualifiedError, check_reason
from promoter.application.publish import announced
from promoter.application.target import source_registry
from promoter.application.tell import tell
from promoter.application.work import advance
from promoter.domain.actor import Actor
from promoter.domain.condition import Kind
from promoter.domain.decision import evaluate_rollback
from promoter.domain.errors import NotFoundError
from promoter.domain.line import Hold, Line, Veto
from promoter.domain.policy import Policy
from promoter.domain.promotion import Phase, Promotion, RecordId


class RollbackWanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Which record to go back to, and why: the body of `POST /rollbacks`."""

    record: str
    reason: str


async def find_record(app: App, record_id: str) -> Promotion:
    """The record of that id.

    Raises:
        NotFoundError: There is none.
    """
    found = RecordId.parse(record_id)
    record = await app.record(found.line_key, found.sequence)
    if record is None:
        message = f"there is no promotion record {record_id!r}"
        raise NotFoundError(message)
    return record


async def roll_back(app: App, wanted: RollbackWanted, actor: Actor) -> Promotion:
    """Move an environment back to what an earlier record put there, and keep automation off it.

    The line is held and the current digest vetoed at once; what had not started is superseded, and the
    rollback itself runs when what is being imported has ended. Asked twice, it answers the same record.

    Raises:
        NotFoundError: There is no such record.
        NotQualifiedError: The record did not succeed, is current, or its image is nowhere any more.
    """
    check_reason(wanted.reason)
    earlier = await find_record(app, wanted.record)
    await app.scheduler.wake(advance(earlier.line_key), GUARD)
    return await while_it_changes(lambda: _roll_back(app, earlier, wanted.reason, actor))


async def _roll_back(app: App, earlier: Promotion, reason: str, actor: Actor) -> Promotion:
    line = await app.line(earlier.line_key)
    earlier = msgspec.structs.replace(earlier, terms=_terms_today(app, earlier))
    flying = await _on_the_line(app, line)
    for each in flying:
        if each.rollback_of == earlier.id and each.sequence >= line.barrier:
            return each
    elsewhere = len(line.queue) > len(flying) or any(each.digest != earlier.digest for each in flying)
    current = line.current is not None and line.current.digest == earlier.digest and not elsewhere
    decision = evaluate_rollback(
        earlier.id,
        succeeded=earlier.phase is Phase.SUCCEEDED,
        current=current,
        held_by=await _holder(app, earlier),
    )
    if not decision.qualified:
        raise NotQualifiedError(decision)
    importing = next((each for each in flying if each.phase is Phase.IMPORTING), None)
    now = app.clock.now()
    number = line.sequence + 1
    record = msgspec.structs.replace(
        earlier,
        version="",
        sequence=number,
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
        decision=decision,
        importing_at=None,
        only_forward=False,
        moves_current=False,
        attempt=None,
        look_at=None,
        may_finish_late=False,
        completed_at=None,
        failure=None,
    )
    bad = {each.digest for each in (line.current, importing) if each is not None} - {earlier.digest}
    vetoes = tuple(Veto(digest, record.id, now) for digest in sorted(bad))
    hold = Hold(f"rolled back to {earlier.tag}: {reason}", actor, now)
    moved = line.with_rollback(importing.sequence if importing else None, hold, vetoes)
    await app.commit(Write(moved), Write(record), Write(drive(record)), *announced(app, record))
    tell(record)
    return record


def _terms_today(app: App, earlier: Promotion) -> Policy:
    """The record's terms, with its environment as the policy has it today: registry and pointer."""
    today = {each.name: each for each in app.policy.environments}
    environments = tuple(
        today.get(each.name, each) if each.name == earlier.environment else each
        for each in earlier.terms.environments
    )
    return msgspec.structs.replace(earlier.terms, environments=environments)


async def _on_the_line(app: App, line: Line) -> list[Promotion]:
    """What is in flight or about to be, as far as a rollback has to know it."""
    found = []
    for number in line.queue[:3]:
        record = await app.record(line.line_key, number)
        if record is not None and not record.phase.is_terminal:
            found.append(record)
    return found


async def _holder(app: App, earlier: Promotion) -> str | None:
    """The environment whose registry still has the record's image: the target first."""
    target = earlier.terms.environment(earlier.environment)
    if await app.registry.digest(target.location, earlier.repository, earlier.digest) is not None:
        return target.name
    source = source_registry(earlier)
    if await app.registry.digest(source, earlier.repository, earlier.digest) is not None:
        return earlier.source
    return None
