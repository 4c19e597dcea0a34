"""Where images come from and go to: registries outside the tenant, several tracks, several ways."""

from datetime import timedelta

from promoter.application.promote import Wanted, promote
from promoter.application.take_push import Change, RegistryEvent
from promoter.application.work import advance
from promoter.domain.codec import plain
from promoter.domain.image import Digest, Repository, Tag
from promoter.domain.line import LineKey
from promoter.domain.policy import Credentials, ForeignRegistry, Policy, SettingReference
from tests.fakes.world import ANN, APPROVERS, WEB, World, policy, registry_id, started
from tests.unit.application.stories import conditional, imported
from tests.unit.domain.strategies import digest

REPOSITORY = Repository(WEB)
HUB = ForeignRegistry("docker.io", Credentials(SettingReference("${HUB_TOKEN}")))
RULE = {"repositories": ["**"], "tags": ["*"], "automatic": True}


def outside(**rule: object) -> Policy:
    """Everything that comes to a public registry goes to staging."""
    return policy(
        environments=[
            {"name": "hub", "loginServer": "docker.io", "credentials": {"password": "${HUB_TOKEN}"}},
            {"name": "staging", "registry": registry_id("staging")},
        ],
        rules=[{"name": "hub-to-staging", "from": "hub", "to": "staging", **RULE, **rule}],
    )


def tracks() -> Policy:
    """Two release lines of every repository."""
    return policy(
        rules=[
            {
                "name": name,
                "from": "dev",
                "to": "staging",
                "track": name,
                **RULE,
                "tags": {"semver": versions},
            }
            for name, versions in (("main", ">=2.0.0"), ("1x", "^1.0.0"))
        ]
    )


# Outside the tenant.


async def test_an_image_of_a_public_registry_is_promoted_by_hand() -> None:
    world = World(outside())
    image = world.registry.push(HUB, "library/nginx", "1.27")
    wanted = Wanted(Repository("library/nginx"), "staging", tag=Tag("1.27"))
    promoted = started(await promote(world.app, wanted, ANN))
    await world.wake([advance(promoted.record.line_key)])
    await world.run()
    assert world.served("staging", "1.27", repository="library/nginx") == image
    assert {each.source_registry for each in world.registry.submitted} == {HUB, registry_id("staging")}
    assert world.records("staging", repository="library/nginx")[0].terms.environments[0].location == HUB


async def test_an_event_of_a_registry_of_another_tenant_is_known_by_its_login_server() -> None:
    world = World(outside())
    image = world.registry.push(HUB, WEB, "v1")
    event = RegistryEvent(
        Change.PUSHED, registry_id("other"), REPOSITORY, image, Tag("v1"), world.clock.now(), "Docker.io"
    )
    await world.deliver(event)
    await world.run()
    assert await world.current("staging") == image


async def test_of_two_images_whose_push_nobody_told_of_the_one_that_was_seen_later_is_the_newer() -> None:
    for first, second in ((1, 2), (2, 1)):
        world = World(outside(approvals={}))
        for number in (first, second):
            world.registry.push(HUB, WEB, "latest", digest(number))
            world.clock.advance(timedelta(minutes=1))
            await promote(world.app, Wanted(REPOSITORY, "staging", tag=Tag("latest")), ANN)
        for number in (first, second):
            await world.approve(digest(number), "hub-to-staging", APPROVERS["bob"])
        await world.run()
        assert [each.digest for each in world.records("staging")] == [digest(second)]


# Several tracks.


async def test_tracks_do_not_overtake_each_other_and_each_has_its_pointer() -> None:
    world = World(tracks())
    new, old = await world.push("v2.1.0"), await world.push("v1.9.0")
    await world.run()
    assert world.served("staging", "current") == new
    assert world.served("staging", "current-1x") == old
    fixed = await world.push("v1.9.1")
    await world.run()
    assert world.served("staging", "current") == new
    assert world.served("staging", "current-1x") == fixed


async def test_a_rollback_is_of_one_track() -> None:
    world = World(tracks())
    pushed: dict[str, Digest] = {}
    for tag in ("v1.0.0", "v2.0.0", "v1.1.0"):
        pushed[tag] = await world.push(tag)
        await world.run()
    [first] = [each for each in world.records("staging") if each.tag == "v1.0.0"]
    await world.roll_back(first.id)
    await world.run()
    assert world.served("staging", "current-1x") == pushed["v1.0.0"]
    assert world.served("staging", "current") == pushed["v2.0.0"]
    line = LineKey("staging", REPOSITORY, "1x")
    assert (await world.app.line(line)).hold is not None
    await world.push("v2.1.0")
    await world.run()
    assert world.served("staging", "v2.1.0") is not None


