"""Every way an import can go, and what becomes of the promotion."""

from datetime import timedelta
from itertools import pairwise

from promoter.application.documents import Todo, TodoKind
from promoter.application.explain import explain
from promoter.application.ports import ImportStatus, Progress
from promoter.application.promote import Wanted
from promoter.application.retry import retry
from promoter.domain.decision import Outcome
from promoter.domain.image import Repository, Tag
from promoter.domain.promotion import FailureCode, Phase
from tests.fakes.world import ANN, WEB, World, policy, registry_id
from tests.unit.application.stories import (
    DAY,
    HOUR,
    MINUTE,
    codes,
    failure,
    imported,
    in_flight,
    qualified,
    run_slow_imports,
)

SUCCEEDED = ["automatic v1 succeeded"]
EVERYTHING = {
    "name": "everything",
    "from": "dev",
    "to": "staging",
    "repositories": ["**"],
    "tags": ["*"],
    "automatic": True,
}


async def test_an_import_that_is_done_at_once_is_not_asked_for_again() -> None:
    world = World(polls=0)
    digest = await qualified(world, "v1")
    await world.drain()
    assert world.story("staging") == SUCCEEDED
    assert imported(world) == ["v1", "current"]
    assert world.served("staging", "current") == digest


async def test_a_long_import_is_asked_about_until_it_ends() -> None:
    world = World(polls=50)
    await qualified(world, "v1")
    await world.run(29 * MINUTE)
    assert world.story("staging") == SUCCEEDED
    assert imported(world) == ["v1", "current"]


async def test_where_the_registry_does_not_say_where_to_ask_the_target_itself_tells() -> None:
    world = World()
    world.registry.names_operation = False
    digest = await qualified(world, "v1")
    await run_slow_imports(world)
    assert world.story("staging") == SUCCEEDED
    assert imported(world) == ["v1", "current"]
    assert world.served("staging", "current") == digest


async def test_an_import_of_which_nothing_is_heard_is_asked_for_again_after_two_minutes() -> None:
    world = World()
    world.registry.names_operation = False
    await qualified(world, "v1")
    await world.run(2 * MINUTE - timedelta(seconds=1))
    assert imported(world) == ["v1"]
    await world.run(15 * timedelta(seconds=1))
    assert imported(world) == ["v1", "v1"]
    [record] = world.records("staging")
    assert record.attempt is not None
    assert record.attempt.number == 2


async def test_what_has_ended_but_is_not_served_is_imported_again() -> None:
    world = World()
    world.registry.answer_poll(Progress.ENDED)
    digest = await qualified(world, "v1")
    await world.run()
    assert world.story("staging") == SUCCEEDED
    assert imported(world) == ["v1", "v1", "current"]
    assert world.served("staging", "v1") == digest


async def test_what_the_registry_calls_done_three_times_and_does_not_serve_has_failed() -> None:
    world = World()
    for _ in range(3):
        world.registry.answer_submit(ImportStatus(Progress.ENDED))
    await qualified(world, "v1")
    await world.run(MINUTE)
    record = world.records("staging")[-1]
    assert record.phase is Phase.FAILED
    assert failure(record).code is FailureCode.IMPORT_FAILED
    assert failure(record).message == "the registry said that it was done, but does not serve the image"


async def test_an_import_that_failed_once_is_tried_again_within_the_promotion() -> None:
    world = World()
    world.registry.answer_poll(Progress.FAILED, "the backend hiccuped")
    await qualified(world, "v1")
    await world.run()
    assert world.story("staging") == SUCCEEDED
    assert imported(world) == ["v1", "v1", "current"]


async def test_an_import_that_failed_three_times_fails_the_promotion_in_the_registrys_words() -> None:
    world = World()
    for _ in range(3):
        world.registry.answer_poll(Progress.FAILED, "the backend hiccuped")
    await qualified(world, "v1")
    await world.run(MINUTE)
    [record] = world.records("staging")
    assert record.phase is Phase.FAILED
    assert failure(record).code is FailureCode.IMPORT_FAILED
    assert failure(record).message == "the backend hiccuped"
    assert imported(world) == ["v1", "v1", "v1"]


async def test_where_polling_is_forbidden_the_target_itself_tells() -> None:
    world = World()
    world.registry.stick_next()
    for _ in range(100):
        world.registry.answer_poll(Progress.FORBIDDEN, "locations/operationResults/read is missing")
    await qualified(world, "v1")
    await run_slow_imports(world)
    assert world.story("staging") == SUCCEEDED
    assert imported(world)[0] == "v1"
    assert "current" in imported(world)


