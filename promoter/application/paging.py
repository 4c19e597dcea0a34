"""Lists by pages, and ranges of rows read to their end."""

import base64
import contextlib
import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Annotated, cast

import msgspec
from msgspec import Meta

from promoter.application.app import App
from promoter.application.documents import Row, row_key
from promoter.domain.codec import decode, encode
from promoter.domain.document import Document
from promoter.domain.errors import InvalidError
from promoter.domain.image import Repository

MAX_PAGE = 100
_SEAL = 8

type Limit = Annotated[int, Meta(ge=1, le=MAX_PAGE)]


class Page[T](msgspec.Struct, frozen=True):
    """A part of a list, and where the next part starts; no cursor at the end."""

    items: list[T]
    cursor: str | None


class Listing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which part of a list is asked for.

    Attributes:
        environment: Only what is in that environment.
        repository: Only what is of that repository.
        limit: At most that many, from 1 to 100.
        cursor: Where the page before this one ended: what it answered as `cursor`.
    """

    environment: str | None = None
    repository: Repository | None = None
    limit: Limit = MAX_PAGE
    cursor: str | None = None


class CursorError(InvalidError):
    """A cursor that no page of this list has answered."""

    def __init__(self) -> None:
        message = "this cursor is none that a page of this list has answered; leave it out to start anew"
        super().__init__(message, "cursor")


class Cursor(msgspec.Struct, frozen=True):
    """How far a list was read: behind these keys, by environment.

    It is handed out sealed: with a checksum of itself and of what the list is of. One that was cut, made up
    or taken from another list is told. It is no secret and no right: a list gives each reader the same.
    """

    after: dict[str, str]

    @classmethod
    def parse(cls, text: str | None, of: str) -> Mapping[str, str]:
        """How far a list was read; nothing yet, where there is no cursor.

        Args:
            text: A cursor as it was handed out.
            of: What the list is of.

        Raises:
            InvalidError: The cursor is none that a page of the same list has answered.
        """
        if text is None:
            return {}
        with contextlib.suppress(InvalidError, ValueError):
            raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
            body = raw[_SEAL:]
            if cls._text(body, of) == text:
                return decode(body, cls).after
        raise CursorError

    def text(self, of: str) -> str:
        """The cursor as it is handed out."""
        return self._text(encode(self).encode(), of)

    @staticmethod
    def _text(body: bytes, of: str) -> str:
        return base64.urlsafe_b64encode(_seal(body, of) + body).decode().rstrip("=")


async def listed[R: Document](
    app: App, kind: type[R], environments: Sequence[str], asked: Listing
) -> Page[R]:
    """Rows of a kind, environment by environment, in key order: what is added meanwhile shifts nothing.

    Raises:
        InvalidError: The cursor is none of this list.
    """
    prefix = prefix_of(asked.repository)
    of = f"{kind.__name__}~{asked.environment or ''}~{prefix}"
    after = Cursor.parse(asked.cursor, of)
    if not after.keys() <= set(environments):
        raise CursorError  # its environment has left the policy meanwhile
    start = max((environments.index(name) for name in after), default=0)
    found: list[tuple[str, R]] = []
    for name in environments[start:]:
        wanted = asked.limit + 1 - len(found)
        rows = await app.promotions.page(kind, name, prefix, after.get(name, ""), wanted)
        found += [(name, row) for row in rows]
        if len(found) > asked.limit:
            break
    taken = found[: asked.limit]
    cursor = None
    if len(found) > asked.limit:
        name, row = taken[-1]
        cursor = Cursor({name: row_key(cast("Row", row))}).text(of)
    return Page([row for _, row in taken], cursor)


async def every[R: Document](
    app: App, kind: type[R], environment: str, prefix: str = "", after: str = "", first: int = MAX_PAGE
) -> AsyncIterator[R]:
    """Every row of a kind in an environment whose key starts with `prefix`, in key order after a key.

    Args:
        app: The application.
        kind: What the rows are.
        environment: Whose rows.
        prefix: What their keys start with.
        after: Behind which key they are.
        first: How many are read at first, where few are expected to be asked for; then twice as many.
    """
    size = first
    while True:
        page = await app.promotions.page(kind, environment, prefix=prefix, after=after, limit=size)
        for row in page:
            yield row
        if len(page) < size:
            return
        after = row_key(cast("Row", page[-1]))
        size = min(2 * size, MAX_PAGE)


def prefix_of(repository: Repository | None) -> str:
    """What the keys of a repository's rows start with; of all rows, where none is named."""
    return f"{repository.path}~" if repository else ""


def _seal(body: bytes, of: str) -> bytes:
    return hashlib.sha256(body + of.encode()).digest()[:_SEAL]
