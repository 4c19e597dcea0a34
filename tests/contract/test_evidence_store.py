"""The contract of EvidenceStore, kept by the fake and by Table Storage."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import permutations

import pytest

from promoter.adapters.identity import Identity
from promoter.adapters.tables import Tables
from promoter.application.ports import EvidenceStore
from promoter.domain.evidence import Arrival, Evidence, GateResult, Verdict
from promoter.domain.image import Digest, Image, Repository, Tag
from tests.contract.rows import ALICE, AT, V1, WEB, digest
from tests.fakes.stores import FakeEvidenceStore

IMAGE = Image(WEB, digest(1))


@pytest.fixture(params=["fake", "azurite"])
async def store(request: pytest.FixtureRequest, fresh: str) -> AsyncIterator[EvidenceStore]:
    if request.param == "fake":
        yield FakeEvidenceStore()
        return
    tables = Tables(request.getfixturevalue("azurite"), Identity(None, managed=False), fresh)
    yield tables.evidence
    await tables.aclose()


def arrival(minute: int = 0, environment: str = "dev", tag: Tag = V1) -> Arrival:
    at = AT + timedelta(minutes=minute)
    return Arrival(environment, tag, first_at=at, last_at=at, pushed_at=at - timedelta(seconds=1))


def verdict(minute: int, result: Verdict, gate: str = "unit-tests", environment: str = "dev") -> GateResult:
    return GateResult(environment, gate, result, AT + timedelta(minutes=minute), issuer="it's ci")


async def test_of_an_unknown_image_nothing_is_known(store: EvidenceStore) -> None:
    assert await store.load(IMAGE) == Evidence(IMAGE)


async def test_facts_are_read_back_as_they_were_added(store: EvidenceStore) -> None:
    gate = GateResult("dev", "scan", Verdict.FAILED, AT, "ci", "é" * 2000, "https://ci.example", ALICE)
    await store.add(IMAGE, arrival())
    await store.add(IMAGE, gate)

    assert await store.load(IMAGE) == Evidence(IMAGE, (arrival(),), (gate,))


async def test_arrivals_are_by_environment_and_tag_and_gates_by_environment_and_name(
    store: EvidenceStore,
) -> None:
    facts: list[Arrival | GateResult] = [
        arrival(),
        arrival(environment="staging"),
        arrival(tag=Tag("latest")),
        verdict(0, Verdict.PASSED),
        verdict(0, Verdict.PASSED, gate="scan"),
        verdict(0, Verdict.PASSED, environment="staging"),
    ]
    for fact in facts:
        await store.add(IMAGE, fact)

    found = await store.load(IMAGE)

    assert set(found.arrivals) | set(found.gates) == set(facts)


async def test_images_are_known_by_repository_and_digest(store: EvidenceStore) -> None:
    others = [
        Image(WEB, digest(2)),
        Image(Repository("shop/web-2"), digest(1)),
        Image(WEB, Digest(f"sha512:{1:0128x}")),
    ]
    await store.add(IMAGE, arrival())

    assert [await store.load(other) for other in others] == [Evidence(other) for other in others]


@pytest.mark.parametrize("order", list(permutations((0, 5, 9))), ids=str)
async def test_arrivals_merge_to_first_and_last_in_any_order(
    store: EvidenceStore, order: tuple[int, ...]
) -> None:
    for minute in order:
        await store.add(IMAGE, arrival(minute))

    [found] = (await store.load(IMAGE)).arrivals
    assert (found.first_at, found.last_at) == (arrival(0).first_at, arrival(9).last_at)
    assert found.pushed_at == arrival(9).pushed_at


@pytest.mark.parametrize("order", list(permutations((0, 1, 2))), ids=str)
async def test_the_latest_verdict_counts_and_on_a_tie_the_failed_one(
    store: EvidenceStore, order: tuple[int, ...]
) -> None:
    results = [verdict(0, Verdict.FAILED), verdict(5, Verdict.PASSED), verdict(5, Verdict.FAILED)]
    for number in order:
        await store.add(IMAGE, results[number])

    assert (await store.load(IMAGE)).gates == (results[2],)


async def test_the_same_fact_twice_is_one(store: EvidenceStore) -> None:
    for _ in range(2):
        await store.add(IMAGE, arrival())
        await store.add(IMAGE, verdict(0, Verdict.PASSED))

    assert await store.load(IMAGE) == Evidence(IMAGE, (arrival(),), (verdict(0, Verdict.PASSED),))


async def test_facts_that_come_at_the_same_time_are_all_kept(store: EvidenceStore) -> None:
    await asyncio.gather(*(store.add(IMAGE, arrival(minute)) for minute in range(4)))

    [found] = (await store.load(IMAGE)).arrivals
    assert (found.first_at, found.last_at) == (arrival(0).first_at, arrival(3).last_at)
