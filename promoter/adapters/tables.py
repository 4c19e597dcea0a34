"""Evidence and promotions in Azure Table Storage.

A row is one entity. What it says is JSON text in the properties `body`, `body1`, ..., its version is the
entity's ETag, and its key tells its kind. Partitions and keys are DESIGN.md's, "Storage".
"""

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from typing import Any, NamedTuple

from azure.core import MatchConditions
from azure.core.exceptions import (
    AzureError,
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)
from azure.core.pipeline import PipelineResponse
from azure.data.tables import TableEntity, TableErrorCode, UpdateMode
from azure.data.tables.aio import TableClient

from promoter.adapters.faults import unavailable
from promoter.adapters.identity import Identity, transport
from promoter.adapters.settings import KeyedStorage, Storage
from promoter.application.documents import PREFIX, Row, replaced, row_key
from promoter.application.ports import Change, Delete, Put, Write
from promoter.domain.codec import decode, encode
from promoter.domain.document import Document
from promoter.domain.errors import ConcurrentChangeError, InvalidError, UnavailableError
from promoter.domain.evidence import Evidence, Fact
from promoter.domain.image import Image

_MAX_CHANGES = 100
_MAX_TEXT = 480_000  # an entity holds 1 MiB, and a character takes two bytes of it
_PIECE = 30_000  # a property holds 64 KiB
_MAX_KEY = 512
_NOT_IN_KEYS = re.compile(r"[\x00-\x1f\x7f-\x9f/\\#?]")
_CODE_IN_ANSWER = re.compile(r'"code"\s*:\s*"(\w+)"')
_PAGE = 1000
_TRIES = 25  # of each round of them one succeeds, so this many may write at once
_EVIDENCE = "image"
_ROLE = 'Promoter\'s identity needs the role "Storage Table Data Contributor" on the storage account'
_CONFLICTS = {
    TableErrorCode.ENTITY_ALREADY_EXISTS,
    TableErrorCode.RESOURCE_ALREADY_EXISTS,
    TableErrorCode.UPDATE_CONDITION_NOT_SATISFIED,
    TableErrorCode.CONDITION_NOT_MET,
    TableErrorCode.ENTITY_NOT_FOUND,
    TableErrorCode.RESOURCE_NOT_FOUND,
}

type Operation = tuple[str, dict[str, str], dict[str, Any]]


class Stored(NamedTuple):
    """An entity as it was read."""

    key: str
    version: str
    text: str


class Tables:
    """The app's two tables, over one pool of connections."""

    def __init__(self, storage: Storage, identity: Identity, suffix: str = "") -> None:
        """Name the tables; nothing is connected yet.

        Args:
            storage: The storage account.
            identity: Who asks, where the account is not opened by a key.
            suffix: Put behind the tables' names, so that several apps can share an account.
        """
        self._transport = transport()
        self.evidence = TableEvidenceStore(self._table(storage, identity, f"Evidence{suffix}"))
        self.promotions = TablePromotionStore(self._table(storage, identity, f"Promotions{suffix}"))

    async def aclose(self) -> None:
        """Close every connection."""
        await self._transport.close()

    def _table(self, storage: Storage, identity: Identity, name: str) -> "Table":
        # Whoever asked asks again, later: here only a connection that has gone stale is tried once more.
        options: dict[str, Any] = {
            "transport": self._transport,
            "retry_total": 1,
            "retry_status": 0,
            "retry_backoff_factor": 0.1,
        }
        if isinstance(storage, KeyedStorage):
            return Table(TableClient.from_connection_string(storage.connection.reveal(), name, **options))
        return Table(TableClient(storage.table_url, name, credential=identity.credential, **options))


