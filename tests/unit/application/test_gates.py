"""Verdicts: by digest or by tag, early, late, tied, and after the fact."""

from datetime import timedelta

import pytest

from promoter.application.take_gate_result import GateReport, Reported, UnknownTagError, take_gate_result
from promoter.domain.errors import InvalidError, NotFoundError, RefusedError
from promoter.domain.evidence import Verdict
from promoter.domain.image import Digest, Repository, Tag
from promoter.domain.promotion import FailureCode, Phase
from tests.fakes.world import ANN, WEB, World, policy, registry_id
from tests.unit.application.stories import failure, in_flight, moving_tags, released


async def report(world: World, verdict: str = "passed", **changes: object) -> Reported:
    """Report a verdict of unit-tests in dev, and let everything happen that follows."""
    given: dict[str, object] = {"environment": "dev", "gate": "unit-tests", "verdict": Verdict(verdict)}
    made = GateReport(Repository(WEB), **(given | changes))  # type: ignore[arg-type]
    reported = await take_gate_result(world.app, made, ANN, guard=False)
    await world.wake(reported.wake)
    await world.run()
    return reported


def told_late(world: World, tag: str) -> tuple[Digest, object]:
    """An image that was pushed now, and of which nobody has told yet."""
    digest = world.registry.push(registry_id("dev"), WEB, tag)
    event = world.pushed("dev", tag, digest)
    world.clock.advance(timedelta(seconds=1))
    return digest, event


async def test_a_tag_that_has_named_one_image_stands_for_that_image() -> None:
    world = World()
    digest = await world.push("v1")
    reported = await report(world, tag=Tag("v1"))
    assert reported.image.digest == digest
    assert world.story("staging") == ["automatic v1 succeeded"]


async def test_a_tag_that_has_moved_says_nothing_of_an_image() -> None:
    world = World()
    await world.push("v1")
    await world.push("v1")
    with pytest.raises(RefusedError, match="has named more than one image"):
        await report(world, tag=Tag("v1"))
    assert world.story("staging") == []


async def test_a_tag_has_moved_also_when_the_earlier_push_is_told_later() -> None:
    world = World()
    _, late = told_late(world, "v1")
    await world.push("v1")
    await world.deliver(late)  # type: ignore[arg-type]
    with pytest.raises(RefusedError, match="has named more than one image"):
        await report(world, tag=Tag("v1"))
    assert world.story("staging") == []


async def test_a_tag_that_came_back_to_its_first_image_has_moved() -> None:
    world = World(moving_tags())
    first = await world.push("latest")
    await world.push("latest")
    await world.push("latest", first)
    with pytest.raises(RefusedError, match="has named more than one image"):
        await report(world, tag=Tag("latest"))


async def test_a_tag_of_which_no_push_is_known_is_unknown_for_now() -> None:
    world = World()
    with pytest.raises(UnknownTagError, match="no push of shop/web:v1 in dev is known yet; wait for it"):
        await report(world, tag=Tag("v1"))
    await world.push("v1")
    await report(world, tag=Tag("v1"))
    assert world.story("staging") == ["automatic v1 succeeded"]


async def test_an_image_is_named_by_digest_or_by_tag_not_by_both_or_neither() -> None:
    world = World()
    digest = await world.push("v1")
    for named in ({}, {"tag": Tag("v1"), "digest": digest}):
        with pytest.raises(InvalidError, match="one of both"):
            await report(world, **named)


async def test_a_verdict_on_an_unknown_environment_is_refused() -> None:
    world = World()
    digest = await world.push("v1")
    with pytest.raises(NotFoundError, match="no environment 'qa'"):
        await report(world, digest=digest, environment="qa")


async def test_a_verdict_that_nobody_asks_for_is_kept_and_wakes_nothing() -> None:
    world = World()
    digest = await world.push("v1")
    reported = await report(world, digest=digest, gate="lint")
    assert reported.wake == []
    evidence = await world.evidence.load(reported.image)
    assert evidence.gate("dev", "lint") == reported.result
    assert world.story("staging") == []


async def test_a_verdict_says_who_reported_it_and_when() -> None:
    world = World()
    digest = await world.push("v1")
    reported = await report(world, digest=digest, issuer="ci", evidence="12 tests", url="https://ci/1")
    result = (await world.evidence.load(reported.image)).gate("dev", "unit-tests")
    assert result is not None
    assert (result.issuer, result.evidence, result.url) == ("ci", "12 tests", "https://ci/1")
    assert result.reported_by == ANN
    record = world.records("staging")[0]
    assert record.decision is not None
    assert [each.evidence for each in record.decision.conditions if each.kind == "gate"] == [result]