async def test_without_permission_the_promotion_fails_in_words_and_is_tried_again_later() -> None:
    world = World()
    world.registry.answer_submit(ImportStatus(Progress.FORBIDDEN, message="the role is missing on devacr"))
    await qualified(world, "v1")
    await world.drain()
    [record] = world.records("staging")
    assert failure(record).code is FailureCode.NO_PERMISSION
    assert failure(record).message == "the role is missing on devacr"
    [candidate] = world.candidates("staging")
    assert candidate.decision.reasons == "failed (no-permission); tried again for the 1st of 5 times"
    assert candidate.decision.earliest == world.clock.now() + MINUTE
    why = await explain(world.app, Wanted(Repository(WEB), "staging", tag=Tag("v1")))
    assert (why.outcome, why.reasons) == (Outcome.WAITING, candidate.decision.reasons)
    assert why.earliest == candidate.decision.earliest

    await world.run()
    why = await explain(world.app, Wanted(Repository(WEB), "staging", tag=Tag("v1")))
    assert why.outcome is Outcome.QUALIFIED
    assert world.story("staging") == ["automatic v1 failed", "automatic v1 succeeded"]
    assert world.records("staging")[0].retry_of == record.id
    assert world.candidates("staging") == []


async def test_what_has_failed_for_good_is_not_said_to_qualify() -> None:
    world = World()
    world.registry.answer_submit(ImportStatus(Progress.TOO_MANY_MANIFESTS, message="more than 50 manifests"))
    await qualified(world, "v1")
    await world.drain()
    [record] = world.records("staging")

    why = await explain(world.app, Wanted(Repository(WEB), "staging", tag=Tag("v1")))
    assert why.outcome is Outcome.REFUSED
    assert why.reasons == f"{record.id} has failed and is not tried again by itself: more than 50 manifests"

    await retry(world.app, record.id, ANN)
    await world.run()
    why = await explain(world.app, Wanted(Repository(WEB), "staging", tag=Tag("v1")))
    assert why.outcome is Outcome.QUALIFIED


async def test_a_time_out_after_the_import_was_done_is_no_conflict() -> None:
    world = World(polls=0)
    world.registry.fail_submit(executed=True)
    await qualified(world, "v1")
    await world.run()
    assert world.story("staging") == SUCCEEDED
    assert imported(world) == ["v1", "current"]


async def test_a_tag_that_an_unheard_import_has_set_meanwhile_is_no_conflict() -> None:
    world = World()
    world.registry.fail_submit(executed=True)
    world.registry.answer_submit(ImportStatus(Progress.TAG_EXISTS, message="Tag v1 already exists"))
    digest = await qualified(world, "v1")
    await world.run(timedelta(seconds=10))
    world.registry.finish_late()
    await world.run()
    assert world.story("staging") == SUCCEEDED
    assert world.served("staging", "v1") == digest


async def test_a_time_out_before_anything_happened_is_tried_again() -> None:
    world = World()
    world.registry.fail_submit()
    await qualified(world, "v1")
    await world.run()
    assert world.story("staging") == SUCCEEDED
    assert imported(world) == ["v1", "v1", "current"]


async def test_a_registry_that_asks_to_be_left_alone_is_left_alone_by_every_promotion() -> None:
    world = World()
    world.registry.fail_submit(retry_after=10 * MINUTE)
    for name in ("shop/web", "shop/api"):
        digest = await world.push("v1", repository=name)
        await world.report("unit-tests", "passed", digest, repository=name)
        await world.drain()
    asked_at = world.clock.now() - timedelta(seconds=1)
    assert world.app.throttled == {"staging": asked_at + 10 * MINUTE}

    await world.run(9 * MINUTE)
    assert [each.repository for each in world.registry.submitted] == ["shop/web"]
    await world.run(5 * MINUTE)
    for name in ("shop/web", "shop/api"):
        assert [each.phase for each in world.records("staging", repository=name)] == [Phase.SUCCEEDED]


async def test_a_registry_that_asks_to_be_left_alone_does_not_keep_the_others() -> None:
    world = World()
    digest = await world.push("v1")
    await world.report("unit-tests", "passed", digest)
    await world.run()
    world.registry.fail_submit(retry_after=10 * MINUTE)
    await world.report("integration-tests", "passed", digest, "staging")
    await world.run(MINUTE)
    assert list(world.app.throttled) == ["prod"]
    other = await world.push("v1", repository="shop/api")
    await world.report("unit-tests", "passed", other, repository="shop/api")
    await world.run(MINUTE)
    assert await world.current("staging", repository="shop/api") == other
    assert world.story("prod") == ["automatic v1 importing"]


async def test_a_poll_that_is_throttled_backs_off_too() -> None:
    world = World()
    await in_flight(world, "v1")
    world.registry.fail_poll(retry_after=5 * MINUTE)
    await world.run(timedelta(seconds=15))
    assert world.app.throttled["staging"] > world.clock.now() + 4 * MINUTE
    world.registry.finish_late()
    await world.run(10 * MINUTE)
    assert world.story("staging") == SUCCEEDED


