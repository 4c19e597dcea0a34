"""The contract of EvidenceStore, kept by the fake and by Table Storage."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import permutations

import pytest
from msgspec.structs import replace

from promoter.adapters.identity import Identity
from promoter.adapters.tables import Tables
from promoter.application.ports import EvidenceStore
from promoter.domain.evidence import Arrival, Evidence, GateResult, Verdict
from promoter.domain.image import Digest, Image, Repository, Tag
from tests.contract.accounts import storage
from tests.contract.rows import ALICE, AT, V1, WEB, digest
from tests.fakes.stores import FakeEvidenceStore

IMAGE = Image(WEB, digest(1))
UNKNOWN = Evidence(IMAGE)


@pytest.fixture(params=["fake", "azurite", "tables"])
async def store(request: pytest.FixtureRequest, fresh: str) -> AsyncIterator[EvidenceStore]:
    if request.param == "fake":
        yield FakeEvidenceStore()
        return
    async with storage(request) as account:
        tables = Tables(account, Identity(None, managed=False), fresh)
        yield tables.evidence
        await tables.aclose()


def arrival(minute: int = 0, environment: str = "dev", tag: Tag = V1) -> Arrival:
    at = AT + timedelta(minutes=minute)
    return Arrival(environment, tag, first_at=at, last_at=at, pushed_at=at - timedelta(seconds=1))


def verdict(minute: int, result: Verdict, gate: str = "unit-tests", environment: str = "dev") -> GateResult:
    return GateResult(environment, gate, result, AT + timedelta(minutes=minute), issuer="it's ci")


def facts(evidence: Evidence) -> Evidence:
    """What is known, whatever version it is stored as."""
    return replace(evidence, version="")


async def test_of_an_unknown_image_nothing_is_known(store: EvidenceStore) -> None:
    assert await store.load(IMAGE) == Evidence(IMAGE)


async def test_facts_are_read_back_as_they_were_added(store: EvidenceStore) -> None:
    gate = GateResult("dev", "scan", Verdict.FAILED, AT, "ci", "é" * 2000, "https://ci.example", ALICE)
    await store.add(UNKNOWN, arrival())
    await store.add(UNKNOWN, gate)

    assert facts(await store.load(IMAGE)) == Evidence(IMAGE, (arrival(),), (gate,))


async def test_arrivals_are_by_environment_and_tag_and_gates_by_environment_and_name(
    store: EvidenceStore,
) -> None:
    added: list[Arrival | GateResult] = [
        arrival(),
        arrival(environment="staging"),
        arrival(tag=Tag("latest")),
        verdict(0, Verdict.PASSED),
        verdict(0, Verdict.PASSED, gate="scan"),
        verdict(0, Verdict.PASSED, environment="staging"),
    ]
    for fact in added:
        await store.add(UNKNOWN, fact)

    found = await store.load(IMAGE)

    assert set(found.arrivals) | set(found.gates) == set(added)


async def test_images_are_known_by_repository_and_digest(store: EvidenceStore) -> None:
    others = [
        Image(WEB, digest(2)),
        Image(Repository("shop/web-2"), digest(1)),
        Image(WEB, Digest(f"sha512:{1:0128x}")),
    ]
    await store.add(UNKNOWN, arrival())

    assert [await store.load(other) for other in others] == [Evidence(other) for other in others]


@pytest.mark.parametrize("order", list(permutations((0, 5, 9))), ids=str)
async def test_arrivals_merge_to_first_and_last_in_any_order(
    store: EvidenceStore, order: tuple[int, ...]
) -> None:
    for minute in order:
        await store.add(UNKNOWN, arrival(minute))

    [found] = (await store.load(IMAGE)).arrivals
    assert (found.first_at, found.last_at) == (arrival(0).first_at, arrival(9).last_at)
    assert found.pushed_at == arrival(9).pushed_at


@pytest.mark.parametrize("order", list(permutations((0, 1, 2))), ids=str)
async def test_the_latest_verdict_counts_and_on_a_tie_the_failed_one(
    store: EvidenceStore, order: tuple[int, ...]
) -> None:
    results = [verdict(0, Verdict.FAILED), verdict(5, Verdict.PASSED), verdict(5, Verdict.FAILED)]
    for number in order:
        await store.add(UNKNOWN, results[number])

    assert (await store.load(IMAGE)).gates == (results[2],)


async def test_the_same_fact_twice_is_one(store: EvidenceStore) -> None:
    for _ in range(2):
        await store.add(UNKNOWN, arrival())
        await store.add(UNKNOWN, verdict(0, Verdict.PASSED))

    assert facts(await store.load(IMAGE)) == Evidence(IMAGE, (arrival(),), (verdict(0, Verdict.PASSED),))


async def test_who_adds_a_fact_is_answered_all_that_is_known_then(store: EvidenceStore) -> None:
    gate = verdict(0, Verdict.PASSED)

    first = await store.add(UNKNOWN, arrival())
    second = await store.add(first, gate)

    assert facts(first) == Evidence(IMAGE, (arrival(),))
    assert facts(second) == Evidence(IMAGE, (arrival(),), (gate,))
    assert second == await store.load(IMAGE)


async def test_what_others_have_added_since_it_was_read_is_kept_and_answered(store: EvidenceStore) -> None:
    read = await store.add(UNKNOWN, arrival())
    await store.add(read, verdict(0, Verdict.PASSED))

    found = await store.add(read, verdict(0, Verdict.FAILED, gate="scan"))

    assert {each.gate for each in found.gates} == {"unit-tests", "scan"}
    assert found == await store.load(IMAGE)


async def test_of_facts_that_come_at_the_same_time_none_is_lost_and_one_answer_has_them_all(
    store: EvidenceStore,
) -> None:
    named = [verdict(0, Verdict.PASSED, gate=f"gate-{number}") for number in range(12)]

    found = await asyncio.gather(*(store.add(UNKNOWN, each) for each in named))

    assert max(len(each.gates) for each in found) == len(named)
    assert set((await store.load(IMAGE)).gates) == set(named)
