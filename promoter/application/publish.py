"""Telling others of every change of phase: once at least, from a todo, so that none is lost."""

import contextlib
import logging
from collections.abc import AsyncIterator, Sequence

from promoter.application.app import App
from promoter.application.documents import Todo, TodoKind, announcement
from promoter.application.ports import Change, Delete, Write
from promoter.domain.errors import ConcurrentChangeError, UnavailableError
from promoter.domain.event import PhaseChanged
from promoter.domain.line import LineKey
from promoter.domain.promotion import Phase, Promotion

log = logging.getLogger("promoter")
_ORDER = list(Phase)


def announced(app: App, record: Promotion) -> list[Change]:
    """The changes that make sure that a promotion's new phase is told; none where nobody is to be told."""
    return [Write(announcement(record, app.clock.now()))] if app.publisher is not None else []


async def publish_all(app: App, key: LineKey) -> None:
    """Tell of what was not told yet of a repository's promotions; what cannot be told now waits.

    What was told is taken off together: who dies before tells it again, and so does who is not the only one.
    """
    if app.publisher is None:
        return
    todos = await app.promotions.page(Todo, key.environment, prefix=f"{key.repository.path}~")
    told = [todo async for todo in _told(app, [todo for todo in todos if todo.kind is TodoKind.ANNOUNCE])]
    with contextlib.suppress(ConcurrentChangeError):  # somebody else has told some of it too
        await app.commit(*(Delete(todo) for todo in told))


async def _told(app: App, todos: Sequence[Todo]) -> AsyncIterator[Todo]:
    """Tell of changes of phase in their order, until one cannot be told; those that were."""
    records: dict[tuple[str, int], Promotion | None] = {}
    for todo in sorted(todos, key=lambda todo: (todo.sequence, _ORDER.index(todo.phase or Phase.PENDING))):
        named = todo.track, todo.sequence
        if named not in records:
            records[named] = await app.record(todo.line_key, todo.sequence)
        if not await _tell(app, todo, records[named]):
            return
        yield todo


async def _tell(app: App, todo: Todo, record: Promotion | None) -> bool:
    """Tell of one change of phase. Whether it could be told."""
    if app.publisher is None or todo.phase is None:
        return False
    try:
        if record is not None:
            await app.publisher.publish(PhaseChanged.of(record, todo.phase))
    except UnavailableError as error:
        log.warning("%s: %s is not told yet: %s", todo.line_key, todo.phase, error)
        return False
    return True