async def test_an_image_that_its_source_has_no_more_is_not_tried_again() -> None:
    world = World()
    digest = await qualified(world, "v1")
    world.registry.delete(registry_id("dev"), WEB, digest)
    await world.run(DAY)
    [record] = world.records("staging")
    assert failure(record).code is FailureCode.SOURCE_MISSING
    assert failure(record).message == f"{WEB}@{digest} is in its source registry no more; push it again"


async def test_an_image_of_too_many_manifests_is_not_tried_again() -> None:
    world = World()
    digest = world.registry.push(registry_id("dev"), WEB, "v1", manifests=51)
    await world.deliver(world.pushed("dev", "v1", digest))
    await world.report("unit-tests", "passed", digest)
    await world.run(DAY)
    [record] = world.records("staging")
    assert failure(record).code is FailureCode.TOO_MANY_MANIFESTS
    assert failure(record).message == "maximum number of manifests for an imported image is 50"
    assert imported(world) == ["v1"]


async def test_an_import_that_never_ends_is_given_up_after_thirty_minutes() -> None:
    world = World()
    await in_flight(world, "v1")
    await world.run(30 * MINUTE)
    assert world.story("staging") == ["automatic v1 importing"]
    await world.run(MINUTE)
    record = world.records("staging")[-1]
    assert failure(record).code is FailureCode.TIMED_OUT
    assert failure(record).message.startswith("given up after 30 minutes")


async def test_automation_tries_again_five_times_as_new_records_and_then_leaves_it() -> None:
    world = World()
    for _ in range(6):
        world.registry.stick_next()
    digest = await qualified(world, "v1")
    await world.run(DAY)
    records = list(reversed(world.records("staging")))
    assert codes(world, "staging") == [FailureCode.TIMED_OUT] * 6
    assert [record.retry_of for record in records] == [None, *(record.id for record in records[:-1])]
    waits = [
        (after.created_at - before.completed_at) // MINUTE
        for before, after in pairwise(records)
        if before.completed_at
    ]
    assert waits == [1, 2, 4, 8, 16]
    assert world.candidates("staging") == []

    await world.deliver(world.pushed("dev", "v1", digest))
    await world.report("unit-tests", "passed", digest)
    await world.reconcile()
    await world.run(DAY)
    assert len(world.records("staging")) == 6

    await world.promote("v1", "staging")
    await world.run()
    assert world.story("staging")[-1] == "manual v1 succeeded"


async def test_a_newer_image_has_five_retries_of_its_own() -> None:
    world = World()
    for _ in range(3 + 6):
        world.registry.stick_next()
    older = await qualified(world, "latest")
    await world.run(HOUR + 35 * MINUTE)
    assert [record.digest for record in world.records("staging")] == [older] * 3
    newer = await qualified(world, "latest")
    await world.run(DAY)
    records = world.records("staging")
    assert [record.digest for record in records] == [newer] * 6 + [older] * 3
    assert records[5].retry_of is None


async def test_a_pointer_that_an_abandoned_import_moves_back_later_is_set_right() -> None:
    world = World()
    older, digest = await qualified(world, "v1"), None
    await world.run(timedelta(seconds=15))
    world.registry.names_operation = False  # the pointer's import is accepted, and nothing is heard of it
    await world.run(timedelta(seconds=5))
    assert imported(world) == ["v1", "current"]
    await world.run(31 * MINUTE)
    record = world.records("staging")[-1]
    assert failure(record).code is FailureCode.TIMED_OUT
    assert record.may_finish_late
    assert [todo.kind for todo in world.promotions.rows(Todo)].count(TodoKind.RECHECK) >= 1

    world.registry.names_operation = True
    digest = await qualified(world, "v2")
    await world.run(10 * MINUTE)
    assert world.served("staging", "current") == digest
    world.registry.finish_late()
    assert world.served("staging", "current") == older
    for _ in range(20):
        await world.run(6 * MINUTE)
        await world.reconcile()
        world.registry.finish_late()
    assert world.served("staging", "current") == digest
    assert await world.current("staging") == digest
    assert [todo for todo in world.promotions.rows(Todo) if todo.kind is TodoKind.RECHECK] == []


async def test_an_untagged_child_and_a_referrers_tag_set_nothing_in_motion() -> None:
    world = World()
    digest = world.registry.push(registry_id("dev"), WEB, None)
    await world.deliver(world.pushed("dev", None, digest))
    await world.deliver(world.pushed("dev", "sha256-" + "0" * 64, digest))
    await world.run(DAY)
    assert world.evidence.snapshot() == {}
    assert world.promotions.snapshot() == {}


async def test_a_tag_that_is_the_targets_pointer_is_promoted_nowhere() -> None:
    world = World(policy(rules=[EVERYTHING]))
    await world.push("current")
    await world.push("v1")
    await world.run()
    assert world.story("staging") == SUCCEEDED
