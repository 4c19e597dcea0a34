"""What the stories of this folder have in common."""

from datetime import timedelta

from promoter.domain.image import Digest
from promoter.domain.policy import Policy
from promoter.domain.promotion import Failure, FailureCode, Promotion
from tests.fakes.world import World, policy, registry_id

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def moving_tags() -> Policy:
    """The usual policy, with tags that may move everywhere."""
    names = ("dev", "staging", "prod")
    return policy(
        environments=[{"name": name, "registry": registry_id(name), "immutableTags": False} for name in names]
    )


def conditional(**rule: object) -> Policy:
    """The usual policy, where the way from dev to staging has conditions of its own and no gate."""
    return policy(
        rules=[
            {
                "name": "dev-to-staging",
                "from": "dev",
                "to": "staging",
                "repositories": ["shop/*"],
                "tags": ["v*"],
                "automatic": True,
                **rule,
            }
        ]
    )


async def qualified(world: World, tag: str, digest: Digest | None = None) -> Digest:
    """Push an image whose gates pass everywhere as soon as they are asked."""
    pushed = await world.push(tag, digest)
    await world.report("integration-tests", "passed", pushed, "staging")
    await world.report("unit-tests", "passed", pushed)
    return pushed


async def released(world: World, *tags: str) -> list[Digest]:
    """Images that have gone all the way to prod, one after the other."""
    digests = []
    for tag in tags:
        digests.append(await qualified(world, tag))
        await world.run()
    return digests


async def in_flight(world: World, tag: str) -> Digest:
    """An image whose import into staging runs without end."""
    world.registry.stick_next()
    digest = await qualified(world, tag)
    await world.drain()
    return digest


async def run_slow_imports(world: World, rounds: int = 10) -> None:
    """Let time pass where imports end unseen."""
    for _ in range(rounds):
        await world.run(timedelta(seconds=10))
        world.registry.finish_late()
    await world.run()


def failure(record: Promotion) -> Failure:
    """Why a promotion did not succeed."""
    assert record.failure is not None
    return record.failure


def codes(world: World, environment: str) -> list[FailureCode | None]:
    """What became of each promotion, the oldest first."""
    records = reversed(world.records(environment))
    return [record.failure.code if record.failure else None for record in records]


def imported(world: World, environment: str = "staging") -> list[str]:
    """The tags that imports into an environment were asked for, in order."""
    target = registry_id(environment)
    return [str(each.tag) for each in world.registry.submitted if each.target_registry == target]
