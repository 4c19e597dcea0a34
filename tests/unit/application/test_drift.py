"""What happens in a target's registry: Promoter's own doing is an echo, everything else is drift."""

import logging
from datetime import timedelta

import pytest
from msgspec.structs import replace

from promoter.application.ports import ImportStatus, Progress
from promoter.application.take_push import Change, RegistryEvent, unknown_registries
from promoter.domain.image import Digest, Repository, Tag
from promoter.domain.line import Drift
from tests.fakes.world import WEB, World, registry_id
from tests.unit.application.stories import (
    HOUR,
    in_flight,
    moving_tags,
    qualified,
    released,
)


async def drift(world: World, environment: str = "staging") -> tuple[Drift, ...]:
    return (await world.line(environment)).drift


def deleted(world: World, environment: str, digest: Digest) -> RegistryEvent:
    registry = registry_id(environment)
    return RegistryEvent(Change.DELETED, registry, Repository(WEB), digest, None, world.clock.now())


async def test_the_late_echo_of_an_import_whose_promotion_has_failed_since_is_no_drift() -> None:
    world = World()
    digest = await qualified(world, "v1")
    await world.drain()
    world.registry.answer_submit(ImportStatus(Progress.FORBIDDEN, message="the role is missing"))
    await world.run(timedelta(seconds=30))
    assert world.story("staging") == ["automatic v1 failed"]
    assert world.served("staging", "v1") == digest
    await world.deliver(world.pushed("staging", "v1", digest))
    assert await drift(world) == ()


async def test_the_echo_of_an_own_import_is_no_drift_whenever_it_comes() -> None:
    world = World()
    digest = await qualified(world, "v1")
    await world.drain()
    tag, pointer = world.pushed("staging", "v1", digest), world.pushed("staging", "current", digest)
    for _ in range(3):
        await world.deliver(tag)
        await world.deliver(pointer)
        await world.run(timedelta(seconds=25))
    await world.run()
    await world.deliver(tag)
    await world.deliver(pointer)
    assert await drift(world) == ()
    assert world.story("staging") == ["automatic v1 succeeded"]


@pytest.mark.parametrize("tags", [("v1", "v2"), ("latest", "latest")])
async def test_the_echoes_of_earlier_images_are_no_drift_after_later_ones(tags: tuple[str, ...]) -> None:
    world = World(moving_tags())
    echoes = []
    for tag in tags:
        [digest] = await released(world, tag)
        at = world.records("prod")[0].completed_at
        assert at is not None
        earlier = at - timedelta(seconds=5)
        echoes += [replace(world.pushed("prod", name, digest), at=earlier) for name in (tag, "current")]
    for echo in echoes:
        await world.deliver(echo)
    assert await drift(world, "prod") == ()


async def test_the_echoes_of_a_rollback_and_of_what_was_rolled_back_are_no_drift() -> None:
    world = World(moving_tags())
    first, second = await released(world, "latest", "latest")
    late = world.pushed("prod", "current", second)
    await world.roll_back(world.records("prod")[-1].id)
    await world.run()
    echoes = [world.pushed("prod", name, first) for name in ("current", "latest")]
    for echo in (*echoes, late):
        await world.deliver(echo)
    assert await drift(world, "prod") == ()


async def test_an_image_that_somebody_else_pushed_into_a_target_is_drift_and_nothing_follows() -> None:
    world = World()
    foreign = world.registry.push(registry_id("staging"), WEB, "v9")
    await world.report("integration-tests", "passed", foreign, "staging")
    for _ in range(2):
        await world.deliver(world.pushed("staging", "v9", foreign))
    await world.run()
    [found] = await drift(world)
    assert found == Drift("pushed", foreign, world.clock.now() - timedelta(minutes=5), Tag("v9"))
    assert world.story("prod") == []
    assert world.candidates("prod") == []


async def test_a_tag_that_is_moved_by_somebody_else_is_drift() -> None:
    world = World()
    await released(world, "v1")
    foreign = world.registry.push(registry_id("prod"), WEB, "v1")
    await world.deliver(world.pushed("prod", "v1", foreign))
    assert [each.digest for each in await drift(world, "prod")] == [foreign]


