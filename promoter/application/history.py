"""Reading what was, what is under way, and what runs where. Every list is a range read."""

import asyncio
import base64
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from heapq import merge
from typing import Self

import msgspec

from promoter.application.app import App
from promoter.application.documents import LogEntry, Todo, TodoKind, row_key
from promoter.application.paging import every
from promoter.domain.codec import decode, encode
from promoter.domain.errors import InvalidError
from promoter.domain.image import Repository
from promoter.domain.line import Line
from promoter.domain.promotion import Promotion

MAX_PAGE = 100


class Page[T](msgspec.Struct, frozen=True):
    """A part of a list, and where the next part starts; no cursor at the end."""

    items: list[T]
    cursor: str | None


class Query(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which promotions are asked for.

    Attributes:
        active: Only those that have not ended.
        limit: At most that many, from 1 to 100.
        cursor: Where the page before this one ended.
    """

    environment: str | None = None
    repository: Repository | None = None
    active: bool = False
    limit: int = 20
    cursor: str | None = None


type _Keyed = tuple[str, Promotion]
type _Read = Callable[[str, int], Awaitable[list[_Keyed]]]


async def history(app: App, query: Query) -> Page[Promotion]:
    """Promotions, the newest first; what is under way stands before what has ended.

    Raises:
        NotFoundError: The policy has no such environment.
        InvalidError: The limit is out of bounds, or the cursor is none of ours.
    """
    if not 1 <= query.limit <= MAX_PAGE:
        message = f"limit is from 1 to {MAX_PAGE}"
        raise InvalidError(message, "limit")
    environments = target_environments(app, query.environment)
    if query.active:
        return Page(await _active(app, environments, query.repository), None)
    cursor = _Cursor.of_query(query)
    if query.repository is not None:
        reads = {name: _records(app, name, query.repository) for name in environments}
        return await _merged(reads, cursor, query.limit, lambda record: record.created_at)
    first = [] if query.cursor else await _active(app, environments, None)
    reads = {name: _log(app, name) for name in environments}
    page = await _merged(reads, cursor, query.limit, lambda record: record.completed_at or record.created_at)
    return Page([*first[: query.limit], *page.items], page.cursor)


async def lines(app: App) -> list[Line]:
    """What runs where: every line of every environment."""
    return [line for name in target_environments(app, None) async for line in every(app, Line, name)]


def target_environments(app: App, environment: str | None) -> list[str]:
    """The environment of that name, or where there is none every one that a rule leads to.

    Raises:
        NotFoundError: The policy has no such environment.
    """
    if environment is not None:
        return [app.policy.environment(environment).name]
    return [each.name for each in app.policy.environments if app.policy.is_target(each.name)]


async def _active(app: App, environments: Sequence[str], repository: Repository | None) -> list[Promotion]:
    prefix = f"{repository.path}~" if repository else ""
    todos = [todo for name in environments async for todo in every(app, Todo, name, prefix)]
    driven = [todo for todo in todos if todo.kind is TodoKind.DRIVE]
    found = await asyncio.gather(*(app.record(todo.line_key, todo.sequence) for todo in driven))
    active = [record for record in found if record is not None and not record.phase.is_terminal]
    return sorted(active, key=lambda record: record.created_at, reverse=True)


def _records(app: App, environment: str, repository: Repository) -> _Read:
    async def read(after: str, limit: int) -> list[_Keyed]:
        prefix = f"{repository.path}~"
        rows = await app.promotions.page(Promotion, environment, prefix=prefix, after=after, limit=limit)
        return [(row_key(row), row) for row in rows]

    return read


def _log(app: App, environment: str) -> _Read:
    async def read(after: str, limit: int) -> list[_Keyed]:
        rows = await app.promotions.page(LogEntry, environment, after=after, limit=limit)
        return [(row_key(row), row.promotion) for row in rows]

    return read


async def _merged(
    reads: dict[str, _Read], cursor: "_Cursor", limit: int, order: Callable[[Promotion], datetime]
) -> Page[Promotion]:
    """The newest of several lists; each keeps its own order, whatever clocks it was written by."""
    after = cursor.after
    pages = await asyncio.gather(*(read(after.get(name, ""), limit + 1) for name, read in reads.items()))
    lists = [[(name, key, row) for key, row in rows] for name, rows in zip(reads, pages, strict=True)]
    entries = list(merge(*lists, key=lambda entry: order(entry[2]), reverse=True))
    taken = entries[:limit]
    reached = _Cursor(cursor.of, after | {name: key for name, key, _ in taken})
    return Page([row for _, _, row in taken], reached.text if len(entries) > limit else None)


class _Cursor(msgspec.Struct, frozen=True):
    """How far each of several lists was read.

    Attributes:
        of: What the lists are of: a cursor is good for no others.
        after: The last key that was told, by environment.
    """

    of: str
    after: dict[str, str]

    @classmethod
    def of_query(cls, query: Query) -> Self:
        """Where a query starts.

        Raises:
            InvalidError: Its cursor is none that a page of the same list has answered.
        """
        of = f"{query.environment or ''}~{query.repository or ''}"
        if query.cursor is None:
            return cls(of, {})
        with contextlib.suppress(InvalidError, ValueError):
            padded = query.cursor + "=" * (-len(query.cursor) % 4)
            found = decode(base64.b64decode(padded, altchars=b"-_", validate=True), cls)
            if found.of == of:
                return found
        message = "this cursor is none that a page of this list has answered"
        raise InvalidError(message, "cursor")

    @property
    def text(self) -> str:
        """The cursor as it is handed out."""
        return base64.urlsafe_b64encode(encode(self).encode()).decode().rstrip("=")
