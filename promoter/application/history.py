"""Reading what was, what is under way, and what runs where. Every list is a range read."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from heapq import merge

from promoter.application.app import App
from promoter.application.documents import Candidate, LogEntry, Todo, TodoKind, row_key
from promoter.application.paging import Cursor, CursorError, Limit, Listing, Page, every, listed, prefix_of
from promoter.domain.image import Repository
from promoter.domain.line import Line
from promoter.domain.promotion import Promotion


class Query(Listing, frozen=True, forbid_unknown_fields=True):
    """Which promotions are asked for.

    Attributes:
        active: Only those that have not ended: all of them, whatever the limit.
    """

    limit: Limit = 20
    active: bool = False


type _Keyed = tuple[str, Promotion]
type _Read = Callable[[str, int], Awaitable[list[_Keyed]]]


async def history(app: App, query: Query) -> Page[Promotion]:
    """Promotions, the newest first; what is under way stands before what has ended.

    Raises:
        NotFoundError: The policy has no such environment.
        InvalidError: The cursor is none of ours.
    """
    environments = target_environments(app, query.environment)
    if query.active:
        if query.cursor is not None:
            raise CursorError  # what is under way is one page, which answers none
        return Page(await _active(app, environments, query.repository), None)
    of = f"history~{query.environment or ''}~{prefix_of(query.repository)}"
    after = Cursor.parse(query.cursor, of)
    if query.repository is not None:
        reads = {name: _records(app, name, query.repository) for name in environments}
        return await _merged(reads, after, of, query.limit, lambda record: record.created_at)
    first = [] if query.cursor else await _active(app, environments, None)
    reads = {name: _log(app, name) for name in environments}
    ended = await _merged(
        reads, after, of, query.limit, lambda record: record.completed_at or record.created_at
    )
    return Page([*first[: query.limit], *ended.items], ended.cursor)


async def lines(app: App, asked: Listing) -> Page[Line]:
    """What runs where: the lines, environment by environment.

    Raises:
        NotFoundError: The policy has no such environment.
        InvalidError: The cursor is none of ours.
    """
    return await listed(app, Line, target_environments(app, asked.environment), asked)


async def candidates(app: App, asked: Listing) -> Page[Candidate]:
    """What waits, and for what, environment by environment.

    Raises:
        NotFoundError: The policy has no such environment.
        InvalidError: The cursor is none of ours.
    """
    return await listed(app, Candidate, target_environments(app, asked.environment), asked)


def target_environments(app: App, environment: str | None) -> list[str]:
    """The environment of that name, or where there is none every one that a rule leads to.

    Raises:
        NotFoundError: The policy has no such environment.
    """
    if environment is not None:
        return [app.policy.environment(environment).name]
    return [each.name for each in app.policy.environments if app.policy.is_target(each.name)]


async def _active(app: App, environments: Sequence[str], repository: Repository | None) -> list[Promotion]:
    prefix = prefix_of(repository)
    todos = [todo for name in environments async for todo in every(app, Todo, name, prefix)]
    driven = [todo for todo in todos if todo.kind is TodoKind.DRIVE]
    found = await asyncio.gather(*(app.record(todo.line_key, todo.sequence) for todo in driven))
    active = [record for record in found if record is not None and not record.phase.is_terminal]
    return sorted(active, key=lambda record: record.created_at, reverse=True)


def _records(app: App, environment: str, repository: Repository) -> _Read:
    async def read(after: str, limit: int) -> list[_Keyed]:
        prefix = prefix_of(repository)
        rows = await app.promotions.page(Promotion, environment, prefix=prefix, after=after, limit=limit)
        return [(row_key(row), row) for row in rows]

    return read


def _log(app: App, environment: str) -> _Read:
    async def read(after: str, limit: int) -> list[_Keyed]:
        rows = await app.promotions.page(LogEntry, environment, after=after, limit=limit)
        return [(row_key(row), row.promotion) for row in rows]

    return read


async def _merged(
    reads: dict[str, _Read],
    after: Mapping[str, str],
    of: str,
    limit: int,
    order: Callable[[Promotion], datetime],
) -> Page[Promotion]:
    """The newest of several lists; each keeps its own order, whatever clocks it was written by."""
    pages = await asyncio.gather(*(read(after.get(name, ""), limit + 1) for name, read in reads.items()))
    lists = [[(name, key, row) for key, row in rows] for name, rows in zip(reads, pages, strict=True)]
    entries = list(merge(*lists, key=lambda entry: order(entry[2]), reverse=True))
    taken = entries[:limit]
    reached = Cursor({**after, **{name: key for name, key, _ in taken}})
    return Page([row for _, _, row in taken], reached.text(of) if len(entries) > limit else None)
