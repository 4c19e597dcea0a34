"""Storage operations: which ones each step of a promotion makes, and how many rows it reads, exactly."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from benchmarks.growth import rows_read
from benchmarks.table_service import TableService, serving
from promoter.adapters.identity import Identity
from promoter.adapters.tables import Tables
from promoter.application.app import App
from promoter.domain.image import Digest
from tests.fakes.world import World, policy

CLAIM = "transaction Promotions: create line, create record, create todo, update claim, delete candidate"
START = "transaction Promotions: update line, update record"
END = "transaction Promotions: update line, update record, create log, update todo"
WAIT = "transaction Promotions: create claim, update candidate"


@dataclass
class Told:
    """A world whose app stores in tables that count, and has counted since it was last asked."""

    world: World
    service: TableService

    def taken(self) -> list[str]:
        return [operation.name for operation in self.service.counter.take()]


@pytest.fixture
async def told() -> AsyncIterator[Told]:
    """Imports are over at once."""
    service = TableService()
    async with serving(service) as account:
        tables = Tables(account, Identity(None, managed=False))
        world = World(policy(), polls=0)
        world.app = _app(world, tables)
        await world.push("v0", repository="shop/warm")  # makes the tables, and sees that dev has no lines
        service.counter.take()
        yield Told(world, service)
        await tables.aclose()


def _app(world: World, tables: Tables) -> App:
    return App(world.policy, tables.evidence, tables.promotions, world.registry, world.scheduler, world.clock)


async def test_a_push_that_waits_makes_three(told: Told) -> None:
    await told.world.push("v1")
    assert told.taken() == ["create Evidence image", "query Promotions line", WAIT]


async def test_a_verdict_that_qualifies_makes_five_and_a_message(told: Told) -> None:
    digest = await told.world.push("v1")
    told.taken()
    await told.world.report("unit-tests", "passed", digest)
    assert told.taken() == [
        "read Evidence image",
        "update Evidence image",
        "read Promotions claim",
        "query Promotions line",
        CLAIM,
    ]
    assert len(told.world.scheduler.take_due()) == 1


async def test_driving_a_promotion_to_its_end_makes_six_and_what_follows_five(told: Told) -> None:
    digest = await told.world.push("v1")
    await told.world.report("unit-tests", "passed", digest)
    told.taken()
    await told.world.drain()
    assert told.taken() == [
        "query Promotions line",
        "read Promotions record",
        "read Evidence image",
        START,
        END,
        "update Evidence image",  # it has arrived in staging; and the next rule
        "query Promotions line",
        "query Promotions line",
        WAIT,
        "delete Promotions todo",
    ]


async def test_an_import_that_is_polled_for_makes_three_more_for_each_message(told: Told) -> None:
    told.world.registry.polls = 2
    digest = await told.world.push("v1")
    await told.world.report("unit-tests", "passed", digest)
    told.taken()
    await told.world.drain()
    assert told.taken() == [
        "query Promotions line",
        "read Promotions record",
        "read Evidence image",
        START,
        "update Promotions record",
    ]
    assert [scheduled.due - told.world.clock.now() for scheduled in told.world.scheduler.scheduled] == [
        timedelta(seconds=10)
    ]
    told.world.clock.advance(timedelta(seconds=10))
    await told.world.drain()
    assert told.taken() == ["query Promotions line", "read Promotions record", "update Promotions record"]


async def test_telling_others_of_all_phases_makes_three_more(told: Told) -> None:
    told.world.app = replace(told.world.app, publisher=told.world.publisher)
    digest = await told.world.push("v1")
    await told.world.report("unit-tests", "passed", digest)
    told.taken()
    await told.world.drain()
    assert told.taken()[-3:] == [
        "query Promotions todo",
        "read Promotions record",
        "transaction Promotions: delete todo, delete todo, delete todo",
    ]
    assert len(told.world.publisher.told) == 3


async def test_a_push_told_again_changes_nothing_and_makes_eight(told: Told) -> None:
    digest = await told.world.push("v1")
    told.taken()
    await told.world.deliver(told.world.pushed("dev", "v1", digest))
    assert told.taken() == [
        "create Evidence image",  # refused: it is known
        "read Evidence image",
        "query Promotions line",
        WAIT,  # refused: the tag is claimed
        "read Evidence image",
        "read Promotions claim",
        "query Promotions line",
        "transaction Promotions: update claim, update candidate",
    ]


async def test_an_image_of_a_registry_that_nobody_knows_reads_nothing(told: Told) -> None:
    await told.world.deliver(told.world.pushed("nowhere", "v1", Digest(f"sha256:{1:064x}")))
    assert told.taken() == []


@pytest.mark.parametrize("size", [10, 3000])
async def test_however_much_is_stored_a_call_reads_the_rows_that_it_answers(size: int) -> None:
    assert await rows_read(size) == {
        "history": min(size, 20 + 1),  # one more than a page, which tells whether there is another
        "log": min(size, 20 + 1),
        "environments": min(size + 1, 100 + 1),
        "previous": 4,  # the line, its current record, and the two before that
        "claim": 1,  # the line
        "rollback": 3,  # the record, the line, and what is under way on it
    }
