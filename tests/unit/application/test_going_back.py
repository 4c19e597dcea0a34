"""Which record a rollback goes back to, what it says before, and what it says where it cannot."""

from typing import Any

import pytest

from promoter.application.adopt import Adoption, adopt
from promoter.application.hold import unhold
from promoter.application.roll_back import plan_rollback, roll_back
from promoter.application.rollback_plan import (
    AlreadyCurrentError,
    ImageGoneError,
    NothingEarlierError,
    RecordElsewhereError,
    RecordNotSucceededError,
    RollbackWanted,
)
from promoter.application.work import advance
from promoter.domain.decision import Outcome
from promoter.domain.errors import InvalidError, NotFoundError
from promoter.domain.image import Repository, Tag
from promoter.domain.line import LineKey
from promoter.domain.promotion import Promotion
from tests.fakes.world import ANN, WEB, World, policy, registry_id
from tests.unit.application.stories import in_flight, qualified, released
from tests.unit.domain.strategies import digest

PROD = RollbackWanted(environment="prod", repository=Repository(WEB))


async def go_back(world: World, wanted: RollbackWanted = PROD) -> Promotion:
    record = await roll_back(world.app, wanted, ANN)
    await world.run()
    return record


async def test_an_environment_and_a_repository_alone_go_back_to_what_ran_before() -> None:
    world = World()
    first, second = await released(world, "v1", "v2")
    earlier = world.records("prod")[-1]
    record = await go_back(world)
    assert (record.rollback_of, record.tag, record.reason) == (earlier.id, "v1", None)
    assert await world.current("prod") == first
    line = await world.line("prod")
    assert line.hold is not None
    assert line.hold.reason == "rolled back to v1"
    assert [veto.digest for veto in line.vetoes] == [second]


async def test_what_failed_or_was_copied_without_becoming_current_is_not_what_ran_before() -> None:
    world = World()
    older = await world.push("v0")
    [first] = await released(world, "v1")
    await world.report("integration-tests", "passed", older, "staging")
    await world.report("unit-tests", "passed", older)  # qualifies late: it is copied, and v1 stays current
    await world.run()
    world.registry.push(registry_id("prod"), WEB, "v2")
    await released(world, "v2")  # fails: the tag is taken
    await released(world, "v3")
    outcomes = ("v1 succeeded", "v0 succeeded", "v2 failed", "v3 succeeded")
    assert world.story("prod") == [f"automatic {each}" for each in outcomes]
    assert (await go_back(world)).digest == first


async def test_an_image_that_was_gone_back_from_is_not_gone_back_to() -> None:
    world = World()
    [first] = await released(world, "v1")
    await released(world, "v2")
    await go_back(world)
    key = LineKey("prod", Repository(WEB))
    await world.wake(await unhold(world.app, key))
    await released(world, "v3")
    assert (await go_back(world)).digest == first


async def test_the_same_asked_twice_while_it_runs_is_the_same_rollback() -> None:
    world = World()
    await released(world, "v1", "v2")
    record = await roll_back(world.app, PROD, ANN)
    assert (await roll_back(world.app, PROD, ANN)).id == record.id
    running = (await plan_rollback(world.app, PROD)).running
    assert running is not None
    assert running.id == record.id
    assert "is on its way back to v1" in (await plan_rollback(world.app, PROD)).text


async def test_two_who_roll_back_one_after_the_other_do_not_go_back_twice() -> None:
    world = World()
    await released(world, "v1", "v2", "v3")
    first = world.records("prod")[-1]
    done = await go_back(world)
    with pytest.raises(NothingEarlierError) as caught:
        await go_back(world)
    assert str(caught.value) == (
        f"prod was rolled back already, to v2 by Ann (record {done.id}); to go back further name the record: "
        f"before that it ran {first.id} (v1)"
    )
    await go_back(world, RollbackWanted(record=first.id))
    assert await world.current("prod") == first.digest


async def test_what_is_being_imported_is_not_what_runs() -> None:
    world = World()
    first, second = await released(world, "v1", "v2")
    third = await in_flight(world, "v3")
    staging = RollbackWanted(environment="staging", repository=Repository(WEB))
    planned = await plan_rollback(world.app, staging)
    assert planned.importing is not None
    assert (planned.importing.digest, planned.earlier.digest) == (third, first)
    assert set(planned.vetoes) == {second, third}
    record = await roll_back(world.app, staging, ANN)
    world.registry.finish_late()
    await world.run()
    assert await world.current("staging") == record.digest == first


async def test_tracks_are_gone_back_on_their_own() -> None:
    world = World()
    await released(world, "v1", "v2")
    with pytest.raises(NothingEarlierError, match=r"prod shop/web \(1x\) runs nothing that"):
        await go_back(world, RollbackWanted(environment="prod", repository=Repository(WEB), track="1x"))


# Before it is done.


