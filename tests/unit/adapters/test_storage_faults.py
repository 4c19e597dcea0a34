"""What Storage answers when it does not do what it is asked to."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

import pytest

from promoter.adapters.identity import Identity
from promoter.adapters.queue import QueueScheduler
from promoter.adapters.settings import KeyedStorage, Secret
from promoter.adapters.tables import Tables
from promoter.application.documents import KnownEnvironment
from promoter.application.ports import Change, Delete, Put, Write
from promoter.application.work import Consider
from promoter.domain.errors import ConcurrentChangeError, UnavailableError
from promoter.domain.evidence import Evidence, GateResult, Verdict
from promoter.domain.image import Digest, Image, Repository
from tests.contract.rows import AT
from tests.unit.adapters.scripted import Answer, ScriptedServer

NOBODY = Identity(None, managed=False)
IMAGE = Image(Repository("shop/web"), Digest(f"sha256:{1:064x}"))
GATE = GateResult("dev", "unit-tests", Verdict.PASSED, AT)
ROWS = [Write(KnownEnvironment(name=name)) for name in ("a", "b")]
MISSING = Answer(404, {"odata.error": {"code": "ResourceNotFound", "message": {"value": "none"}}})
NO_TABLE = Answer(404, {"odata.error": {"code": "TableNotFound", "message": {"value": "none"}}})
COMMITS: dict[str, list[Change]] = {
    "one new": [ROWS[0]],
    "one known": [Write(KnownEnvironment(name="a", version='W/"1"'))],
    "one whatever is there": [Put(KnownEnvironment(name="a"))],
    "one deletion": [Delete(KnownEnvironment(name="a"))],
    "two": [*ROWS],
}

type Call = Callable[[Tables, QueueScheduler], Awaitable[object]]
READS: dict[str, Call] = {
    "get": lambda tables, _: tables.promotions.get(KnownEnvironment, "~environments", "a"),
    "page": lambda tables, _: tables.promotions.page(KnownEnvironment, "~environments"),
    "load": lambda tables, _: tables.evidence.load(IMAGE),
}
WRITES: dict[str, Call] = {
    "commit of one": lambda tables, _: tables.promotions.commit(ROWS[:1]),
    "commit of two": lambda tables, _: tables.promotions.commit(ROWS),
    "wake": lambda _, queue: queue.wake(Consider(IMAGE.repository, IMAGE.digest), timedelta(0)),
}


def connection(url: str) -> KeyedStorage:
    return KeyedStorage(
        Secret(
            "DefaultEndpointsProtocol=http;AccountName=acct;AccountKey=c2VjcmV0LWtleQ==;"
            f"QueueEndpoint={url}/acct;TableEndpoint={url}/acct;"
        )
    )


@pytest.fixture
async def account() -> AsyncIterator[ScriptedServer]:
    async with ScriptedServer() as server:
        yield server


@pytest.fixture
async def tables(account: ScriptedServer) -> AsyncIterator[Tables]:
    tables = Tables(connection(account.url), NOBODY)
    yield tables
    await tables.aclose()


@pytest.fixture
async def queue(account: ScriptedServer) -> AsyncIterator[QueueScheduler]:
    queue = QueueScheduler(connection(account.url), NOBODY)
    yield queue
    await queue.aclose()


@pytest.mark.parametrize("call", [*READS.values(), *WRITES.values()], ids=[*READS, *WRITES])
async def test_a_busy_account_says_when_to_come_back(
    account: ScriptedServer, tables: Tables, queue: QueueScheduler, call: Call
) -> None:
    account.answers = [Answer(503, None, {"Retry-After": "21", "x-ms-error-code": "ServerBusy"})] * 2

    with pytest.raises(UnavailableError, match="503 ServerBusy") as raised:
        await call(tables, queue)

    assert raised.value.retry_after == timedelta(seconds=21)
    assert "role" not in str(raised.value)
    assert len(account.asked) == (2 if call is WRITES["wake"] else 1)


@pytest.mark.parametrize("call", [*READS.values(), *WRITES.values()], ids=[*READS, *WRITES])
async def test_an_account_that_lets_nobody_in_names_the_role_and_no_key(
    account: ScriptedServer, tables: Tables, queue: QueueScheduler, call: Call
) -> None:
    account.answers = [Answer(403, None, {"x-ms-error-code": "AuthorizationPermissionMismatch"})]

    with pytest.raises(UnavailableError, match=r'403 Auth.*"Storage (Table|Queue) Data Contrib') as raised:
        await call(tables, queue)

    assert "c2VjcmV0" not in str(raised.value)


@pytest.mark.parametrize("call", [*READS.values(), *WRITES.values()], ids=[*READS, *WRITES])
async def test_an_account_that_is_down_is_unavailable(call: Call) -> None:
    async with ScriptedServer() as gone:
        storage = connection(gone.url)
    tables, queue = Tables(storage, NOBODY), QueueScheduler(storage, NOBODY)

    with pytest.raises(UnavailableError, match="failed") as raised:
        await call(tables, queue)

    assert "c2VjcmV0" not in str(raised.value)
    await tables.aclose()
    await queue.aclose()


@pytest.mark.parametrize("changes", COMMITS.values(), ids=COMMITS)
async def test_a_write_to_a_table_that_failed_is_not_repeated(
    account: ScriptedServer, tables: Tables, changes: list[Change]
) -> None:
    account.answers = [Answer(500)]

    with pytest.raises(UnavailableError):
        await tables.promotions.commit(changes)

    assert len(account.asked) == 1


@pytest.mark.parametrize(
    ("kind", "tries"),
    [
        ("one new", 1),
        ("two", 1),
        ("one known", 2),  # a PUT, which aiohttp repeats whatever it is told
        ("one whatever is there", 2),
        ("one deletion", 2),  # the same
    ],
)
async def test_a_write_to_a_table_whose_connection_was_cut_is_not_repeated_by_the_sdk(
    account: ScriptedServer, tables: Tables, kind: str, tries: int
) -> None:
    account.answers = [Answer(hang_up=True)] * 4

    with pytest.raises(UnavailableError):
        await tables.promotions.commit(COMMITS[kind])

    assert len(account.asked) == tries


def _stored(text: str) -> Answer:
    keys = {"PartitionKey": "~environments", "RowKey": "environment~a"}
    return Answer(200, {**keys, "body": text, "odata.etag": 'W/"2"'}, {"ETag": 'W/"2"'})


CHANGED = Answer(
    412, {"odata.error": {"code": "UpdateConditionNotSatisfied", "message": {"value": "changed"}}}
)


async def test_a_write_that_was_carried_out_before_its_connection_was_cut_is_known_again(
    account: ScriptedServer, tables: Tables
) -> None:
    account.answers = [Answer(hang_up=True), CHANGED, _stored('{"name":"a"}')]

    assert await tables.promotions.commit(COMMITS["one known"]) == ['W/"2"']


@pytest.mark.parametrize("there", [_stored('{"name":"b"}'), MISSING], ids=["changed", "deleted"])
async def test_a_write_that_somebody_elses_came_before_is_a_concurrent_change(
    account: ScriptedServer, tables: Tables, there: Answer
) -> None:
    account.answers = [CHANGED, there]

    with pytest.raises(ConcurrentChangeError, match="Promotions"):
        await tables.promotions.commit(COMMITS["one known"])


@pytest.mark.parametrize("call", READS.values(), ids=READS)
async def test_a_read_over_a_connection_that_has_gone_stale_is_repeated(
    account: ScriptedServer, tables: Tables, queue: QueueScheduler, call: Call
) -> None:
    account.answers = [Answer(hang_up=True)] * 2 + [MISSING]

    await call(tables, queue)

    assert account.answers == []


async def test_a_table_that_somebody_else_makes_at_the_same_time_is_written_to(
    account: ScriptedServer, tables: Tables
) -> None:
    there = Answer(409, {"odata.error": {"code": "TableAlreadyExists", "message": {"value": "there"}}})
    account.answers = [NO_TABLE, there, Answer(201, {}, {"ETag": 'W/"1"'})]

    assert await tables.promotions.commit(ROWS[:1]) == ['W/"1"']


async def test_a_table_that_cannot_be_made_is_unavailable(account: ScriptedServer, tables: Tables) -> None:
    account.answers = [NO_TABLE, Answer(403, None)]

    with pytest.raises(UnavailableError, match="403"):
        await tables.promotions.commit(ROWS[:1])


async def test_a_table_that_is_missing_right_after_it_was_made_is_unavailable(
    account: ScriptedServer, tables: Tables
) -> None:
    account.answers = [NO_TABLE, Answer(201, {"TableName": "Promotions"}), NO_TABLE]

    with pytest.raises(UnavailableError, match="404"):
        await tables.promotions.commit(ROWS[:1])


async def test_evidence_that_others_keep_changing_is_tried_again_later(
    account: ScriptedServer, tables: Tables
) -> None:
    taken = Answer(409, {"odata.error": {"code": "EntityAlreadyExists", "message": {"value": "there"}}})
    account.answers = [taken, MISSING] * 25

    with pytest.raises(UnavailableError, match="25 times"):
        await tables.evidence.add(Evidence(IMAGE), GATE)

    assert account.answers == []


async def test_a_row_that_is_there_is_a_concurrent_change(account: ScriptedServer, tables: Tables) -> None:
    account.answers = [
        Answer(409, {"odata.error": {"code": "EntityAlreadyExists", "message": {"value": "there"}}})
    ]

    with pytest.raises(ConcurrentChangeError, match="Promotions"):
        await tables.promotions.commit(ROWS[:1])