@pytest.mark.parametrize("order", [("failed", "passed"), ("passed", "failed")])
async def test_of_two_verdicts_the_later_counts_whichever_comes_first(order: tuple[str, str]) -> None:
    """The failed verdict is the earlier one by its own time."""
    world = World()
    digest = await world.push("v1")
    now = world.clock.now()
    times = {"failed": now - timedelta(minutes=2), "passed": now - timedelta(minutes=1)}
    for verdict in order:
        await report(world, verdict, digest=digest, at=times[verdict])
    assert world.story("staging") == ["automatic v1 succeeded"]


async def test_of_two_verdicts_at_one_time_the_failed_one_counts() -> None:
    world = World()
    digest = await world.push("v1")
    now = world.clock.now()
    await report(world, "failed", digest=digest, at=now)
    await report(world, "passed", digest=digest, at=now)
    assert world.story("staging") == []
    [candidate] = world.candidates("staging")
    assert "gate unit-tests in dev failed" in candidate.decision.reasons


async def test_a_verdict_from_the_future_is_refused_and_not_kept() -> None:
    world = World()
    digest = await world.push("v1")
    with pytest.raises(InvalidError, match="check the reporter's clock"):
        await report(world, digest=digest, at=world.clock.now() + timedelta(minutes=6))
    assert "gate" not in str(world.evidence.snapshot().keys())


async def test_a_failed_verdict_stops_what_has_not_started() -> None:
    world = World()
    await in_flight(world, "v1")
    digest = await world.push("v2")
    await report(world, digest=digest)
    assert world.story("staging") == ["automatic v1 importing", "automatic v2 pending"]
    await report(world, "failed", digest=digest)
    world.registry.finish_late()
    await world.run()
    assert world.story("staging") == ["automatic v1 succeeded", "automatic v2 superseded"]
    record = world.records("staging")[0]
    assert failure(record).code is FailureCode.NO_LONGER_QUALIFIED
    assert "gate unit-tests in dev failed" in failure(record).message
    assert [each.digest for each in world.candidates("staging")] == [digest]

    world.clock.advance(timedelta(seconds=1))
    await report(world, digest=digest)
    assert world.story("staging")[-1] == "automatic v2 succeeded"


async def test_a_failed_verdict_after_the_fact_undoes_nothing_and_is_kept() -> None:
    world = World()
    [digest] = await released(world, "v1")
    await report(world, "failed", digest=digest)
    assert world.story("staging") == ["automatic v1 succeeded"]
    assert await world.current("prod") == digest
    record = world.records("staging")[0]
    assert record.decision is not None
    assert record.decision.qualified


async def test_a_failed_verdict_on_the_way_stops_the_next_step() -> None:
    world = World()
    digest = await world.push("v1")
    await report(world, digest=digest)
    await report(world, "failed", digest=digest, environment="staging", gate="integration-tests")
    assert world.records("staging")[0].phase is Phase.SUCCEEDED
    assert world.story("prod") == []
    [candidate] = world.candidates("prod")
    assert candidate.decision.reasons.startswith("gate integration-tests in staging failed")


async def test_a_gate_in_another_environment_wakes_the_rule_that_asks_for_it() -> None:
    selected = {"repositories": ["shop/*"], "tags": ["v*"], "automatic": True}
    scan = {"name": "scan", "environment": "dev"}
    rules = [
        {"name": "one", "from": "dev", "to": "staging"} | selected,
        {"name": "two", "from": "staging", "to": "prod", "gates": [scan]} | selected,
    ]
    world = World(policy(rules=rules))
    digest = await world.push("v1")
    await world.run()
    assert world.story("prod") == []
    await report(world, digest=digest, gate="scan")
    assert world.story("prod") == ["automatic v1 succeeded"]


async def test_a_guarded_report_puts_a_message_before_it_stores_anything() -> None:
    world = World()
    digest = await world.push("v1")
    await world.run()
    made = GateReport(Repository(WEB), "dev", "unit-tests", Verdict.PASSED, digest=digest)
    await take_gate_result(world.app, made, ANN, guard=True)  # what it would wake is lost
    assert world.story("staging") == ["automatic v1 pending"]
    await world.run()
    assert world.story("staging") == ["automatic v1 succeeded"]
