"""The contract of PromotionStore, kept by the fake and by Table Storage."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from promoter.adapters.identity import Identity
from promoter.adapters.tables import Tables
from promoter.application.documents import (
    Candidate,
    KnownEnvironment,
    Rejection,
    Row,
    line_row,
    replaced,
    row_key,
)
from promoter.application.ports import Delete, PromotionStore, Put, Write
from promoter.domain.errors import ConcurrentChangeError, InvalidError
from promoter.domain.image import Repository
from promoter.domain.line import Line, LineKey
from tests.contract.accounts import storage
from tests.contract.rows import AT, WEB, every_kind, full_line, line
from tests.fakes.stores import FakePromotionStore

KEY = line_row(LineKey("prod", WEB))


@pytest.fixture(params=["fake", "azurite", "tables"])
async def store(request: pytest.FixtureRequest, fresh: str) -> AsyncIterator[PromotionStore]:
    if request.param == "fake":
        yield FakePromotionStore()
        return
    async with storage(request) as account:
        tables = Tables(account, Identity(None, managed=False), fresh)
        yield tables.promotions
        await tables.aclose()


async def stored(store: PromotionStore, row: Line) -> Line:
    [version] = await store.commit([Write(row)])
    return replaced(row, version=version)


@pytest.mark.parametrize("row", every_kind(), ids=lambda row: type(row).__name__)
async def test_a_row_of_any_kind_is_read_back_as_it_was_written(store: PromotionStore, row: Row) -> None:
    [version] = await store.commit([Write(row)])

    found = await store.get(type(row), row.environment, row_key(row))

    assert version
    assert found == replaced(row, version=version)


async def test_rows_of_every_kind_go_into_one_transaction(store: PromotionStore) -> None:
    rows = [row for row in every_kind() if row.environment == "prod"]

    versions = await store.commit([Write(row) for row in rows])

    found = [await store.get(type(row), "prod", row_key(row)) for row in rows]
    assert found == [replaced(row, version=version) for row, version in zip(rows, versions, strict=True)]


async def test_where_nothing_was_ever_stored_there_is_nothing(store: PromotionStore) -> None:
    assert await store.get(Line, "prod", KEY) is None
    assert await store.page(Line, "prod") == []


async def test_a_commit_of_nothing_changes_nothing(store: PromotionStore) -> None:
    assert await store.commit([]) == []


async def test_a_new_row_must_not_be_there_yet(store: PromotionStore) -> None:
    first = await stored(store, full_line())

    with pytest.raises(ConcurrentChangeError):
        await store.commit([Write(line(sequence=9))])

    assert await store.get(Line, "prod", KEY) == first


async def test_a_write_needs_the_version_that_is_stored(store: PromotionStore) -> None:
    first = await stored(store, line(sequence=1))
    second = await stored(store, replaced(first, sequence=2))

    with pytest.raises(ConcurrentChangeError):
        await store.commit([Write(replaced(first, sequence=3))])

    assert await store.get(Line, "prod", KEY) == second
    assert second.version != first.version


async def test_a_write_replaces_the_whole_row(store: PromotionStore) -> None:
    first = await stored(store, full_line())

    second = await stored(store, line(version=first.version))

    assert await store.get(Line, "prod", KEY) == second
    assert second.hold is None


async def test_a_long_row_that_becomes_short_leaves_nothing_behind(store: PromotionStore) -> None:
    first = await stored(store, replaced(full_line(), vetoes=full_line().vetoes * 900))

    second = await stored(store, line(version=first.version))

    assert await store.get(Line, "prod", KEY) == second


async def test_a_row_that_was_deleted_cannot_be_written_with_its_old_version(store: PromotionStore) -> None:
    first = await stored(store, line())
    await store.commit([Delete(first)])

    with pytest.raises(ConcurrentChangeError):
        await store.commit([Write(first)])


async def test_of_two_writers_that_have_read_the_same_one_wins(store: PromotionStore) -> None:
    first = await stored(store, line())

    results = await asyncio.gather(
        *(store.commit([Write(replaced(first, sequence=number))]) for number in (2, 3, 4)),
        return_exceptions=True,
    )

    lost = [result for result in results if isinstance(result, ConcurrentChangeError)]
    assert len(lost) == 2


async def test_put_stores_whatever_is_there(store: PromotionStore) -> None:
    await store.commit([Put(line(sequence=1))])
    [version] = await store.commit([Put(line(sequence=2, version="of something else"))])

    assert await store.get(Line, "prod", KEY) == line(sequence=2, version=version)


async def test_what_was_deleted_is_gone(store: PromotionStore) -> None:
    first = await stored(store, line())

    assert await store.commit([Delete(first)]) == [""]

    assert await store.get(Line, "prod", KEY) is None


async def test_what_is_not_there_cannot_be_deleted(store: PromotionStore) -> None:
    with pytest.raises(ConcurrentChangeError):
        await store.commit([Delete(line())])


async def test_a_row_that_was_read_is_deleted_only_as_it_was_read(store: PromotionStore) -> None:
    first = await stored(store, line(sequence=1))
    second = await stored(store, replaced(first, sequence=2))

    with pytest.raises(ConcurrentChangeError):
        await store.commit([Delete(first)])
    with pytest.raises(ConcurrentChangeError):
        await store.commit([Write(line("shop/a")), Delete(first)])

    assert await store.page(Line, "prod") == [second]


async def test_a_deletion_needs_no_version(store: PromotionStore) -> None:
    await stored(store, line())

    await store.commit([Delete(line())])

    assert await store.page(Line, "prod") == []


@pytest.mark.parametrize(
    "bad",
    [
        Write(line("shop/b")),
        Write(line("shop/b", version='W/"stale"')),
        Delete(line("shop/b", version='W/"stale"')),
        Delete(line("shop/missing")),
    ],
    ids=["a row that is there", "a stale write", "a stale deletion", "a deletion of what is missing"],
)
async def test_when_one_change_fails_none_is_made(store: PromotionStore, bad: Write | Delete) -> None:
    b = await stored(store, line("shop/b"))

    with pytest.raises(ConcurrentChangeError):
        await store.commit([Write(line("shop/a")), Put(line("shop/c")), bad])

    assert await store.page(Line, "prod") == [b]


async def test_a_transaction_returns_every_version_in_order(store: PromotionStore) -> None:
    a = await stored(store, line("shop/a"))
    b = await stored(store, line("shop/b"))

    versions = await store.commit(
        [Write(replaced(b, sequence=2)), Delete(a), Write(line("shop/c")), Put(line("shop/d"))]
    )

    assert versions[1] == ""
    assert [row.version for row in await store.page(Line, "prod")] == [versions[0], versions[2], versions[3]]


async def test_a_transaction_has_up_to_100_changes(store: PromotionStore) -> None:
    rows = [line(f"shop/r{number:03d}") for number in range(101)]

    with pytest.raises(ValueError, match="100"):
        await store.commit([Write(row) for row in rows])
    await store.commit([Write(row) for row in rows[:100]])

    assert len(await store.page(Line, "prod", limit=1000)) == 100


async def test_a_transaction_is_about_one_environment(store: PromotionStore) -> None:
    with pytest.raises(ValueError, match="one environment"):
        await store.commit([Write(line()), Write(line(environment="staging"))])


async def test_a_transaction_changes_each_row_once(store: PromotionStore) -> None:
    with pytest.raises(ValueError, match="once"):
        await store.commit([Write(line(sequence=1)), Put(line(sequence=2))])


async def test_a_page_is_in_key_order_and_of_one_kind_and_environment(store: PromotionStore) -> None:
    await store.commit([Write(line(name)) for name in ("shop/web", "api", "shop/api", "zoo")])
    await store.commit([Write(line("other", environment="prod2"))])
    await store.commit([Write(row) for row in every_kind() if isinstance(row, Candidate)])

    found = await store.page(Line, "prod")

    assert [row.repository for row in found] == ["api", "shop/api", "shop/web", "zoo"]


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        ("shop:web~main", ["shop/web"]),
        ("shop:web~", ["shop/web"]),
        ("shop:web", ["shop/web", "shop/web-2", "shop/web/admin"]),
        ("shop:", ["shop/api", "shop/web", "shop/web-2", "shop/web/admin"]),
        ("shop:x", []),
        ("'", []),
    ],
)
async def test_a_page_has_the_keys_that_start_with_its_prefix(
    store: PromotionStore, prefix: str, expected: list[str]
) -> None:
    names = ("shop/web", "shop/web-2", "shop/web/admin", "shop/api", "shoq")
    await store.commit([Write(line(name)) for name in names])

    found = await store.page(Line, "prod", prefix=prefix)

    assert sorted(row.repository for row in found) == expected


async def test_pages_go_on_after_the_last_key_of_the_one_before(store: PromotionStore) -> None:
    await store.commit([Write(line(f"shop/r{number}")) for number in range(5)])
    await store.commit([Write(line("other"))])

    pages: list[list[str]] = []
    after = ""
    while page := await store.page(Line, "prod", prefix="shop:", after=after, limit=2):
        pages.append([row.repository for row in page])
        after = row_key(page[-1])

    assert pages == [["shop/r0", "shop/r1"], ["shop/r2", "shop/r3"], ["shop/r4"]]


async def test_a_page_after_a_key_before_its_prefix_has_all_of_the_prefix(store: PromotionStore) -> None:
    await store.commit([Write(line("b")), Write(line("a"))])

    assert len(await store.page(Line, "prod", prefix="b", after="a~main")) == 1
    assert len(await store.page(Line, "prod", prefix="b~main", after="a~main")) == 1
    assert await store.page(Line, "prod", prefix="a", after="b~main") == []


async def test_a_page_of_none_is_empty(store: PromotionStore) -> None:
    await store.commit([Write(line())])

    assert await store.page(Line, "prod", limit=0) == []


async def test_rejections_are_read_the_latest_first(store: PromotionStore) -> None:
    rejections = [
        Rejection(at=AT + timedelta(seconds=number), origin="x", reason="y", content="", id=f"r{number}")
        for number in range(3)
    ]
    for rejection in rejections:
        await store.commit([Write(rejection)])

    found = await store.page(Rejection, rejections[0].environment)

    assert [row.id for row in found] == ["r2", "r1", "r0"]


@pytest.mark.parametrize("text", ["plain ", "größer ", "\U0001f680\U0001f680 "])
async def test_a_long_text_is_kept_whole(store: PromotionStore, text: str) -> None:
    row = Rejection(at=AT, origin="x", reason="y", content=text * 20_000, id="long")

    [version] = await store.commit([Write(row)])

    assert await store.get(Rejection, row.environment, row_key(row)) == replaced(row, version=version)


async def test_a_row_too_long_to_be_stored_is_refused(store: PromotionStore) -> None:
    row = Rejection(at=AT, origin="x", reason="y", content="x" * 500_000, id="long")

    with pytest.raises(InvalidError, match="too long"):
        await store.commit([Write(row)])


async def test_a_key_that_the_store_cannot_have_is_refused(store: PromotionStore) -> None:
    row = Rejection(at=AT, origin="x", reason="y", content="", id="a/b")

    with pytest.raises(InvalidError, match="key"):
        await store.commit([Write(row)])


async def test_the_longest_names_are_keys(store: PromotionStore) -> None:
    row = line(Repository("a" * 127 + "/" + "b" * 127), environment="e" * 40)

    await store.commit([Write(row)])

    assert len(await store.page(Line, "e" * 40)) == 1


async def test_environments_are_kept_apart_from_what_is_in_them(store: PromotionStore) -> None:
    known = KnownEnvironment(name="prod")
    await store.commit([Write(known)])

    assert await store.page(KnownEnvironment, "prod") == []
    assert [row.name for row in await store.page(KnownEnvironment, known.environment)] == ["prod"]
