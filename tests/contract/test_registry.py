"""The contract of Registry, kept by the fake and, over the real SDKs, by the emulator."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Protocol, override
from urllib.parse import urlsplit

import pytest

from emulator.faults import Effect, Fault, Operation
from emulator.sample_image import push_random_image
from emulator.testing import Azure
from promoter.adapters.acr import AzureRegistry
from promoter.adapters.identity import Identity
from promoter.application.ports import Import, ImportStatus, Progress, Registry
from promoter.domain.errors import UnavailableError
from promoter.domain.image import Digest, Repository, Tag
from promoter.domain.policy import ForeignRegistry
from tests.contract.rows import V1, WEB, digest
from tests.fakes.registries import FakeRegistry

DEV, PROD = "devacr", "prodacr"
_LOOKS = 500


class World(Protocol):
    """Two registries, and what a test does to them."""

    registry: Registry

    def id(self, name: str) -> str:
        """A registry's resource id."""
        ...

    async def push_outside(self, repository: str, tag: str) -> tuple[ForeignRegistry, Digest]:
        """Push an image to a registry that is known by its address alone."""
        ...

    async def push(self, name: str, repository: str, tag: str, manifests: int = 3) -> Digest: ...

    async def delete(self, name: str, repository: str, digest: Digest) -> None: ...

    def throttle(self, seconds: float) -> None:
        """Let the next import be refused for a while."""

    def lose_answer(self) -> None:
        """Let the next import be accepted, and nobody told."""

    def lose_location(self) -> None:
        """Let the next import be accepted, and nobody told where to ask."""

    def be_immediate(self) -> None:
        """Let the next import be over before it is answered."""

    def stick(self) -> None:
        """Let the next import never end."""

    def forbid(self) -> None:
        """Let the next import be forbidden."""

    def fail_poll(self, seconds: float) -> None:
        """Let the next poll be refused for a while."""

    def fail_read(self, seconds: float) -> None:
        """Let the next look at a registry be refused for a while."""


class FakeWorld(World):
    def __init__(self) -> None:
        self.registry = self.fake = FakeRegistry()

    @override
    def id(self, name: str) -> str:
        return f"/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/{name}"

    @override
    async def push(self, name: str, repository: str, tag: str, manifests: int = 3) -> Digest:
        return self.fake.push(self.id(name), repository, tag, manifests=manifests)

    @override
    async def push_outside(self, repository: str, tag: str) -> tuple[ForeignRegistry, Digest]:
        outside = ForeignRegistry("hub.example")
        return outside, self.fake.push(outside, repository, tag, manifests=3)

    @override
    async def delete(self, name: str, repository: str, digest: Digest) -> None:
        self.fake.delete(self.id(name), repository, digest)

    @override
    def throttle(self, seconds: float) -> None:
        self.fake.fail_submit(timedelta(seconds=seconds))

    @override
    def lose_answer(self) -> None:
        self.fake.fail_submit(executed=True)

    @override
    def lose_location(self) -> None:
        self.fake.polls = 0
        self.fake.answer_submit(ImportStatus(Progress.RUNNING), executed=True)

    @override
    def be_immediate(self) -> None:
        self.fake.polls = 0

    @override
    def stick(self) -> None:
        self.fake.stick_next()

    @override
    def forbid(self) -> None:
        message = "Container Registry Data Importer and Data Reader"
        self.fake.answer_submit(ImportStatus(Progress.FORBIDDEN, message=message))

    @override
    def fail_poll(self, seconds: float) -> None:
        self.fake.fail_poll(timedelta(seconds=seconds))

    @override
    def fail_read(self, seconds: float) -> None:
        self.fake.fail_digest(timedelta(seconds=seconds))


