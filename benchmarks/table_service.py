"""Table Storage as Azure has it: rows in the order of their keys; a query costs the rows it walks over.

Azurite keeps a partition's rows unordered and looks at each of them, so no growth can be measured there. This
service has what the app asks of Table Storage, over HTTP, to the same SDK: point reads, ranges of keys,
conditional writes and transactions. A range of keys walks over the rows that it answers and no others; what
is no range of keys is refused, so that nothing is measured that scans. Millions of rows are made up when
they are read.

The contract tests of the stores run against it too, so that it answers as Azurite does.
"""

import json
import re
from bisect import bisect_left, insort
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from http import HTTPStatus
from itertools import count
from typing import Any
from urllib.parse import unquote

from aiohttp import web

from benchmarks.counting import Counter, described
from promoter.adapters.settings import KeyedStorage, Secret

type Entity = dict[str, Any]
type Row = Entity | Callable[[str], Entity]
"""A row, or what makes it up from its key."""

ACCOUNT = "devstoreaccount1"
_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
_ADDRESS = re.compile(
    r"(?P<table>\w+)\(PartitionKey='(?P<partition>(?:[^']|'')*)',RowKey='(?P<row>(?:[^']|'')*)'\)"
)
_FILTER = re.compile(
    r"PartitionKey eq '(?P<partition>(?:[^']|'')*)'"
    r"(?: and RowKey (?P<lower>g[et]) '(?P<start>(?:[^']|'')*)' and RowKey lt '(?P<beyond>(?:[^']|'')*)')?"
)
_PART = re.compile(r"(?m)^(POST|PUT|PATCH|MERGE|DELETE) (\S+) HTTP/1\.1\r?\n")
_PAGE = 1000
_VERSION = "odata.etag"


class _FaultError(Exception):
    def __init__(self, status: HTTPStatus, code: str) -> None:
        super().__init__(code)
        self.status, self.code = status, code


class _Partition:
    """Rows by key, and the keys in order."""

    def __init__(self) -> None:
        self.keys: list[str] = []
        self.rows: dict[str, Row] = {}


class TableService:
    """The tables of one account.

    Attributes:
        counter: Every request; its rows are those that it walked over.
    """

    def __init__(self) -> None:
        self.counter = Counter()
        self._tables: dict[str, dict[str, _Partition]] = {}
        self._versions = count(1)

    def fill(self, table: str, partition: str, keys: Iterable[str], row: Callable[[str], Entity]) -> None:
        """Put in rows by their keys, in order; `row` makes one up from its key, when it is read."""
        found = self._tables.setdefault(table, {}).setdefault(partition, _Partition())
        found.rows |= dict.fromkeys(keys, row)
        found.keys = sorted(found.rows)

    async def answer(self, request: web.Request) -> web.Response:
        """Answer one request of the SDK, and count it."""
        body = await request.text()
        answer = self._answer(request, body)
        content = answer.body if isinstance(answer.body, bytes) else b""
        seen = described(request.method, request.raw_path, body.encode(), answer.status, content)
        self.counter.operations.append(seen)
        return answer

    def _answer(self, request: web.Request, body: str) -> web.Response:
        path = unquote(request.path)
        name = path.removeprefix(f"/{ACCOUNT}/")
        try:
            if name == "Tables":
                self._tables.setdefault(json.loads(body)["TableName"], {})
                return web.Response(status=HTTPStatus.NO_CONTENT)
            if name == "$batch":
                return self._transaction(body)
            if request.method == "GET" and not _ADDRESS.fullmatch(name):
                return self._range(name.removesuffix("()"), request)
            if request.method == "GET":
                return self._read(name)
            version, _ = self._write(request.method, name, request.headers.get("If-Match"), body)
        except _FaultError as fault:
            return web.json_response(
                _error(fault), status=fault.status, headers={"x-ms-error-code": fault.code}
            )
        return web.Response(status=HTTPStatus.NO_CONTENT, headers={"ETag": version} if version else {})

    def _read(self, name: str) -> web.Response:
        table, partition, key = _addressed(name)
        row = self._partition(table, partition).rows.get(key)
        if row is None:
            raise _FaultError(HTTPStatus.NOT_FOUND, "ResourceNotFound")
        return web.json_response(_shown(key, row))

    def _range(self, table: str, request: web.Request) -> web.Response:
        found = _FILTER.fullmatch(request.query["$filter"])
        if found is None:  # not by keys: the service would walk over everything
            raise _FaultError(HTTPStatus.BAD_REQUEST, "InvalidInput")
        rows = self._partition(table, _plain(found["partition"]))
        keys = rows.keys
        limit = min(int(request.query.get("$top", _PAGE)), _PAGE)
        first, last = 0, len(keys)
        if found["lower"]:
            start = _plain(found["start"]) + ("\0" if found["lower"] == "gt" else "")
            first, last = bisect_left(keys, start), bisect_left(keys, _plain(found["beyond"]))
        if follows := request.query.get("NextRowKey"):
            first = bisect_left(keys, follows)
        taken = keys[first : min(last, first + limit)]
        headers = {}
        if first + limit < last:
            headers["x-ms-continuation-NextPartitionKey"] = _plain(found["partition"])
            headers["x-ms-continuation-NextRowKey"] = keys[first + limit]
        return web.json_response({"value": [_shown(key, rows.rows[key]) for key in taken]}, headers=headers)

    def _transaction(self, body: str) -> web.Response:
        """All parts, or none (entity group transactions)."""
        starts = [*_PART.finditer(body)]
        ends = [each.start() for each in starts[1:]] + [len(body)]
        parts = [(each[1], each[2], body[each.end() : end]) for each, end in zip(starts, ends, strict=True)]
        undo: list[Callable[[], None]] = []
        answers: list[str] = []
        for number, (method, url, rest) in enumerate(parts):
            head, _, content = rest.partition("\r\n\r\n")
            headers = dict(re.findall(r"(?m)^([\w-]+): (.*?)\r?$", head))
            name = unquote(url).partition(f"/{ACCOUNT}/")[2]
            try:
                version, back = self._write(
                    method, name, headers.get("If-Match"), content[: content.rfind("}") + 1]
                )
            except _FaultError as fault:
                for each in reversed(undo):
                    each()
                text = json.dumps(_error(fault, f"{number}:"))
                line = f"HTTP/1.1 {fault.status.value} {fault.status.phrase}"
                return _multipart([f"{line}\r\nContent-Type: application/json\r\n\r\n{text}"])
            undo.append(back)
            etag = f"ETag: {version}\r\n" if version else ""
            answers.append(f"HTTP/1.1 204 No Content\r\n{etag}\r\n")
        return _multipart(answers)

    def _write(
        self, method: str, name: str, condition: str | None, body: str
    ) -> tuple[str, Callable[[], None]]:
        """Change one row; answers its version, and what undoes that."""
        entity: Entity = json.loads(body) if body else {}
        if method == "POST":
            table, partition, key = name, entity["PartitionKey"], entity["RowKey"]
        else:
            table, partition, key = _addressed(name)
        rows = self._partition(table, partition)
        stored = rows.rows.get(key)
        if method == "POST" and stored is not None:
            raise _FaultError(HTTPStatus.CONFLICT, "EntityAlreadyExists")
        if condition is not None:
            if stored is None:
                raise _FaultError(HTTPStatus.NOT_FOUND, "ResourceNotFound")
            if condition not in {"*", _shown(key, stored)[_VERSION]}:
                raise _FaultError(HTTPStatus.PRECONDITION_FAILED, "UpdateConditionNotSatisfied")
        if method == "DELETE":
            _remove(rows, key)
            version = ""
        else:
            version = f"W/\"datetime'{next(self._versions):020d}'\""
            _put(rows, key, {**entity, "PartitionKey": partition, "RowKey": key, _VERSION: version})
        return version, lambda: _remove(rows, key) if stored is None else _put(rows, key, stored)

    def _partition(self, table: str, partition: str) -> _Partition:
        if table not in self._tables:
            raise _FaultError(HTTPStatus.NOT_FOUND, "TableNotFound")
        return self._tables[table].setdefault(partition, _Partition())


