"""The stores in memory, with Table Storage's semantics: ETags, partitions, all-or-nothing transactions.

Rows are kept as text, so what does not survive the codec does not survive here either.
"""

import asyncio
from collections.abc import Sequence
from itertools import count
from typing import NamedTuple

from promoter.application.documents import PREFIX, Row, replaced, row_key
from promoter.application.ports import Change, Delete, Write
from promoter.domain.codec import decode, encode
from promoter.domain.document import Document
from promoter.domain.errors import ConcurrentChangeError, InvalidError
from promoter.domain.evidence import Evidence, Fact
from promoter.domain.image import Image

MAX_CHANGES = 100
MAX_CHARACTERS = 480_000


class MemoryEvidenceStore:
    """What is known of images, in memory."""

    def __init__(self) -> None:
        self._known: dict[Image, Evidence] = {}
        self._versions = count(1)

    async def load(self, image: Image) -> Evidence:
        """All that is known of an image."""
        await asyncio.sleep(0)
        return self._load(image)

    async def add(self, known: Evidence, fact: Fact) -> Evidence:
        """Merge a fact into what is known."""
        await asyncio.sleep(0)
        stored = self._load(known.image)
        more = stored.plus(fact)
        if not stored.version or more != stored:
            more = replaced(more, version=f'W/"{next(self._versions)}"')
            self._known[known.image] = _copied(more)
        return more

    def snapshot(self) -> dict[Image, str]:
        """Everything that is stored but its versions, to be compared."""
        return {image: encode(replaced(known, version="")) for image, known in self._known.items()}

    def _load(self, image: Image) -> Evidence:
        return self._known.get(image) or Evidence(image)


def _copied(evidence: Evidence) -> Evidence:
    return decode(encode(evidence), Evidence)


class _Stored(NamedTuple):
    version: str
    text: str


type _Partition = dict[str, _Stored]


class MemoryPromotionStore:
    """Lines, records, candidates and todos, in memory."""

    def __init__(self) -> None:
        self._partitions: dict[str, _Partition] = {}
        self._versions = count(1)

    async def get[R: Document](self, kind: type[R], environment: str, key: str) -> R | None:
        """One row, or None."""
        await asyncio.sleep(0)
        stored = self._partitions.get(environment, {}).get(f"{PREFIX[kind]}~{key}")
        return None if stored is None else _read(kind, stored)

    async def page[R: Document](
        self, kind: type[R], environment: str, prefix: str = "", after: str = "", limit: int = 100
    ) -> list[R]:
        """Rows of a kind, in key order."""
        await asyncio.sleep(0)
        start, beyond = f"{PREFIX[kind]}~{prefix}", f"{PREFIX[kind]}~{after}"
        found = sorted(
            (key, stored)
            for key, stored in self._partitions.get(environment, {}).items()
            if key.startswith(start) and (key > beyond or not after)
        )
        return [_read(kind, stored) for _, stored in found[:limit]]

    async def commit(self, changes: Sequence[Change]) -> list[str]:
        """Make changes to one environment's rows: all of them, or none."""
        await asyncio.sleep(0)
        _check(changes)
        return self._apply(changes) if changes else []

    def snapshot(self) -> dict[tuple[str, str], str]:
        """Everything that is stored but its versions, to be compared."""
        return {
            (environment, key): stored.text
            for environment, rows in self._partitions.items()
            for key, stored in rows.items()
        }

    def rows[R: Document](self, kind: type[R], environment: str | None = None) -> list[R]:
        """All rows of a kind, of one environment or of all, in key order."""
        return [
            _read(kind, stored)
            for name, rows in sorted(self._partitions.items())
            for key, stored in sorted(rows.items())
            if environment in {None, name} and key.startswith(f"{PREFIX[kind]}~")
        ]

    def _apply(self, changes: Sequence[Change]) -> list[str]:
        environment = changes[0].row.environment
        rows = dict(self._partitions.get(environment, {}))
        versions = [self._change(rows, change) for change in changes]
        self._partitions[environment] = rows
        return versions

    def _change(self, rows: _Partition, change: Change) -> str:
        key, row = _key(change.row), change.row
        stored = rows.get(key)
        conditional = isinstance(change, Write) or (isinstance(change, Delete) and row.version)
        if conditional and row.version != (stored.version if stored else ""):
            message = f"{row.environment}/{key} has changed since it was read"
            raise ConcurrentChangeError(message)
        if isinstance(change, Delete):
            if stored is None:
                message = f"{row.environment}/{key} is not there to be deleted"
                raise ConcurrentChangeError(message)
            del rows[key]
            return ""
        version = f'W/"{next(self._versions)}"'
        rows[key] = _Stored(version, encode(replaced(row, version="")))
        return version


def _key(row: Row) -> str:
    return f"{PREFIX[type(row)]}~{row_key(row)}"


def _read[R: Document](kind: type[R], stored: _Stored) -> R:
    return replaced(decode(stored.text, kind), version=stored.version)


def _check(changes: Sequence[Change]) -> None:
    if len(changes) > MAX_CHANGES:
        message = f"{len(changes)} changes in one transaction; at most {MAX_CHANGES}"
        raise ValueError(message)
    if len({change.row.environment for change in changes}) > 1:
        message = "a transaction is about one environment"
        raise ValueError(message)
    if len({_key(change.row) for change in changes}) != len(changes):
        message = "a transaction changes each row once"
        raise ValueError(message)
    for change in changes:
        if set(_key(change.row)) & set("/\\#?"):
            message = f"{_key(change.row)!r} cannot be a key"
            raise InvalidError(message)
        if len(encode(change.row)) > MAX_CHARACTERS:
            message = f"{_key(change.row)} is too long to be stored: at most {MAX_CHARACTERS} characters"
            raise InvalidError(message)
