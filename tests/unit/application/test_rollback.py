"""Rolling back: at once, whatever is under way, and so that it stays."""

from collections.abc import Callable

import pytest

from promoter.application.advance import advance as advance_line
from promoter.application.documents import Todo
from promoter.application.history import Query, history
from promoter.application.hold import unhold
from promoter.application.promote import NotQualifiedError, Wanted, promote
from promoter.application.records import find_record
from promoter.application.roll_back import roll_back
from promoter.application.rollback_plan import RollbackWanted
from promoter.application.work import advance
from promoter.domain.condition import Kind, Override
from promoter.domain.errors import NotFoundError
from promoter.domain.image import Digest, Repository, Tag
from promoter.domain.line import LineKey
from promoter.domain.promotion import FailureCode, Phase, Promotion
from tests.fakes.world import ANN, WEB, World, registry_id, started
from tests.unit.application.stories import (
    DAY,
    HOUR,
    MINUTE,
    codes,
    conditional,
    failure,
    imported,
    in_flight,
    moving_tags,
    qualified,
    released,
)


async def vetoed(world: World, environment: str) -> set[Digest]:
    return {veto.digest for veto in (await world.line(environment)).vetoes}


async def start_over(world: World, environment: str) -> None:
    """Delete the hold, and see what comes."""
    line = await world.line(environment)
    await world.wake(await unhold(world.app, line.line_key))
    await world.run()


async def test_a_rollback_sets_the_hold_and_the_veto_at_once_and_then_moves_the_pointer() -> None:
    world = World()
    first, second = await released(world, "v1", "v2")
    record = await world.roll_back(world.records("prod")[-1].id, "checkout is broken")
    line = await world.line("prod")
    assert line.hold is not None
    assert line.hold.reason == "rolled back to v1: checkout is broken"
    assert await vetoed(world, "prod") == {second}
    assert world.served("prod", "current") == second

    await world.run()
    assert world.served("prod", "current") == first
    assert world.served("prod", "v2") == second
    assert await world.current("prod") == first
    done = await find_record(world.app, record.id)
    assert (done.kind, done.phase, done.digest) == (Kind.ROLLBACK, Phase.SUCCEEDED, first)
    assert done.rollback_of == world.records("prod")[-1].id
    assert done.replaces == world.records("prod")[1].id
    assert done.reason == "checkout is broken"


async def test_a_rollback_during_an_import_vetoes_both_images_and_runs_when_that_has_ended() -> None:
    world = World()
    first, second = await released(world, "v1", "v2")
    third = await in_flight(world, "v3")
    fourth = await qualified(world, "v4")
    await world.drain()
    rollback = await world.roll_back(world.records("staging")[-1].id)
    assert await vetoed(world, "staging") == {second, third}
    assert (await world.line("staging")).hold is not None
    await world.run()
    assert world.story("staging")[2:] == [
        "automatic v3 importing",
        "automatic v4 pending",
        "rollback v1 pending",
    ]

    world.registry.finish_late()
    await world.run()
    assert world.story("staging")[2:] == [
        "automatic v3 succeeded",
        "automatic v4 superseded",
        "rollback v1 succeeded",
    ]
    assert codes(world, "staging")[3] is FailureCode.ROLLED_BACK
    assert await world.current("staging") == first
    assert world.served("staging", "current") == first
    [candidate] = world.candidates("staging")
    assert candidate.digest == fourth
    assert candidate.decision.reasons.startswith("staging is on hold since")
    assert rollback.id == world.records("staging")[0].id


async def test_what_was_imported_while_it_was_rolled_back_goes_no_further() -> None:
    world = World()
    first, second = await released(world, "v1", "v2")
    third = await in_flight(world, "v3")
    await world.roll_back(world.records("staging")[-1].id)
    world.registry.finish_late()
    await world.run()
    assert await vetoed(world, "staging") == {second, third}
    assert [record.digest for record in world.records("prod")] == [second, first]

    await start_over(world, "staging")
    await world.deliver(world.pushed("dev", "v3", third))
    await world.run(DAY)
    assert await world.current("staging") == first
    assert [record.digest for record in world.records("prod")] == [second, first]
    [candidate] = [each for each in world.candidates("prod") if each.digest == third]
    assert "was rolled back in staging" in candidate.decision.reasons