class EmulatedWorld(World):
    def __init__(self, azure: Azure, registry: AzureRegistry) -> None:
        self.azure = azure
        self.registry = registry

    @override
    def id(self, name: str) -> str:
        return self.azure.registry(name).resource_id

    @override
    async def push(self, name: str, repository: str, tag: str, manifests: int = 3) -> Digest:
        platforms = [f"linux/arch{number}" for number in range(manifests - 1)]
        registry = self.azure.registry(name)
        return Digest(
            await push_random_image(
                registry.session, registry.url, repository, tag, platforms=platforms, layer_bytes=64
            )
        )

    @override
    async def push_outside(self, repository: str, tag: str) -> tuple[ForeignRegistry, Digest]:
        pushed = await self.push(DEV, repository, tag)
        return ForeignRegistry(urlsplit(self.azure.registry(DEV).url).netloc), pushed

    @override
    async def delete(self, name: str, repository: str, digest: Digest) -> None:
        await self.azure.registry(name).delete(f"{repository}@{digest}")

    @override
    def throttle(self, seconds: float) -> None:
        self._refuse(Operation.IMPORT_SUBMIT, 429, seconds)

    @override
    def lose_answer(self) -> None:
        self._once(Operation.IMPORT_SUBMIT, Effect.LOST_ANSWER)

    @override
    def lose_location(self) -> None:
        self._once(Operation.IMPORT_SUBMIT, Effect.LOST_LOCATION)

    @override
    def be_immediate(self) -> None:
        self._once(Operation.IMPORT_SUBMIT, Effect.IMMEDIATE)

    @override
    def stick(self) -> None:
        self._once(Operation.IMPORT_RUN, Effect.STUCK)

    @override
    def forbid(self) -> None:
        importer = "Container Registry Data Importer and Data Reader"
        self.azure.assign("local", **{DEV: "Reader", PROD: importer})

    @override
    def fail_poll(self, seconds: float) -> None:
        self._refuse(Operation.IMPORT_POLL, 429, seconds)

    @override
    def fail_read(self, seconds: float) -> None:
        self._refuse(Operation.MANIFEST_READ, 429, seconds)

    def _once(self, operation: Operation, effect: Effect) -> None:
        self.azure.faults.add(Fault(operation, effect, times=1))

    def _refuse(self, operation: Operation, status: int, seconds: float) -> None:
        fault = Fault(operation, Effect.STATUS, times=1, status=status, retry_after=seconds)
        self.azure.faults.add(fault)


@pytest.fixture(params=["fake", "emulator"])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    if request.param == "fake":
        yield FakeWorld()
        return
    async with Azure(registries=(DEV, PROD), data=tmp_path) as azure:
        identity = Identity(None, managed=False)
        registry = AzureRegistry(azure.arm_url, identity)
        yield EmulatedWorld(azure, registry)
        await registry.aclose()


def promoted(
    world: World, image: Digest, tag: Tag = V1, *, force: bool = False, source: str = DEV, target: str = PROD
) -> Import:
    return Import(world.id(source), WEB, image, world.id(target), tag, force)


async def ended(world: World, request: Import) -> ImportStatus:
    """Submit an import, and ask until it has ended."""
    status = await world.registry.submit(request)
    for _ in range(_LOOKS):
        if status.progress is not Progress.RUNNING:
            return status
        assert status.operation is not None
        await asyncio.sleep(0.01)
        status = await world.registry.poll(status.operation)
    pytest.fail(f"the import did not end: {status}")


async def served(world: World, tag: Tag, expected: Digest) -> Digest | None:
    """What prod serves, once an import that nobody follows has had its time."""
    found = None
    for _ in range(_LOOKS):
        found = await world.registry.digest(world.id(PROD), WEB, tag)
        if found == expected:
            break
        await asyncio.sleep(0.01)
    return found


async def test_a_tag_and_a_digest_name_what_was_pushed(world: World) -> None:
    pushed = await world.push(DEV, WEB, V1)

    assert await world.registry.digest(world.id(DEV), WEB, V1) == pushed
    assert await world.registry.digest(world.id(DEV), WEB, pushed) == pushed