@asynccontextmanager
async def serving(service: TableService) -> AsyncIterator[KeyedStorage]:
    """Serve it on a free port; how to reach it."""
    application = web.Application(client_max_size=8 * 1024 * 1024)
    application.router.add_route("*", "/{path:.*}", service.answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    [address] = runner.addresses
    url = f"http://127.0.0.1:{address[1]}/{ACCOUNT}"
    account = f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={_KEY};"
    try:
        yield KeyedStorage(Secret(f"{account}TableEndpoint={url};QueueEndpoint={url};"))
    finally:
        await runner.cleanup()


def _put(rows: _Partition, key: str, row: Row) -> None:
    if key not in rows.rows:
        insort(rows.keys, key)
    rows.rows[key] = row


def _remove(rows: _Partition, key: str) -> None:
    del rows.rows[key]
    del rows.keys[bisect_left(rows.keys, key)]


def _shown(key: str, row: Row) -> Entity:
    return {"RowKey": key, _VERSION: 'W/"0"', **row(key)} if callable(row) else row


def _addressed(name: str) -> tuple[str, str, str]:
    found = _ADDRESS.fullmatch(name)
    if found is None:
        raise _FaultError(HTTPStatus.BAD_REQUEST, "InvalidInput")
    return found["table"], _plain(found["partition"]), _plain(found["row"])


def _plain(text: str) -> str:
    return text.replace("''", "'")


def _error(fault: _FaultError, where: str = "") -> Entity:
    return {
        "odata.error": {"code": fault.code, "message": {"lang": "en-US", "value": f"{where}{fault.code}"}}
    }


def _multipart(parts: list[str]) -> web.Response:
    outer, inner = "batchresponse_1", "changesetresponse_1"
    lines = [f"--{outer}", f"Content-Type: multipart/mixed; boundary={inner}", ""]
    for part in parts:
        lines += [
            f"--{inner}",
            "Content-Type: application/http",
            "Content-Transfer-Encoding: binary",
            "",
            part,
        ]
    lines += [f"--{inner}--", f"--{outer}--", ""]
    content = "\r\n".join(lines).encode()
    headers = {"Content-Type": f"multipart/mixed; boundary={outer}"}
    return web.Response(status=HTTPStatus.ACCEPTED, body=content, headers=headers)
