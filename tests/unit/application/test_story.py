"""The three uses: automatic promotion, promotion by hand, and rollback."""

import pytest

from promoter.application.promote import NotQualifiedError
from promoter.domain.promotion import Phase
from tests.fakes.world import World, policy


async def test_a_push_waits_for_its_gate_and_then_goes_to_staging_and_prod() -> None:
    world = World()
    digest = await world.push("v1")
    await world.run()
    [candidate] = world.candidates("staging")
    assert candidate.decision.reasons == "waits for gate unit-tests in dev; nothing reported yet"

    await world.report("unit-tests", "passed", digest)
    await world.run()
    assert world.story("staging") == ["automatic v1 succeeded"]
    assert world.served("staging", "v1") == digest
    assert world.served("staging", "current") == digest
    assert await world.current("staging") == digest
    assert world.candidates("staging") == []

    await world.report("integration-tests", "passed", digest, "staging")
    await world.run()
    assert world.story("prod") == ["automatic v1 succeeded"]
    assert world.served("prod", "current") == digest


async def test_a_verdict_may_come_before_its_push() -> None:
    world = World()
    digest = world.registry.push("/x", "shop/web", "v1")
    await world.report("unit-tests", "passed", digest)
    await world.push("v1", digest)
    await world.run()
    assert world.story("staging") == ["automatic v1 succeeded"]


async def test_the_same_push_and_verdict_many_times_make_one_promotion() -> None:
    world = World()
    digest = await world.push("v1")
    event = world.pushed("dev", "v1", digest)
    for _ in range(3):
        await world.deliver(event)
        await world.report("unit-tests", "passed", digest)
        await world.run()
        await world.deliver(event)
        await world.report("unit-tests", "passed", digest)
    assert world.story("staging") == ["automatic v1 succeeded"]


async def test_promotion_by_hand_then_rollback_keeps_the_bad_image_out() -> None:
    world = World(policy(automatic_to_prod=False))
    digests = {}
    for tag in ("v1", "v2"):
        digests[tag] = await world.push(tag)
        await world.report("unit-tests", "passed", digests[tag])
        await world.run()
        await world.report("integration-tests", "passed", digests[tag], "staging")
        await world.run()
        promoted = await world.promote(tag)
        assert not promoted.already
        assert (await world.promote(tag)).record.id == promoted.record.id
        await world.run()
        assert (await world.promote(tag)).already
    assert await world.current("prod") == digests["v2"]

    first = world.records("prod")[-1]
    rollback = await world.roll_back(first.id)
    assert (await world.roll_back(first.id)).id == rollback.id
    await world.run()
    assert world.story("prod") == ["manual v1 succeeded", "manual v2 succeeded", "rollback v1 succeeded"]
    assert await world.current("prod") == digests["v1"]
    assert world.served("prod", "current") == digests["v1"]
    assert world.served("prod", "v2") == digests["v2"]
    with pytest.raises(NotQualifiedError, match="was rolled back in prod"):
        await world.promote("v2")
    with pytest.raises(NotQualifiedError, match=r"runs the image of record .* already"):
        await world.roll_back(first.id)


async def test_after_a_rollback_automation_waits_for_the_hold_and_never_takes_the_vetoed_image() -> None:
    world = World()
    for tag in ("v1", "v2"):
        digest = await world.push(tag)
        await world.report("unit-tests", "passed", digest)
        await world.run()
        await world.report("integration-tests", "passed", digest, "staging")
        await world.run()
    await world.roll_back(world.records("prod")[-1].id)
    await world.run()
    third = await world.push("v3")
    await world.report("unit-tests", "passed", third)
    await world.run()
    await world.report("integration-tests", "passed", third, "staging")
    await world.run()
    [candidate] = world.candidates("prod")
    assert [condition.kind for condition in candidate.decision.unmet] == ["hold"]
    assert world.records("prod")[0].phase is Phase.SUCCEEDED