async def test_a_dry_run_says_what_would_happen_and_changes_nothing() -> None:
    world = World()
    first, second = await released(world, "v1", "v2")
    earlier = world.records("prod")[-1]
    before, woken = world.promotions.snapshot(), world.scheduler.next_due
    planned = await plan_rollback(world.app, PROD)
    assert (world.promotions.snapshot(), world.scheduler.next_due) == (before, woken)
    assert planned.decision.outcome is Outcome.QUALIFIED
    assert (planned.earlier.id, planned.held_by, planned.vetoes) == (earlier.id, "prod", (second,))
    assert planned.text == (
        f"prod shop/web (main) would go back from v2 to v1 ({first.short}, record {earlier.id}), whose image "
        f"is in the registry of prod; {second.short} would be vetoed, and automation held off"
    )


async def test_a_dry_run_says_where_the_image_would_come_from() -> None:
    world = World()
    first, _ = await released(world, "v1", "v2")
    world.registry.delete(registry_id("prod"), WEB, first)
    assert (await plan_rollback(world.app, PROD)).held_by == "staging"
    world.registry.delete(registry_id("staging"), WEB, first)
    planned = await plan_rollback(world.app, PROD)
    assert (planned.held_by, planned.decision.outcome) == (None, Outcome.REFUSED)
    assert "cannot be rolled back to v1" in planned.text


# What cannot be.


async def test_the_record_that_is_current_is_refused_with_what_made_it_so() -> None:
    world = World()
    [first] = await released(world, "v1")
    [record] = world.records("prod")
    with pytest.raises(AlreadyCurrentError) as caught:
        await go_back(world, RollbackWanted(record=record.id))
    assert str(caught.value) == (
        f"prod runs the image of record {record.id} (shop/web:v1, {first.short}) already"
    )
    await released(world, "v2")
    rollback = await go_back(world)
    with pytest.raises(AlreadyCurrentError, match=rf"already, by record {rollback.id}$"):
        await go_back(world, RollbackWanted(record=record.id))


async def test_a_record_that_did_not_succeed_is_refused() -> None:
    world = World()
    world.registry.push(registry_id("staging"), WEB, "v1")
    await qualified(world, "v1")
    await world.run()
    with pytest.raises(RecordNotSucceededError, match="has not succeeded, it is failed: there is nothing to"):
        await go_back(world, RollbackWanted(record=world.records("staging")[0].id))


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"environment": "staging"}, "is of the environment prod, and staging is to be rolled back"),
        ({"repository": Repository("shop/api")}, "is of the repository shop/web, and shop/api is to be"),
        ({"track": "1x"}, "is of the track main, and 1x is to be"),
    ],
)
async def test_a_record_of_another_line_than_the_one_named_is_refused(
    changes: dict[str, Any], text: str
) -> None:
    world = World()
    await released(world, "v1", "v2")
    record = world.records("prod")[-1].id
    named: dict[str, Any] = {"environment": "prod", "repository": Repository(WEB), "track": "main"}
    with pytest.raises(RecordElsewhereError, match=text):
        await go_back(world, RollbackWanted(record=record, **(named | changes)))
    assert (await go_back(world, RollbackWanted(record=record, **named))).rollback_of == record


async def test_an_image_that_is_gone_everywhere_is_refused_with_the_next_that_is_there() -> None:
    world = World()
    first, second, _ = await released(world, "v1", "v2", "v3")
    oldest, earlier, _ = reversed(world.records("prod"))
    for name in ("staging", "prod"):
        world.registry.delete(registry_id(name), WEB, second)
    with pytest.raises(ImageGoneError) as caught:
        await go_back(world)
    assert str(caught.value) == (
        f"the image of record {earlier.id} (shop/web:v2, {second.short}) is in no registry any more, neither "
        f"in prod nor in staging; the latest record before it whose image is still there is {oldest.id} (v1)"
    )
    for name in ("staging", "prod"):
        world.registry.delete(registry_id(name), WEB, first)
    with pytest.raises(ImageGoneError, match="nor are those of the records before it"):
        await go_back(world)


async def test_a_line_without_an_earlier_record_says_so() -> None:
    world = World()
    with pytest.raises(NothingEarlierError, match="runs nothing that Promoter knows of"):
        await go_back(world)
    await released(world, "v1")
    with pytest.raises(NothingEarlierError, match="has no earlier record of another image"):
        await go_back(world)


async def test_what_names_neither_a_record_nor_a_line_is_told_what_to_name() -> None:
    world = World()
    for wanted, field in (
        (RollbackWanted(reason="x"), "environment"),
        (RollbackWanted(repository=Repository(WEB)), "environment"),
        (RollbackWanted(environment="prod"), "repository"),
    ):
        with pytest.raises(InvalidError, match="name the record to go back to, or the environment") as caught:
            await roll_back(world.app, wanted, ANN)
        assert caught.value.field == field
    with pytest.raises(NotFoundError, match="no environment 'qa'; it has dev, staging, prod"):
        await go_back(world, RollbackWanted(environment="qa", repository=Repository(WEB)))
    assert world.promotions.snapshot() == {}


async def test_what_was_adopted_is_gone_back_to() -> None:
    world = World(policy())
    old = world.registry.push(registry_id("prod"), WEB, "v0", digest(40))
    adopted = await adopt(world.app, Adoption("prod", Repository(WEB), Tag("v0")), ANN)
    await world.wake([advance(adopted.record.line_key)])
    await world.run()
    await released(world, "v1")
    assert (await go_back(world)).digest == old