async def test_an_image_that_was_rolled_back_in_staging_does_not_go_on_to_prod() -> None:
    world = World()
    await released(world, "v1")
    bad = await world.push("v2")
    await world.report("unit-tests", "passed", bad)
    await world.run()
    await world.roll_back(world.records("staging")[-1].id)
    await world.run()
    await world.report("integration-tests", "passed", bad, "staging")
    await world.run()
    assert world.story("prod") == ["automatic v1 succeeded"]
    [candidate] = world.candidates("prod")
    assert "was rolled back in staging" in candidate.decision.reasons


async def test_a_rollback_is_no_arrival_and_sets_nothing_in_motion_downstream() -> None:
    world = World()
    await released(world, "v1", "v2")
    before = world.evidence.snapshot()
    story = world.story("prod")
    await world.roll_back(world.records("staging")[-1].id)
    await world.run(DAY)
    assert world.story("prod") == story
    assert world.evidence.snapshot() == before


async def test_the_vetoed_image_stays_out_after_the_hold_is_deleted_until_a_rollback_names_it() -> None:
    world = World()
    _, second = await released(world, "v1", "v2")
    bad = world.records("prod")[0]
    await world.roll_back(world.records("prod")[-1].id)
    await world.run()
    await start_over(world, "prod")
    await world.deliver(world.pushed("staging", "v2", second))
    await world.push("v2.0", second)
    await world.run()
    assert all(record.digest != second for record in world.records("prod")[:1])
    with pytest.raises(NotQualifiedError, match="was rolled back in prod"):
        await world.promote("v2")

    await world.roll_back(bad.id)
    await world.run()
    assert await world.current("prod") == second
    assert second not in await vetoed(world, "prod")


async def kept_by_a_veto(world: World) -> tuple[Digest, Promotion]:
    """An image that only its veto in staging keeps from prod, and its record in staging."""
    await released(world, "v1")
    second = await world.push("v2")
    await world.report("unit-tests", "passed", second)
    await world.run()
    bad = world.records("staging")[0]
    await world.roll_back(world.records("staging")[-1].id)
    await world.run()
    await world.report("integration-tests", "passed", second, "staging")
    await world.run()
    [candidate] = world.candidates("prod")
    assert candidate.decision.reasons.startswith("was rolled back in staging")
    return second, bad


async def test_what_a_veto_alone_kept_from_going_on_goes_on_when_a_rollback_ends_the_veto() -> None:
    world = World()
    second, bad = await kept_by_a_veto(world)
    await world.roll_back(bad.id)
    await world.run()
    assert await world.current("prod") == second


async def test_it_goes_on_too_where_the_process_dies_as_soon_as_nothing_is_left_to_do() -> None:
    world = World(polls=0)
    second, bad = await kept_by_a_veto(world)
    await roll_back(world.app, RollbackWanted(bad.id), ANN)
    await advance_line(world.app, bad.line_key)  # what it says is to be woken is lost
    await world.run()
    assert world.promotions.rows(Todo) == []
    assert await world.current("prod") == second


async def test_what_a_veto_kept_from_another_tag_goes_on_when_an_override_ends_the_veto() -> None:
    world = World(conditional(tags=["v*", "also-*"]))
    await world.push("v1")
    await world.run()
    second = await world.push("v2")
    await world.run()
    await world.roll_back(world.records("staging")[-1].id)
    await world.run()
    await start_over(world, "staging")
    await world.push("also-v2", second)
    await world.run()
    override = Override(("veto",), "it was the network")
    wanted = Wanted(Repository(WEB), "staging", Tag("v2"), override=override)
    await world.wake([advance(started(await promote(world.app, wanted, ANN)).record.line_key)])
    await world.run()
    assert world.served("staging", "also-v2") == second


async def test_a_newer_image_goes_on_when_the_hold_is_deleted() -> None:
    world = World()
    await released(world, "v1", "v2")
    await world.roll_back(world.records("prod")[-1].id)
    await world.run()
    [third] = await released(world, "v3")
    assert [candidate.digest for candidate in world.candidates("prod")] == [third]
    await start_over(world, "prod")
    assert await world.current("prod") == third


async def test_a_second_rollback_overtakes_the_first() -> None:
    world = World()
    first, second, _ = await released(world, "v1", "v2", "v3")
    await in_flight(world, "v4")
    to_first, to_second = world.records("staging")[-1].id, world.records("staging")[-2].id
    await world.roll_back(to_first)
    await world.roll_back(to_second)
    await world.run()
    world.registry.finish_late()
    await world.run()
    assert world.story("staging")[-2:] == ["rollback v1 superseded", "rollback v2 succeeded"]
    assert await world.current("staging") == second
    assert first not in await vetoed(world, "staging")


