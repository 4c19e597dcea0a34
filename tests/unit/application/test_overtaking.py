"""Several images on one line: which goes first, which is overtaken, and which becomes current."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from promoter.application.documents import Todo, TodoKind
from promoter.application.promote import Wanted, promote
from promoter.application.retry import abort
from promoter.application.work import advance
from promoter.domain.image import Digest, Repository
from promoter.domain.promotion import FailureCode, Phase
from tests.fakes.world import ANN, WEB, World, registry_id, started
from tests.unit.application.stories import (
    DAY,
    MINUTE,
    codes,
    failure,
    imported,
    in_flight,
    moving_tags,
    qualified,
    released,
)
from tests.unit.domain.strategies import digest


async def test_a_newer_push_of_its_tag_supersedes_what_has_not_started() -> None:
    world = World()
    await in_flight(world, "v1")
    first = await qualified(world, "latest")
    await world.drain()
    assert world.story("staging") == ["automatic v1 importing", "automatic latest pending"]

    second = await world.push("latest")
    await world.drain()
    overtaken = world.records("staging")[0]
    assert (overtaken.digest, overtaken.phase) == (first, Phase.SUPERSEDED)
    assert failure(overtaken).code is FailureCode.OVERTAKEN
    assert second.short in failure(overtaken).message

    await world.report("unit-tests", "passed", second)
    world.registry.finish_late()
    await world.run()
    assert world.story("staging") == [
        "automatic v1 succeeded",
        "automatic latest superseded",
        "automatic latest succeeded",
    ]
    assert world.served("staging", "latest") == second
    assert await world.current("staging") == second


async def test_nothing_is_left_to_do_for_what_was_overtaken() -> None:
    world = World()
    await in_flight(world, "v1")
    await qualified(world, "latest")
    await world.push("latest")
    assert [todo.sequence for todo in world.promotions.rows(Todo) if todo.kind is not TodoKind.ANNOUNCE] == [
        1
    ]


async def test_what_is_stopped_behind_something_else_is_done_with_a_minute_later() -> None:
    world = World()
    await in_flight(world, "v1")
    await qualified(world, "v2")
    await abort(world.app, world.records("staging")[0].id, ANN)
    await world.run(2 * MINUTE)
    assert world.story("staging") == ["automatic v1 importing", "automatic v2 failed"]
    assert [todo.sequence for todo in world.promotions.rows(Todo)] == [1]


async def test_a_newer_push_leaves_what_is_being_imported_alone() -> None:
    world = World(moving_tags())
    first = await in_flight(world, "latest")
    second = await qualified(world, "latest")
    await world.drain()
    assert world.story("staging") == ["automatic latest importing", "automatic latest pending"]
    world.registry.finish_late()
    await world.run()
    assert world.story("staging") == ["automatic latest succeeded", "automatic latest succeeded"]
    assert [record.digest for record in world.records("staging")] == [second, first]
    assert world.served("staging", "latest") == second


async def test_a_newer_push_of_another_tag_supersedes_nothing() -> None:
    world = World()
    await in_flight(world, "v1")
    await qualified(world, "v2")
    await qualified(world, "v3")
    world.registry.finish_late()
    await world.run()
    assert world.story("staging") == [f"automatic v{number} succeeded" for number in (1, 2, 3)]


async def test_two_tags_of_a_repository_are_imported_one_after_the_other() -> None:
    world = World()
    await in_flight(world, "v1")
    await qualified(world, "v2")
    await world.run()
    assert imported(world) == ["v1"]
    assert world.story("staging") == ["automatic v1 importing", "automatic v2 pending"]
    world.registry.finish_late()
    await world.run()
    assert imported(world) == ["v1", "current", "v2", "current"]


async def test_two_repositories_do_not_wait_for_each_other() -> None:
    world = World()
    await in_flight(world, "v1")
    other = await world.push("v1", repository="shop/api")
    await world.report("unit-tests", "passed", other, repository="shop/api")
    await world.run()
    assert await world.current("staging", repository="shop/api") == other
    assert world.story("staging") == ["automatic v1 importing"]


async def test_an_older_image_that_comes_late_copies_its_tag_and_moves_nothing() -> None:
    world = World()
    older = world.registry.push(registry_id("dev"), WEB, "v1")
    late = world.pushed("dev", "v1", older)
    [newer] = await released(world, "v2")

    await world.deliver(late)
    await world.report("unit-tests", "passed", older)
    await world.report("integration-tests", "passed", older, "staging")
    await world.run()
    for environment in ("staging", "prod"):
        assert world.story(environment) == ["automatic v2 succeeded", "automatic v1 succeeded"]
        assert world.served(environment, "v1") == older
        assert world.served(environment, "current") == newer
        assert await world.current(environment) == newer


async def test_the_tag_of_another_image_is_never_overwritten() -> None:
    world = World()
    foreign = world.registry.push(registry_id("staging"), WEB, "v1")
    await qualified(world, "v1")
    await world.run(DAY)
    [record] = world.records("staging")
    assert (record.phase, failure(record).code) == (Phase.FAILED, FailureCode.TAG_CONFLICT)
    assert "is another image" in failure(record).message
    assert world.registry.tags(registry_id("staging"), WEB) == {"v1": foreign}
    assert world.registry.submitted == []

    await world.deliver(world.pushed("dev", "v1", record.digest))
    await world.reconcile()
    await world.run(DAY)
    assert len(world.records("staging")) == 1


async def test_a_tag_that_is_taken_while_the_import_runs_is_a_conflict_too() -> None:
    world = World()
    await in_flight(world, "v1")
    foreign = world.registry.push(registry_id("staging"), WEB, "v1")
    world.registry.finish_late()
    await world.run(DAY)
    [record] = world.records("staging")
    assert failure(record).code is FailureCode.TAG_CONFLICT
    assert "delete that tag, or promote under another" in failure(record).message
    assert world.registry.tags(registry_id("staging"), WEB) == {"v1": foreign}


async def test_where_tags_may_move_the_newest_image_has_the_tag() -> None:
    world = World(moving_tags())
    digests = await released(world, "latest", "latest", "latest")
    for environment in ("staging", "prod"):
        assert world.served(environment, "latest") == digests[-1]
        assert world.served(environment, "current") == digests[-1]
        assert await world.current(environment) == digests[-1]
        assert codes(world, environment) == [None, None, None]


async def test_an_older_push_of_a_moving_tag_that_comes_late_is_not_copied() -> None:
    world = World(moving_tags())
    older = world.registry.push(registry_id("dev"), WEB, "latest")
    late = world.pushed("dev", "latest", older)
    [newer] = await released(world, "latest")
    await world.deliver(late)
    await world.report("unit-tests", "passed", older)
    await world.run()
    assert world.served("staging", "latest") == newer
    assert [record.digest for record in world.records("staging")] == [newer]


async def test_a_tag_that_is_moved_back_at_its_source_is_moved_back() -> None:
    world = World(moving_tags())
    first, second = await released(world, "latest", "latest")
    await world.push("latest", first)
    await world.run()
    assert await world.current("prod") == first
    assert world.served("prod", "latest") == first
    assert [record.digest for record in world.records("prod")] == [first, second, first]


@pytest.mark.parametrize("order", [(1, 2, 3), (1, 3, 2), (2, 1, 3), (2, 3, 1), (3, 1, 2), (3, 2, 1)])
async def test_a_tag_that_came_back_ends_the_same_in_whatever_order_that_is_told(
    order: tuple[int, ...],
) -> None:
    world = World(moving_tags())
    one = world.registry.push(registry_id("dev"), WEB, "latest")
    two = world.registry.push(registry_id("dev"), WEB, "latest")
    world.registry.push(registry_id("dev"), WEB, "latest", one)
    for each in (one, two):
        await world.report("unit-tests", "passed", each)
    start = world.clock.now()
    world.clock.advance(timedelta(seconds=10))
    for number in order:
        event = world.pushed("dev", "latest", two if number == 2 else one)
        await world.deliver(replace(event, at=start + timedelta(seconds=number)))
        await world.run()
    assert world.served("staging", "latest") == one
    assert await world.current("staging") == one


async def test_the_same_image_under_the_same_tag_again_is_nothing_new() -> None:
    world = World()
    [image] = await released(world, "v1")
    await qualified(world, "v1", image)
    await world.run()
    assert world.story("staging") == ["automatic v1 succeeded"]


async def test_one_image_under_two_tags_is_two_promotions() -> None:
    world = World()
    [image] = await released(world, "v1")
    await world.push("v1.0", image)
    await world.run()
    assert world.story("prod") == ["automatic v1 succeeded", "automatic v1.0 succeeded"]
    assert world.served("prod", "v1.0") == image


async def by_hand(world: World, digest: Digest) -> None:
    """Promote an image to staging by its digest."""
    promoted = started(await promote(world.app, Wanted(Repository(WEB), "staging", digest=digest), ANN))
    await world.wake([advance(promoted.record.line_key)])
    await world.run()


IN_EITHER_ORDER = [(digest(1), digest(2)), (digest(2), digest(1))]


@pytest.mark.parametrize(("older", "newer"), IN_EITHER_ORDER)
async def test_an_older_image_promoted_by_hand_leaves_the_newer_one_of_its_tag_waiting(
    older: Digest, newer: Digest
) -> None:
    world = World(moving_tags())
    await qualified(world, "latest", older)
    await world.push("latest", newer)
    await by_hand(world, older)
    assert await world.current("staging") == older
    assert [candidate.digest for candidate in world.candidates("staging")] == [newer]

    await world.report("unit-tests", "passed", newer)
    await world.run()
    assert await world.current("staging") == newer


@pytest.mark.parametrize(("older", "newer"), IN_EITHER_ORDER)
async def test_an_older_image_promoted_by_hand_stays_when_the_newer_push_is_told_again(
    older: Digest, newer: Digest
) -> None:
    world = World(moving_tags())
    await qualified(world, "latest", older)
    await world.run()
    await qualified(world, "latest", newer)
    push = world.pushed("dev", "latest", newer)
    await world.run()
    await by_hand(world, older)
    assert await world.current("staging") == older
    await world.deliver(push)
    await world.run()
    assert await world.current("staging") == older


@pytest.mark.parametrize(("older", "newer"), IN_EITHER_ORDER)
async def test_an_older_image_promoted_by_hand_goes_behind_the_newer_one_that_is_pending(
    older: Digest, newer: Digest
) -> None:
    world = World(moving_tags())
    await qualified(world, "latest", older)
    await world.run()
    await in_flight(world, "v1")
    await qualified(world, "latest", newer)
    await by_hand(world, older)
    world.registry.finish_late()
    await world.run()
    assert world.story("staging")[1:] == [
        "automatic v1 succeeded",
        "automatic latest succeeded",
        "manual latest succeeded",
    ]
    assert await world.current("staging") == older
