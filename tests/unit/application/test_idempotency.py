"""A key is good for one call: carried out once, answered the same again, and forgotten after a day."""

import asyncio
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promoter.application.documents import Keyed, Remembered, replaced
from promoter.application.idempotency import (
    KEPT,
    LEASE,
    KeyedCall,
    KeyReusedError,
    StillRunningError,
    begin,
    finish,
    give_up,
    sweep,
)
from promoter.domain.errors import UnavailableError
from tests.fakes.time import START
from tests.fakes.world import World
from tests.unit.application.stories import HOUR, MINUTE

CALL = KeyedCall("tenant/ann", "k-1", "promote v1")
ANSWER = Remembered(202, '{"id": "1"}', {"Location": "/x"}, "1")


def known(world: World) -> list[Keyed]:
    return world.promotions.rows(Keyed)


async def test_a_call_that_was_carried_out_is_answered_from_memory() -> None:
    world = World()
    first = await begin(world.app, CALL)
    assert first.answer is None
    await finish(world.app, first, ANSWER)
    assert (await begin(world.app, CALL)).answer == ANSWER
    world.clock.advance(23 * HOUR)
    assert (await begin(world.app, CALL)).answer == ANSWER
    assert "k-1" not in str(world.promotions.snapshot()), "a key is kept as a hash"


async def test_the_same_call_while_the_first_runs_is_told_to_come_again() -> None:
    world = World()
    await begin(world.app, CALL)
    with pytest.raises(StillRunningError, match="still being carried out"):
        await begin(world.app, CALL)


async def test_a_key_that_was_used_for_something_else_is_refused_running_or_done() -> None:
    world = World()
    other = KeyedCall(CALL.caller, CALL.key, "promote v2")
    first = await begin(world.app, CALL)
    with pytest.raises(KeyReusedError) as caught:
        await begin(world.app, other)
    assert caught.value.field == "Idempotency-Key"
    await finish(world.app, first, ANSWER)
    with pytest.raises(KeyReusedError):
        await begin(world.app, other)


async def test_keys_of_different_callers_are_different_keys() -> None:
    world = World()
    await finish(world.app, await begin(world.app, CALL), ANSWER)
    bob = KeyedCall("tenant/bob", CALL.key, "roll back")
    assert (await begin(world.app, bob)).answer is None


async def test_a_call_that_nothing_came_of_may_be_made_again() -> None:
    world = World()
    await give_up(world.app, await begin(world.app, CALL))
    assert known(world) == []
    assert (await begin(world.app, KeyedCall(CALL.caller, CALL.key, "promote v2"))).answer is None


async def test_a_call_whose_process_died_is_taken_over_once_its_lease_is_over() -> None:
    world = World()
    dead = await begin(world.app, CALL)
    world.clock.advance(LEASE - timedelta(seconds=1))
    with pytest.raises(StillRunningError):
        await begin(world.app, CALL)
    world.clock.advance(timedelta(seconds=1))
    taken = await begin(world.app, CALL)
    with pytest.raises(StillRunningError):
        await begin(world.app, CALL)
    await finish(world.app, dead, Remembered(500, "late", {}))  # it was not dead: the other's answer counts
    await give_up(world.app, dead)
    await finish(world.app, taken, ANSWER)
    assert (await begin(world.app, CALL)).answer == ANSWER


async def test_of_many_at_once_one_is_carried_out() -> None:
    world = World()
    found = await asyncio.gather(*(begin(world.new_app(), CALL) for _ in range(10)), return_exceptions=True)
    assert [type(each) for each in found if not isinstance(each, StillRunningError)] == [Keyed]


@given(st.timedeltas(timedelta(0), 2 * KEPT), st.timedeltas(timedelta(0), timedelta(days=3)))
async def test_a_key_is_remembered_for_a_day_whatever_the_time_of_day(
    start: timedelta, later: timedelta
) -> None:
    world = World()
    world.clock.set(START + start)
    await finish(world.app, await begin(world.app, CALL), ANSWER)
    world.clock.advance(later)
    assert ((await begin(world.app, CALL)).answer is not None) is (later < KEPT)


async def test_an_answer_that_cannot_be_stored_is_given_all_the_same() -> None:
    world = World()
    keyed = await begin(world.app, CALL)
    world.promotions.fail_next(UnavailableError("no"))
    await finish(world.app, keyed, ANSWER)
    world.promotions.fail_next(UnavailableError("no"))
    await give_up(world.app, keyed)
    assert [row.answer for row in known(world)] == [None]


async def test_old_keys_are_swept_and_young_ones_stay() -> None:
    world = World()
    await begin(world.app, CALL)
    world.clock.advance(2 * KEPT - MINUTE)
    await begin(world.app, replaced_key("k-2"))
    await sweep(world.app)
    assert len(known(world)) == 2
    world.clock.advance(MINUTE)
    await sweep(world.app)
    assert [row.at for row in known(world)] == [world.clock.now() - MINUTE]
    await sweep(world.app)
    assert len(known(world)) == 1


def replaced_key(key: str) -> KeyedCall:
    return KeyedCall(CALL.caller, key, CALL.asks)


async def test_sweeping_twice_at_once_is_sweeping_once() -> None:
    world = World()
    for number in range(3):
        await begin(world.app, replaced_key(f"k-{number}"))
    world.clock.advance(3 * KEPT)
    await asyncio.gather(sweep(world.app), sweep(world.new_app()))
    assert known(world) == []


def test_a_key_is_stored_by_its_day_so_that_the_oldest_are_found_first() -> None:
    row = Keyed(day="2026-11-23", key="b", asks="", at=START)
    assert replaced(row, day="2026-11-22").day < row.day