async def test_an_echo_of_a_track_s_pointer_is_no_drift_and_what_moves_it_is() -> None:
    world = World(tracks())
    old = await world.push("v1.9.0")
    await world.push("v2.1.0")
    await world.run()
    world.clock.advance(timedelta(seconds=1))
    await world.deliver(world.pushed("staging", "current-1x", old))
    line = LineKey("staging", REPOSITORY, "1x")
    assert (await world.app.line(line)).drift == ()
    stranger = world.registry.push(registry_id("staging"), WEB, "current-1x")
    world.clock.advance(timedelta(seconds=1))
    await world.deliver(world.pushed("staging", "current-1x", stranger))
    [drift] = (await world.app.line(line)).drift
    assert drift.digest == stranger
    assert (await world.app.line(LineKey("staging", REPOSITORY))).drift == ()


async def test_a_pointer_is_no_image_s_tag() -> None:
    made = tracks()
    for pointer in ("current", "current-1x"):
        assert made.rules_from("dev", REPOSITORY, Tag(pointer)) == ()


async def test_a_rule_that_changes_its_track_leaves_the_claims_of_what_is_under_way_alone() -> None:
    world = World(conditional(tags=["latest"]))
    world.registry.stick_next()
    await world.push("latest")
    await world.run(timedelta(minutes=1))
    world.policy = conditional(tags=["latest"], track="lts")
    world.app = world.new_app()
    world.registry.stick_next()
    newer = await world.push("latest")
    await world.run(timedelta(minutes=29, seconds=30))
    assert [(each.track, each.sequence, str(each.phase)) for each in world.records("staging")] == [
        ("lts", 1, "importing"),
        ("main", 1, "failed"),
    ]
    [claim] = world.claims("staging")
    assert (claim.digest, claim.waits, world.candidates("staging")) == (newer, False, [])


# Versions.


async def test_a_version_that_is_pushed_late_does_not_take_the_place_of_a_newer_one() -> None:
    world = World(tracks())
    newer = await world.push("v2.2.0")
    await world.run()
    older = await world.push("v2.1.5")
    await world.run()
    assert world.served("staging", "v2.1.5") == older
    assert world.served("staging", "current") == newer
    assert imported(world) == ["v2.2.0", "current", "v2.1.5"]


# Rules that change their names.


def renamed(**rule: object) -> Policy:
    return conditional(name="another-name", gates=["scan"], **rule)


async def test_what_went_under_a_rule_s_old_name_does_not_go_again_under_its_new_one() -> None:
    world = World(conditional(gates=["scan"]))
    image = await world.push("v1")
    await world.report("scan", "passed", image)
    await world.run()
    world.policy = renamed()
    world.app = world.new_app()
    await world.report("scan", "passed", image)
    await world.run()
    assert world.story("staging") == ["automatic v1 succeeded"]


async def test_what_is_under_way_under_a_rule_s_old_name_is_not_claimed_under_its_new_one_too() -> None:
    world = World(conditional(gates=["scan"]))
    image = await world.push("v1")
    world.registry.stick_next()
    await world.report("scan", "passed", image)
    await world.drain()
    world.policy = renamed()
    world.app = world.new_app()
    await world.report("scan", "passed", image)
    await world.run(timedelta(minutes=5))
    world.registry.finish_late()
    await world.run()
    assert world.story("staging") == ["automatic v1 succeeded"]


async def test_what_is_pushed_anew_under_the_new_name_goes_although_it_was_there_before() -> None:
    names = ["dev", "staging", "prod"]
    moving = [{"name": each, "registry": registry_id(each), "immutableTags": False} for each in names]
    world = World(policy(environments=moving, rules=[plain(conditional(tags=["latest"]).rules[0])]))
    first = await world.push("latest")
    await world.run()
    await world.push("latest")
    await world.run()
    world.policy = policy(environments=moving, rules=[plain(renamed(tags=["latest"]).rules[0])])
    world.app = world.new_app()
    await world.push("latest", first)
    await world.report("scan", "passed", first)
    await world.run()
    assert await world.current("staging") == first


# Several ways.


async def test_a_path_fans_out_and_in() -> None:
    regions = ["eu", "us"]
    rules = [{"name": f"dev-to-{region}", "from": "dev", "to": region, **RULE} for region in regions]
    rules += [{"name": f"{region}-to-all", "from": region, "to": "all", **RULE} for region in regions]
    names = ["dev", *regions, "all"]
    world = World(
        policy(environments=[{"name": each, "registry": registry_id(each)} for each in names], rules=rules)
    )
    image = await world.push("v1")
    await world.run()
    for name in (*regions, "all"):
        assert world.served(name, "current") == image
        assert await world.current(name) == image
    assert all(record.phase == "succeeded" for record in world.records("all"))