async def test_a_rollback_that_was_overtaken_can_be_asked_for_again() -> None:
    world = World()
    first, *_ = await released(world, "v1", "v2", "v3")
    await in_flight(world, "v4")
    to_first, to_second = world.records("staging")[-1].id, world.records("staging")[-2].id
    overtaken = await world.roll_back(to_first)
    await world.roll_back(to_second)
    again = await world.roll_back(to_first)
    assert again.id != overtaken.id
    world.registry.finish_late()
    await world.run()
    assert await world.current("staging") == first
    assert world.served("staging", "current") == first


async def test_a_rollback_asked_twice_is_one() -> None:
    world = World()
    await released(world, "v1", "v2")
    target = world.records("prod")[-1].id
    assert (await world.roll_back(target)).id == (await world.roll_back(target)).id
    await world.run()
    assert world.story("prod")[2:] == ["rollback v1 succeeded"]


async def test_what_is_promoted_by_hand_after_a_rollback_is_not_superseded_by_it() -> None:
    world = World()
    await released(world, "v1", "v2")
    fresh = await world.push("v3")
    await world.report("unit-tests", "passed", fresh)
    await world.run()
    await world.roll_back(world.records("prod")[-1].id)
    await world.report("integration-tests", "passed", fresh, "staging")
    await world.promote("v3")
    await world.run()
    assert world.story("prod")[2:] == ["rollback v1 succeeded", "manual v3 succeeded"]
    assert await world.current("prod") == fresh


async def test_an_image_that_the_target_has_no_more_comes_from_the_source_again() -> None:
    world = World()
    first, _ = await released(world, "v1", "v2")
    world.registry.delete(registry_id("prod"), WEB, first)
    before = len(imported(world, "prod"))
    await world.roll_back(world.records("prod")[-1].id)
    await world.run()
    assert imported(world, "prod")[before:] == ["v1", "current"]
    assert world.registry.submitted[-2].source_registry == registry_id("staging")
    assert world.registry.submitted[-1].source_registry == registry_id("prod")
    assert world.served("prod", "v1") == first
    assert world.served("prod", "current") == first


async def test_an_image_whose_tag_was_given_away_comes_from_the_source_under_the_pointer_alone() -> None:
    world = World()
    first, _ = await released(world, "v1", "v2")
    world.registry.delete(registry_id("prod"), WEB, first)
    foreign = world.registry.push(registry_id("prod"), WEB, "v1")
    await world.roll_back(world.records("prod")[-1].id)
    await world.run()
    assert world.story("prod")[-1] == "rollback v1 succeeded"
    assert world.served("prod", "v1") == foreign
    assert world.served("prod", "current") == first


async def test_a_tag_that_was_deleted_is_set_again_from_the_target_itself() -> None:
    world = World()
    first, _ = await released(world, "v1", "v2")
    world.registry.delete(registry_id("prod"), WEB, "v1")
    await world.roll_back(world.records("prod")[-1].id)
    await world.run()
    assert world.served("prod", "v1") == first
    assert world.registry.submitted[-2].source_registry == registry_id("prod")


async def test_a_moving_tag_is_moved_back() -> None:
    world = World(moving_tags())
    first, _ = await released(world, "latest", "latest")
    await world.roll_back(world.records("prod")[-1].id)
    await world.run()
    assert world.served("prod", "latest") == first
    assert world.served("prod", "current") == first


async def test_an_image_that_is_in_no_registry_any_more_is_refused_and_nothing_is_changed() -> None:
    world = World()
    first, second = await released(world, "v1", "v2")
    for environment in ("staging", "prod"):
        world.registry.delete(registry_id(environment), WEB, first)
    before = world.promotions.snapshot()
    with pytest.raises(NotQualifiedError, match="is in no registry any more"):
        await world.roll_back(world.records("prod")[-1].id)
    assert world.promotions.snapshot() == before
    assert await world.current("prod") == second


async def test_an_image_that_vanishes_before_the_rollback_starts_fails_it_in_words() -> None:
    world = World()
    first, second = await released(world, "v1", "v2")
    await world.roll_back(world.records("prod")[-1].id)
    for environment in ("staging", "prod"):
        world.registry.delete(registry_id(environment), WEB, first)
    await world.run(DAY)
    record = world.records("prod")[0]
    assert failure(record).code is FailureCode.IMAGE_MISSING
    assert failure(record).message == f"{WEB}@{first} is in no registry any more: not in prod and staging"
    assert world.served("prod", "current") == second