async def test_a_pointer_that_is_moved_by_somebody_else_is_drift() -> None:
    world = World()
    first, _ = await released(world, "v1", "v2")
    world.clock.advance(HOUR)
    await world.deliver(world.pushed("prod", "current", first))
    assert [each.digest for each in await drift(world, "prod")] == [first]


async def test_a_pointer_that_was_moved_is_set_right_by_promoting_the_image_again() -> None:
    world = World()
    first, second = await released(world, "v1", "v2")
    world.clock.advance(HOUR)
    world.registry.push(registry_id("prod"), WEB, "current", first)
    await world.deliver(world.pushed("prod", "current", first))
    promoted = await world.promote("v2")
    assert not promoted.already
    await world.run()
    assert world.served("prod", "current") == second
    assert await drift(world, "prod") == ()
    assert (await world.promote("v2")).already


async def test_a_waiting_image_that_somebody_else_imported_is_drift() -> None:
    world = World()
    digest = await world.push("v1")
    await world.deliver(world.pushed("staging", "v1", digest))
    assert [each.digest for each in await drift(world)] == [digest]


async def test_a_foreign_tag_while_an_import_runs_is_drift() -> None:
    world = World()
    await in_flight(world, "v1")
    foreign = world.registry.push(registry_id("staging"), WEB, "v7")
    await world.deliver(world.pushed("staging", "v7", foreign))
    assert [each.digest for each in await drift(world)] == [foreign]


async def test_the_deletion_of_what_runs_is_drift_and_of_anything_else_is_not() -> None:
    world = World()
    first, second = await released(world, "v1", "v2")
    await world.deliver(deleted(world, "prod", first))
    assert await drift(world, "prod") == ()
    await world.deliver(deleted(world, "prod", second))
    [found] = await drift(world, "prod")
    assert (found.change, found.digest, found.tag) == ("deleted", second, None)


async def test_the_next_promotion_ends_the_drift() -> None:
    world = World()
    [first] = await released(world, "v1")
    await world.deliver(deleted(world, "prod", first))
    await released(world, "v2")
    assert await drift(world, "prod") == ()


async def test_what_no_rule_is_about_is_no_drift() -> None:
    world = World()
    for environment, tag, repository in (
        ("staging", "nightly", WEB),
        ("staging", "v1", "other/web"),
        ("staging", None, WEB),
        ("staging", "current", WEB),
        ("staging", "sha256-" + "0" * 64, WEB),
    ):
        digest = world.registry.push(registry_id(environment), repository, tag)
        await world.deliver(world.pushed(environment, tag, digest, repository=repository))
        await world.deliver(deleted(world, environment, digest))
    assert world.promotions.snapshot() == {}


async def test_a_deletion_at_the_source_changes_nothing() -> None:
    world = World()
    [digest] = await released(world, "v1")
    before = world.promotions.snapshot()
    await world.deliver(deleted(world, "dev", digest))
    assert world.promotions.snapshot() == before


async def test_an_unknown_registry_is_told_once_and_counted_every_time(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = World()
    event = replace(world.pushed("dev", "v1", world.registry.push("/x", WEB, "v1")), registry="/told/once")
    with caplog.at_level(logging.DEBUG, logger="promoter"):
        await world.deliver(event)
        await world.deliver(replace(event, registry="/TOLD/once"))
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "/told/once" in caplog.records[0].getMessage()
    assert unknown_registries["/told/once"] == 2
    assert world.evidence.snapshot() == {}


async def test_a_registrys_id_is_compared_without_regard_to_case() -> None:
    world = World()
    digest = world.registry.push(registry_id("dev"), WEB, "v1")
    await world.report("unit-tests", "passed", digest)
    await world.deliver(replace(world.pushed("dev", "v1", digest), registry=registry_id("dev").upper()))
    await world.run()
    assert world.story("staging") == ["automatic v1 succeeded"]