async def test_a_moved_tag_names_the_new_image_and_the_old_one_is_still_there(world: World) -> None:
    first = await world.push(DEV, WEB, V1)
    second = await world.push(DEV, WEB, V1)

    assert await world.registry.digest(world.id(DEV), WEB, V1) == second
    assert await world.registry.digest(world.id(DEV), WEB, first) == first


async def test_what_is_not_there_has_no_digest(world: World) -> None:
    await world.push(DEV, WEB, V1)

    assert await world.registry.digest(world.id(DEV), WEB, Tag("v2")) is None
    assert await world.registry.digest(world.id(DEV), WEB, digest(1)) is None
    assert await world.registry.digest(world.id(DEV), Repository("shop/none"), V1) is None
    assert await world.registry.digest(world.id(PROD), WEB, V1) is None


async def test_a_deleted_image_has_no_digest(world: World) -> None:
    pushed = await world.push(DEV, WEB, V1)
    await world.delete(DEV, WEB, pushed)

    assert await world.registry.digest(world.id(DEV), WEB, V1) is None
    assert await world.registry.digest(world.id(DEV), WEB, pushed) is None


async def test_resource_ids_are_compared_without_case(world: World) -> None:
    pushed = await world.push(DEV, WEB, V1)

    assert await world.registry.digest(world.id(DEV).upper(), WEB, V1) == pushed


async def test_an_imported_image_has_the_same_digest_in_the_target(world: World) -> None:
    pushed = await world.push(DEV, WEB, V1)

    status = await ended(world, promoted(world, pushed))

    assert status.progress is Progress.ENDED
    assert await world.registry.digest(world.id(PROD), WEB, V1) == pushed


async def test_an_image_of_a_registry_outside_is_found_and_imported_by_its_address(world: World) -> None:
    outside, image = await world.push_outside(WEB, V1)
    assert await world.registry.digest(outside, WEB, V1) == image
    assert await world.registry.digest(outside, WEB, Tag("v2")) is None
    assert await world.registry.digest(outside, WEB, image) == image
    request = Import(outside, WEB, image, world.id(PROD), V1, force=False)
    await ended(world, request)
    assert await world.registry.digest(world.id(PROD), WEB, V1) == image


async def test_an_import_is_of_the_digest_wherever_the_tag_has_moved(world: World) -> None:
    first = await world.push(DEV, WEB, V1)
    await world.push(DEV, WEB, V1)

    await ended(world, promoted(world, first))

    assert await world.registry.digest(world.id(PROD), WEB, V1) == first


async def test_a_running_import_says_where_and_when_to_ask(world: World) -> None:
    pushed = await world.push(DEV, WEB, V1)
    world.stick()

    status = await world.registry.submit(promoted(world, pushed))

    assert status.progress is Progress.RUNNING
    assert status.operation is not None
    assert status.retry_after > timedelta(0)
    assert (await world.registry.poll(status.operation)).progress is Progress.RUNNING


async def test_without_force_a_tag_that_is_there_is_not_moved(world: World) -> None:
    pushed = await world.push(DEV, WEB, V1)
    there = await world.push(PROD, WEB, V1)

    status = await ended(world, promoted(world, pushed))

    assert status.progress is Progress.TAG_EXISTS
    assert V1 in status.message
    assert await world.registry.digest(world.id(PROD), WEB, V1) == there


async def test_without_force_the_same_image_under_the_same_tag_exists_too(world: World) -> None:
    pushed = await world.push(DEV, WEB, V1)
    await ended(world, promoted(world, pushed))

    assert (await ended(world, promoted(world, pushed))).progress is Progress.TAG_EXISTS


async def test_with_force_a_tag_that_is_there_is_moved(world: World) -> None:
    pushed = await world.push(DEV, WEB, V1)
    await world.push(PROD, WEB, V1)

    status = await ended(world, promoted(world, pushed, force=True))

    assert status.progress is Progress.ENDED
    assert await world.registry.digest(world.id(PROD), WEB, V1) == pushed