def failed(world: World) -> Promotion:
    return next(record for record in world.records("staging") if record.phase is Phase.FAILED)


def running(world: World) -> Promotion:
    return world.records("staging")[0]


@pytest.mark.parametrize(
    ("which", "reason"), [(failed, "has not succeeded"), (running, "runs the image of record .* already")]
)
async def test_only_what_succeeded_and_is_not_current_can_be_rolled_back_to(
    which: Callable[[World], Promotion], reason: str
) -> None:
    world = World()
    digest = await qualified(world, "v0")
    world.registry.delete(registry_id("dev"), WEB, digest)
    await world.run()
    await released(world, "v1")
    with pytest.raises(NotQualifiedError, match=reason):
        await world.roll_back(which(world).id)
    assert (await world.line("staging")).hold is None


async def test_what_is_pending_or_superseded_is_no_target_of_a_rollback() -> None:
    world = World()
    await in_flight(world, "v1")
    await qualified(world, "latest")
    for _ in range(2):
        with pytest.raises(NotQualifiedError, match="has not succeeded"):
            await world.roll_back(world.records("staging")[0].id)
        await qualified(world, "latest")


async def test_a_record_that_is_not_there_is_not_found() -> None:
    world = World()
    [_] = await released(world, "v1")
    known = world.records("prod")[0].id
    for record in ("nonsense", known.replace("prod", "staging", 1).replace("99998", "99997"), f"x{known}"):
        with pytest.raises(NotFoundError):
            await world.roll_back(record)


async def test_a_rollback_to_the_current_image_stops_what_is_on_its_way() -> None:
    world = World()
    [first] = await released(world, "v1")
    second = await in_flight(world, "v2")
    await world.roll_back(world.records("staging")[-1].id)
    world.registry.finish_late()
    await world.run()
    assert await world.current("staging") == first
    assert world.served("staging", "current") == first
    assert await vetoed(world, "staging") == {second}


async def test_a_rollback_can_be_rolled_back_to() -> None:
    world = World()
    first, _, _ = await released(world, "v1", "v2", "v3")
    rollback = await world.roll_back(world.records("prod")[-1].id)
    await world.run()
    await world.roll_back(world.records("prod")[1].id)
    await world.run()
    await world.roll_back(rollback.id)
    await world.run()
    assert await world.current("prod") == first
    assert world.served("prod", "current") == first


async def test_a_rollback_passes_a_hold_and_keeps_it() -> None:
    world = World()
    first, _ = await released(world, "v1", "v2")
    await world.roll_back(world.records("prod")[-1].id, "one")
    await world.run()
    await world.roll_back(world.records("prod")[1].id, "two")
    await world.run()
    await world.roll_back(world.records("prod")[-1].id, "three")
    await world.run()
    assert await world.current("prod") == first
    hold = (await world.line("prod")).hold
    assert hold is not None
    assert hold.reason == "rolled back to v1: one"


async def test_a_rollback_that_failed_leaves_the_hold_and_can_be_asked_for_again() -> None:
    world = World()
    first, second = await released(world, "v1", "v2")
    world.registry.stick_next()
    await world.roll_back(world.records("prod")[-1].id)
    await world.run(HOUR)
    assert failure(world.records("prod")[0]).code is FailureCode.TIMED_OUT
    assert (await world.line("prod")).hold is not None
    assert await world.current("prod") == second
    await world.roll_back(world.records("prod")[-1].id)
    await world.run()
    assert world.served("prod", "current") == first


async def test_an_abandoned_rollback_that_takes_effect_late_is_not_undone_in_favour_of_what_is_vetoed() -> (
    None
):
    world = World()
    first, second = await released(world, "v1", "v2")
    world.registry.stick_next()
    await world.roll_back(world.records("prod")[-1].id)
    await world.run(40 * MINUTE)
    assert world.records("prod")[0].may_finish_late
    world.registry.finish_late()
    assert world.served("prod", "current") == first
    for _ in range(3):
        await world.run(HOUR)
        await world.reconcile()
        await world.run()
        world.registry.finish_late()
    assert world.served("prod", "current") == first
    assert await vetoed(world, "prod") == {second}


async def test_a_rollback_is_found_in_the_history_of_its_line() -> None:
    world = World()
    await released(world, "v1", "v2")
    rollback = await world.roll_back(world.records("prod")[-1].id)
    page = await history(world.app, Query(environment="prod"))
    assert page.items[0].id == rollback.id
    line = await world.app.line(LineKey("prod", rollback.repository))
    assert line.queue == (rollback.sequence,)
