"""A world that is worth looking at."""

from datetime import timedelta

from promoter.application.hold import hold
from promoter.application.ports import ImportStatus, Progress
from promoter.domain.image import Digest, Repository
from promoter.domain.line import LineKey
from tests.fakes.world import ANN, WEB, World

API, CHECKOUT, SEARCH, MAIL = "shop/api", "shop/checkout", "shop/search", "shop/mail"


async def busy() -> World:
    """A day with releases, a rollback, a hold, a failure, something under way, and much that waits."""
    world = World()
    await _through(world, "v1.0.0", WEB, API, CHECKOUT, SEARCH, MAIL)
    await _through(world, "v1.1.0", WEB, API, CHECKOUT)
    await world.run(timedelta(hours=5))
    await world.roll_back(world.records("prod", repository=CHECKOUT)[1].id, "checkout answers 500")
    await world.run(timedelta(minutes=20))
    await hold(world.app, LineKey("staging", Repository(MAIL)), "load test until Friday", ANN)
    await world.push("v2.0.0")
    image = await _tested(world, "v2.0.0", API)
    await world.run()
    await world.report("integration-tests", "failed", image, "staging", repository=API)
    await _tested(world, "v1.1.0", MAIL)
    world.registry.answer_submit(ImportStatus(Progress.FORBIDDEN, message="the role is missing"))
    await _tested(world, "v1.2.0", SEARCH)
    await world.drain()
    world.registry.stick_next()
    await _tested(world, "v2.1.0", WEB)
    await world.drain()
    return world


async def _tested(world: World, tag: str, repository: str) -> Digest:
    image = await world.push(tag, repository=repository)
    await world.report("unit-tests", "passed", image, repository=repository)
    return image


async def _through(world: World, tag: str, *repositories: str) -> None:
    """Images that go all the way to production, one after the other."""
    for repository in repositories:
        image = await world.push(tag, repository=repository)
        await world.report("integration-tests", "passed", image, "staging", repository=repository)
        await world.report("unit-tests", "passed", image, repository=repository)
        await world.run(timedelta(minutes=7))