class Table:
    """One table, made when it is first written to. It raises only the domain's errors."""

    def __init__(self, client: TableClient) -> None:
        self._client = client

    async def read(self, partition: str, key: str) -> Stored | None:
        """One entity."""
        async with self._faults("reading"):
            try:
                return _stored(await self._client.get_entity(partition, key))
            except ResourceNotFoundError:
                return None

    async def read_range(
        self, partition: str, start: str, beyond: str, limit: int, *, after: bool = False
    ) -> list[Stored]:
        """Entities from the key `start`, or from `after` it, to before `beyond`, in key order."""
        lower = "gt" if after else "ge"
        query = f"PartitionKey eq @partition and RowKey {lower} @start and RowKey lt @beyond"
        return await self._query(query, {"partition": partition, "start": start, "beyond": beyond}, limit)

    async def change(self, operations: Sequence[Operation]) -> list[str]:
        """Carry out all operations, or none; an entity's new version each, empty where there is none.

        Raises:
            ConcurrentChangeError: An entity was not as its operation presumes.
        """
        async with self._faults("writing to"):
            try:
                return await self._send(operations)
            except HttpResponseError as error:
                if _code(error) != TableErrorCode.TABLE_NOT_FOUND:
                    raise
            with suppress(ResourceExistsError):  # somebody else was faster
                await self._client.create_table()
            return await self._send(operations)

    async def _send(self, operations: Sequence[Operation]) -> list[str]:
        # Not tried again in here: a write that was carried out unseen would then look like another's. aiohttp
        # repeats a PUT or DELETE whose connection was cut all the same: see `TablePromotionStore.commit`.
        [(verb, entity, how), *more] = operations
        if more:
            results = await self._client.submit_transaction(operations, retry_total=0)
        elif verb == "delete":
            await self._delete(entity, how)
            results = [{}]
        elif verb == "create":
            results = [await self._client.create_entity(entity, retry_total=0, **how)]
        elif verb == "update":
            results = [await self._client.update_entity(entity, retry_total=0, **how)]
        else:
            results = [await self._client.upsert_entity(entity, retry_total=0, **how)]
        return [str(result.get("etag", "")) for result in results]

    async def _delete(self, entity: dict[str, str], how: dict[str, Any]) -> None:
        """Delete one entity: a transaction of one would take three times as long."""
        statuses: list[int] = []

        def keep(response: PipelineResponse[Any, Any]) -> None:
            statuses.append(response.http_response.status_code)

        await self._client.delete_entity(entity, retry_total=0, raw_response_hook=keep, **how)
        if statuses[-1] == HTTPStatus.NOT_FOUND:  # which the SDK takes for success
            message = f"a row of {self._client.table_name} has been deleted since it was read"
            raise ConcurrentChangeError(message)

    async def _query(self, query: str, parameters: dict[str, str], limit: int) -> list[Stored]:
        size = min(limit, _PAGE)
        found: list[Stored] = []
        async with self._faults("reading"):
            try:
                pages = self._client.query_entities(query, parameters=parameters, results_per_page=size)
                async for entity in pages:
                    found.append(_stored(entity))
                    if len(found) == limit:
                        break
            except ResourceNotFoundError:
                return []
        return found

    @asynccontextmanager
    async def _faults(self, doing: str) -> AsyncIterator[None]:
        try:
            yield
        except AzureError as error:
            if _is_conflict(error):
                message = f"a row of {self._client.table_name} has changed since it was read"
                raise ConcurrentChangeError(message) from error
            raise unavailable(error, f"{doing} the table {self._client.table_name}", _ROLE) from error


class TablePromotionStore:
    """Lines, records, candidates and todos; satisfies PromotionStore."""

    def __init__(self, table: Table) -> None:
        self._table = table

    async def get[R: Document](self, kind: type[R], environment: str, key: str) -> R | None:
        """One row, or None."""
        stored = await self._table.read(environment, f"{PREFIX[kind]}~{key}")
        return None if stored is None else _row(kind, stored)

    async def page[R: Document](
        self, kind: type[R], environment: str, prefix: str = "", after: str = "", limit: int = 100
    ) -> list[R]:
        """Rows of a kind whose keys start with `prefix` and come after the key `after`, in key order."""
        if limit <= 0:
            return []
        start, seen = f"{PREFIX[kind]}~{prefix}", f"{PREFIX[kind]}~{after}" if after else ""
        # The parts of a key are never empty and hold no ~: all keys that start so come before this one.
        beyond = f"{start}~~"
        found = await self._table.read_range(
            environment, max(start, seen), beyond, limit, after=seen >= start
        )
        return [_row(kind, stored) for stored in found]

    async def commit(self, changes: Sequence[Change]) -> list[str]:
        """Make changes to one environment's rows: all of them, or none."""
        _check(changes)
        try:
            return await self._table.change([_operation(change) for change in changes]) if changes else []
        except ConcurrentChangeError:
            version = await self._written_before(changes)
            if version is None:
                raise
            return [version]

    async def _written_before(self, changes: Sequence[Change]) -> str | None:
        """The version of a single row that is refused because it is there: this very write was repeated."""
        match changes:
            case [Write(row=row)] if row.version:
                stored = await self._table.read(row.environment, _key(row))
                return stored.version if stored and stored.text == _text(row) else None
            case _:
                return None


