"""Requests to storage, told apart."""

import pytest

from benchmarks.counting import Counter, Operation, described

ACCOUNT = "/devstoreaccount1"
ROW = f"{ACCOUNT}/Promotions(PartitionKey='staging',RowKey='record~shop%3Aweb~1')"
BATCH = (
    b"--batch\r\n\r\nPUT http://h/a/Promotions(PartitionKey='s',RowKey='line~a~main') HTTP/1.1\r\n"
    b'If-Match: x\r\n\r\n{"RowKey": "line~a~main"}\r\n'
    b'POST http://host/devstoreaccount1/Promotions HTTP/1.1\r\n\r\n{"RowKey": "record~a~1"}\r\n'
    b"DELETE http://h/a/Promotions(PartitionKey='s',RowKey='todo~a~1~drive') HTTP/1.1\r\n\r\n"
)


@pytest.mark.parametrize(
    ("method", "target", "body", "name", "rows"),
    [
        ("GET", ROW, b"", "read Promotions record", 1),
        ("PUT", ROW, b"{}", "update Promotions record", 1),
        ("PATCH", ROW, b"{}", "merge Promotions record", 1),
        ("DELETE", ROW, b"", "delete Promotions record", 1),
        ("POST", f"{ACCOUNT}/Evidence", b'{"RowKey": "image"}', "create Evidence image", 1),
        ("POST", f"{ACCOUNT}/Tables", b'{"TableName": "Evidence"}', "create Tables", 1),
        (
            "POST",
            f"{ACCOUNT}/$batch",
            BATCH,
            "transaction Promotions: update line, create record, delete todo",
            3,
        ),
        ("POST", f"{ACCOUNT}/promoter-work/messages?x=1", b"<xml/>", "put promoter-work", 1),
        ("DELETE", f"{ACCOUNT}/promoter-work/messages/1?popreceipt=2", b"", "remove promoter-work", 1),
        ("PUT", f"{ACCOUNT}/promoter-work/messages/1?popreceipt=2", b"", "renew promoter-work", 1),
    ],
)
def test_a_request_is_told_by_what_it_does(
    method: str, target: str, body: bytes, name: str, rows: int
) -> None:
    found = described(method, target, body, 200, b"")
    assert (found.name, found.rows) == (name, rows)


def test_a_range_is_told_by_its_start_and_what_it_answers() -> None:
    query = (
        "$filter=PartitionKey%20eq%20's'%20and%20RowKey%20ge%20'line~a~'%20and%20RowKey%20lt%20'line~a~~~'"
    )
    found = described("GET", f"{ACCOUNT}/Promotions()?{query}", b"", 200, b'[{"RowKey":"1"},{"RowKey":"2"}]')
    assert (found.name, found.rows, found.is_read) == ("query Promotions line", 2, True)


def test_a_transaction_that_was_refused_says_so() -> None:
    found = described("POST", f"{ACCOUNT}/$batch", BATCH, 202, b"HTTP/1.1 412 Precondition Failed")
    assert found.status == 409


def test_a_row_that_is_not_there_is_none() -> None:
    assert described("GET", ROW, b"", 404, b"").rows == 0


def test_polls_that_find_nothing_are_not_counted() -> None:
    counter = Counter()
    url = f"{ACCOUNT}/promoter-work/messages?numofmessages=16"
    for content in (b"<QueueMessagesList/>", b"<MessageId>1</MessageId><MessageId>2</MessageId>"):
        counter.operations.append(described("GET", url, b"", 200, content))
    assert counter.take() == [Operation("receive promoter-work", 200, 2)]
    assert counter.take() == []


@pytest.mark.parametrize(
    ("name", "read", "write", "host"),
    [
        ("read Evidence image", True, False, False),
        ("query Promotions line", True, False, False),
        ("transaction Promotions: create line", False, True, False),
        ("update Promotions record", False, True, False),
        ("put promoter-work", False, False, False),
        ("receive promoter-work", False, False, True),
        ("remove promoter-work", False, False, True),
        ("renew promoter-work", False, False, True),
    ],
)
def test_what_reads_what_writes_and_what_the_host_does(
    name: str, *, read: bool, write: bool, host: bool
) -> None:
    found = Operation(name, 200, 1)
    assert (found.is_read, found.is_write, found.is_host) == (read, write, host)