async def test_an_image_is_tagged_again_within_one_registry(world: World) -> None:
    pushed = await world.push(PROD, WEB, V1)

    await ended(world, promoted(world, pushed, Tag("current"), force=True, source=PROD))

    assert await world.registry.digest(world.id(PROD), WEB, Tag("current")) == pushed


async def test_a_missing_source_fails(world: World) -> None:
    await world.push(DEV, WEB, V1)

    status = await ended(world, promoted(world, digest(1)))

    assert status.progress is Progress.FAILED
    assert status.message
    assert await world.registry.digest(world.id(PROD), WEB, V1) is None


async def test_more_than_fifty_manifests_are_too_many(world: World) -> None:
    pushed = await world.push(DEV, WEB, V1, manifests=51)

    assert (await ended(world, promoted(world, pushed))).progress is Progress.TOO_MANY_MANIFESTS


async def test_an_import_may_be_over_at_once(world: World) -> None:
    pushed = await world.push(DEV, WEB, V1)
    world.be_immediate()

    status = await world.registry.submit(promoted(world, pushed))

    assert status.progress is Progress.ENDED
    assert await world.registry.digest(world.id(PROD), WEB, V1) == pushed


async def test_an_import_may_not_say_where_to_ask(world: World) -> None:
    pushed = await world.push(DEV, WEB, V1)
    world.lose_location()

    status = await world.registry.submit(promoted(world, pushed))

    assert (status.progress, status.operation) == (Progress.RUNNING, None)
    assert await served(world, V1, pushed) == pushed


async def test_an_import_whose_answer_was_lost_is_carried_out_once(world: World) -> None:
    pushed = await world.push(DEV, WEB, V1)
    world.lose_answer()

    with pytest.raises(UnavailableError):
        await world.registry.submit(promoted(world, pushed))
    if isinstance(world, FakeWorld):
        world.fake.finish_late()

    assert await served(world, V1, pushed) == pushed


async def test_a_throttled_import_says_when_to_come_back(world: World) -> None:
    pushed = await world.push(DEV, WEB, V1)
    world.throttle(7)

    with pytest.raises(UnavailableError) as raised:
        await world.registry.submit(promoted(world, pushed))

    assert raised.value.retry_after == timedelta(seconds=7)
    assert await world.registry.digest(world.id(PROD), WEB, V1) is None


async def test_a_throttled_poll_says_when_to_come_back(world: World) -> None:
    pushed = await world.push(DEV, WEB, V1)
    status = await world.registry.submit(promoted(world, pushed))
    world.fail_poll(9)

    with pytest.raises(UnavailableError) as raised:
        await world.registry.poll(status.operation or "")

    assert raised.value.retry_after == timedelta(seconds=9)


async def test_a_throttled_look_says_when_to_come_back(world: World) -> None:
    pushed = await world.push(DEV, WEB, V1)
    world.fail_read(3)

    with pytest.raises(UnavailableError) as raised:
        await world.registry.digest(world.id(DEV), WEB, V1)

    assert raised.value.retry_after == timedelta(seconds=3)
    assert await world.registry.digest(world.id(DEV), WEB, V1) == pushed


async def test_a_forbidden_import_says_which_role_is_missing(world: World) -> None:
    pushed = await world.push(DEV, WEB, V1)
    world.forbid()

    status = await world.registry.submit(promoted(world, pushed))

    assert status.progress is Progress.FORBIDDEN
    assert "Container Registry Data Importer and Data Reader" in status.message


async def test_an_operation_that_is_not_known_says_nothing(world: World) -> None:
    pushed = await world.push(DEV, WEB, V1)
    status = await world.registry.submit(promoted(world, pushed))
    operation = status.operation or ""

    unknown = operation.replace(operation.partition("?")[0].rpartition("/")[2], "registries-none")

    assert (await world.registry.poll(unknown)).progress is Progress.UNKNOWN