class TableEvidenceStore:
    """What is known of images; satisfies EvidenceStore."""

    def __init__(self, table: Table) -> None:
        self._table = table

    async def load(self, image: Image) -> Evidence:
        """All that is known of an image."""
        stored = await self._table.read(_partition(image), _EVIDENCE)
        return _row(Evidence, stored) if stored else Evidence(image)

    async def add(self, known: Evidence, fact: Fact) -> Evidence:
        """Merge a fact into what is known."""
        for _ in range(_TRIES):
            more = known.plus(fact)
            if known.version and more == known:
                return known
            try:
                [version] = await self._table.change([_evidence(more)])
                return replaced(more, version=version)
            except ConcurrentChangeError:
                known = await self.load(known.image)
        message = f"the evidence of {known.image} was changed by others {_TRIES} times in a row"
        raise UnavailableError(message)


def _evidence(evidence: Evidence) -> Operation:
    text = encode(replaced(evidence, version=""))
    entity = _entity(_partition(evidence.image), _EVIDENCE, text)
    return _replacement(entity, evidence.version) if evidence.version else ("create", entity, {})


def _partition(image: Image) -> str:
    return f"{image.repository.path}@{image.digest}"


def _check(changes: Sequence[Change]) -> None:
    if len(changes) > _MAX_CHANGES:
        message = f"{len(changes)} changes in one transaction; at most {_MAX_CHANGES}"
        raise ValueError(message)
    if len({change.row.environment for change in changes}) > 1:
        message = "a transaction is about one environment"
        raise ValueError(message)
    if len({(type(change.row), row_key(change.row)) for change in changes}) != len(changes):
        message = "a transaction changes each row once"
        raise ValueError(message)


def _operation(change: Change) -> Operation:
    row = change.row
    key = _key(row)
    match change:
        case Delete(row=Document(version="")):
            return ("delete", _entity(row.environment, key, ""), {})
        case Delete():
            return ("delete", _entity(row.environment, key, ""), _if_it_is(row.version))
        case Put():
            return ("upsert", _row_entity(row, key), {"mode": UpdateMode.REPLACE})
        case Write(row=Document(version="")):
            return ("create", _row_entity(row, key), {})
        case Write():
            return _replacement(_row_entity(row, key), row.version)


def _key(row: Row) -> str:
    return f"{PREFIX[type(row)]}~{row_key(row)}"


def _replacement(entity: dict[str, str], version: str) -> Operation:
    return ("update", entity, {"mode": UpdateMode.REPLACE, **_if_it_is(version)})


def _if_it_is(version: str) -> dict[str, Any]:
    return {"etag": version, "match_condition": MatchConditions.IfNotModified}


def _row_entity(row: Row, key: str) -> dict[str, str]:
    return _entity(row.environment, key, _text(row))


def _text(row: Row) -> str:
    return encode(replaced(row, version=""))


def _entity(partition: str, key: str, text: str) -> dict[str, str]:
    for each in (partition, key):
        if len(each) > _MAX_KEY or _NOT_IN_KEYS.search(each):
            message = f"{each[:80]!r} cannot be a key: at most {_MAX_KEY} characters, none of them / \\ # ?"
            raise InvalidError(message)
    if len(text) > _MAX_TEXT:
        message = f"{key} is too long to be stored: {len(text)} characters, at most {_MAX_TEXT}"
        raise InvalidError(message)
    # A character beyond the basic plane counts twice.
    size = _PIECE if text.isascii() else _PIECE // 2
    starts = range(0, len(text), size)
    bodies = {f"body{number or ''}": text[start : start + size] for number, start in enumerate(starts)}
    return {"PartitionKey": partition, "RowKey": key, **bodies}


def _stored(entity: TableEntity) -> Stored:
    pieces: list[str] = []
    while (name := f"body{len(pieces) or ''}") in entity:
        pieces.append(entity[name])
    return Stored(entity["RowKey"], str(entity.metadata["etag"]), "".join(pieces))


def _row[R: Document](kind: type[R], stored: Stored) -> R:
    return replaced(decode(stored.text, kind), version=stored.version)


def _code(error: AzureError) -> str:
    """The service's own code. The SDK has it for most operations; for an insertion only the answer has."""
    code = getattr(error, "error_code", None)
    if code:
        return str(getattr(code, "value", code))
    response = error.response if isinstance(error, HttpResponseError) else None
    found = _CODE_IN_ANSWER.search(response.text()) if response is not None else None
    return found[1] if found else ""


def _is_conflict(error: AzureError) -> bool:
    if _code(error) == TableErrorCode.TABLE_NOT_FOUND:
        return False
    conflicts = (ResourceExistsError, ResourceModifiedError, ResourceNotFoundError)
    return isinstance(error, conflicts) or _code(error) in _CONFLICTS
