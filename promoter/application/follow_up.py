"""What follows the end of a promotion; each part can be repeated, and the todo goes only when all is done."""

import contextlib
import logging
from datetime import timedelta

from promoter.application.app import App
from promoter.application.consider import consider, judge
from promoter.application.documents import Claim, Todo, TodoKind, claim_row
from promoter.application.documents import follow_up as todo_of
from promoter.application.flight import RECHECK
from promoter.application.hold import waiting_on
from promoter.application.ports import Delete, Import
from promoter.application.work import Consider, Work, advance
from promoter.domain.condition import Kind
from promoter.domain.errors import ConcurrentChangeError, PromoterError, UnavailableError
from promoter.domain.evidence import Arrival, Evidence
from promoter.domain.line import Line, LineKey
from promoter.domain.promotion import Phase, Promotion

log = logging.getLogger("promoter")

LATEST = timedelta(days=1)


async def follow_up(app: App, todo: Todo) -> list[Work]:
    """Do what a promotion's end calls for.

    Returns:
        The lines to be woken.
    """
    record = await app.record(todo.line_key, todo.sequence)
    if record is not None:
        return await follow(app, record)
    await app.commit(Delete(todo))
    return []


async def follow(app: App, record: Promotion, known: Evidence | None = None) -> list[Work]:
    """Do what the end of a promotion calls for, and take it off what is left to do.

    Args:
        app: The application.
        record: The promotion as it has ended.
        known: The image's evidence, where it was read before.

    Returns:
        The lines to be woken.
    """
    wake = await _follow(app, record, known)
    try:
        with contextlib.suppress(ConcurrentChangeError):  # somebody else has done it, and removed it
            await app.commit(Delete(todo_of(record)))
    except UnavailableError as error:  # what is to be woken must not be lost for it
        log.warning("%s: the follow-up of %s is done again: %s", record.line_key, record.id, error)
        await app.scheduler.wake(advance(record.line_key, leftovers=True), RECHECK)
    return wake


async def follow_up_all(app: App, key: LineKey) -> list[Work]:
    """Do all that is left of a repository's ended promotions; what cannot be done now is left again.

    Returns:
        The lines to be woken.
    """
    todos = await app.promotions.page(Todo, key.environment, prefix=f"{key.repository.path}~")
    wake: list[Work] = []
    for todo in todos:
        try:
            wake += await _leftover(app, todo)
        except PromoterError as error:
            log.warning("%s: %s is left for the next time: %s", todo.line_key, todo.kind, error)
    return wake


async def _leftover(app: App, todo: Todo) -> list[Work]:
    match todo.kind:
        case TodoKind.FOLLOW_UP:
            return await follow_up(app, todo)
        case TodoKind.RECHECK if todo.due <= app.clock.now():
            await look_again(app, todo)
        case TodoKind.ANNOUNCE if app.publisher is None:  # nobody is to be told any more
            await app.commit(Delete(todo))
        case _:
            pass
    return []


async def _follow(app: App, record: Promotion, known: Evidence | None) -> list[Work]:
    match record.phase:
        case Phase.SUCCEEDED if record.kind in {Kind.AUTOMATIC, Kind.MANUAL}:
            return await _arrived(app, record, known or await app.evidence.load(record.image))
        case _ if record.kind is Kind.ROLLBACK:
            return await _judge_again(app, record)
        case Phase.SUPERSEDED:
            ends = (record.source, record.environment)  # the rule may have another name by now
            return await consider(app, record.image, lambda rule: (rule.source, rule.target) == ends)
        case Phase.FAILED:
            return await _schedule_retry(app, record)
        case _:
            return []


async def _arrived(app: App, record: Promotion, known: Evidence) -> list[Work]:
    """Promoter's own completion is the only arrival there is in a target environment."""
    at = record.completed_at or record.created_at
    arrival = Arrival(record.environment, record.tag, first_at=at, last_at=at, pushed_at=record.pushed_at)
    is_new = known.arrival(arrival.environment, arrival.tag) is None
    evidence = await app.evidence.add(known, arrival)
    if record.override is not None:  # it may have ended a veto, and under other tags the image waits for that
        return await judge(app, evidence)
    arrived = arrival if is_new else None
    return await judge(app, evidence, lambda rule: rule.source == record.environment, arrived)


async def _judge_again(app: App, record: Promotion) -> list[Work]:
    """A rollback holds its line and vetoes images, and ends a veto: whatever waits is judged with that.

    It is woken before the follow-up is taken off what is left to do, for no row says that it is to be judged.
    """
    line = await app.line(record.line_key)
    vetoed = [veto.digest for veto in line.vetoes if veto.record == record.id]
    images = (Consider(record.repository, digest) for digest in (*vetoed, record.digest))
    for work in dict.fromkeys([*await waiting_on(app, record.line_key), *images]):
        await app.scheduler.wake(work, timedelta(0))
    return []


async def _schedule_retry(app: App, record: Promotion) -> list[Work]:
    if record.source is None:
        return []
    key = claim_row(record.repository, record.source, record.tag)
    claim = await app.promotions.get(Claim, record.environment, key)
    if claim is not None and claim.waits and claim.digest == record.digest and claim.retry_at is not None:
        wait = claim.retry_at - app.clock.now()
        await app.scheduler.wake(Consider(record.repository, record.digest), wait)
    return []


async def look_again(app: App, todo: Todo) -> None:
    """An import that was given up may have moved the pointer since: set it right, and look again until it is.

    A moving tag is looked after the same way, as long as it is the current image's. What was rolled back is
    not brought back: there the rollback itself is on its way, or was given up.
    """
    line = await app.line(todo.line_key)
    record = await app.record(todo.line_key, todo.sequence)
    wrong = await _wrong_tags(app, line, record) if record and line.current and not line.queue else []
    given_up = app.clock.now() > todo.due + LATEST
    for request in () if given_up else wrong:
        await app.registry.submit(request)
    if given_up or (not wrong and not line.queue):
        with contextlib.suppress(ConcurrentChangeError):
            await app.commit(Delete(todo))


async def _wrong_tags(app: App, line: Line, record: Promotion) -> list[Import]:
    target = record.terms.environment(record.environment)
    current = line.current
    if current is None or line.vetoed(current.digest):
        return []
    tags = [record.pointer] if target.immutable_tags else [record.pointer, current.tag]
    found = [(tag, await app.registry.digest(target.registry, line.repository, tag)) for tag in tags]
    return [
        Import(target.registry, line.repository, current.digest, target.registry, tag, force=True)
        for tag, digest in found
        if digest != current.digest
    ]
