"""The line: what an environment has of a repository now."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from promoter.domain.actor import AUTOMATION
from promoter.domain.codec import decode, encode
from promoter.domain.image import Repository, Tag
from promoter.domain.line import Current, Drift, Hold, Line, LineKey, Veto
from tests.unit.domain.strategies import NOW, digest, digests, times

KEY = LineKey("prod", Repository("shop/web"))
HOLD = Hold("it is broken", AUTOMATION, NOW)
SECOND = timedelta(seconds=1)


def current(number: int, at: int = 0) -> Current:
    return Current(f"record-{number}", digest(number), Tag(f"v{number}"), NOW + at * SECOND)


def veto(number: int) -> Veto:
    return Veto(digest(number), f"record-{number}", NOW)


def drift(number: int) -> Drift:
    return Drift("pushed", digest(number), NOW, Tag("v1"))


def claimed(count: int) -> Line:
    line = Line.new(KEY)
    for _ in range(count):
        line = line.with_claim()
    return line


def test_a_new_line_has_nothing_and_knows_its_key() -> None:
    line = Line.new(LineKey("prod", Repository("shop/web"), "lts"))
    assert line.line_key == LineKey("prod", Repository("shop/web"), "lts")
    assert (line.sequence, line.queue, line.current, line.hold, line.vetoes) == (0, (), None, None, ())
    assert str(line.line_key) == "prod shop/web (lts)"


def test_claims_queue_up_in_order_and_numbers_are_never_used_twice() -> None:
    line = claimed(3)
    assert line.queue == (1, 2, 3)
    line = line.without(1, 3).with_claim()
    assert line.queue == (2, 4)
    assert line.without(2, 4).with_claim().queue == (5,)


def test_a_rollback_goes_before_all_that_has_not_started() -> None:
    line = claimed(3).with_rollback(None, HOLD, (veto(9),))
    assert line.queue == (4, 1, 2, 3)
    assert line.barrier == 4
    assert line.hold == HOLD
    assert line.vetoed(digest(9)) == veto(9)


def test_a_rollback_waits_for_what_is_being_imported() -> None:
    line = claimed(3).with_rollback(1, HOLD, ())
    assert line.queue == (1, 4, 2, 3)
    again = line.with_rollback(1, HOLD, ())
    assert again.queue == (1, 5, 4, 2, 3)
    assert again.barrier == 5


def test_what_is_claimed_after_a_rollback_stands_behind_it_and_is_not_overtaken() -> None:
    line = claimed(1).with_rollback(1, HOLD, ()).with_claim()
    assert line.queue == (1, 2, 3)
    assert [number for number in line.queue if number < line.barrier] == [1]


def test_a_line_on_hold_keeps_its_first_hold() -> None:
    later = Hold("again", AUTOMATION, NOW + SECOND)
    assert claimed(1).with_rollback(None, HOLD, ()).with_rollback(None, later, ()).hold == HOLD


def test_a_digest_that_is_vetoed_again_is_kept_once_with_its_latest_record() -> None:
    line = claimed(1).with_rollback(None, HOLD, (veto(1), veto(2)))
    again = Veto(digest(1), "another", NOW + SECOND)
    line = line.with_rollback(None, HOLD, (again,))
    assert line.vetoes == (veto(2), again)


def test_the_oldest_vetoes_are_forgotten_only_beyond_two_hundred() -> None:
    line = Line.new(KEY)
    for number in range(201):
        line = line.with_rollback(None, HOLD, (veto(number),))
    assert len(line.vetoes) == 200
    assert line.vetoed(digest(0)) is None
    assert line.vetoed(digest(1)) is not None


def test_an_image_that_becomes_current_loses_its_veto_and_ends_all_drift() -> None:
    line = claimed(1).with_rollback(None, HOLD, (veto(1), veto(2))).with_drift(drift(3))
    line = line.with_current(current(1), sequence=2)
    assert line.current == current(1)
    assert line.vetoes == (veto(2),)
    assert line.drift == ()
    assert line.hold == HOLD


def test_a_veto_stays_on_what_a_rollback_found_being_imported() -> None:
    line = claimed(1).with_rollback(1, HOLD, (veto(1),))
    line = line.without(1).with_current(current(1), sequence=1)
    assert line.current == current(1)
    assert line.vetoed(digest(1)) == veto(1)
    line = line.without(2).with_current(current(5), sequence=2)
    assert line.vetoed(digest(1)) == veto(1)


def test_drift_told_twice_is_kept_once_and_the_latest_ten_are_kept() -> None:
    line = Line.new(KEY).with_drift(drift(1))
    assert line.with_drift(drift(1)) is line
    for number in range(2, 13):
        line = line.with_drift(drift(number))
    assert line.drift == tuple(drift(number) for number in range(3, 13))


@given(digests, digests, times, times)
def test_of_two_images_one_is_newer_whatever_their_times(
    one: str, other: str, at: object, other_at: object
) -> None:
    def newer(*pair: tuple[object, object]) -> bool:
        (mine, my_time), (theirs, their_time) = pair
        line = Line.new(KEY).with_current(Current("r", theirs, Tag("v1"), their_time), sequence=1)  # type: ignore[arg-type]
        return line.is_newer(mine, my_time)  # type: ignore[arg-type]

    first, second = (one, at), (other, other_at)
    assert (newer(first, second) or newer(second, first)) is (first != second)
    assert not (newer(first, second) and newer(second, first))


def test_anything_is_newer_than_nothing() -> None:
    assert Line.new(KEY).is_newer(digest(1), NOW - timedelta(days=9999))


@given(st.lists(st.sampled_from(["claim", "rollback", "end", "current"]), max_size=30))
def test_whatever_happens_the_queue_holds_each_number_once_and_none_that_was_not_given(
    steps: list[str],
) -> None:
    line, ended = Line.new(KEY), set[int]()
    for step in steps:
        match step:
            case "claim":
                line = line.with_claim()
            case "rollback":
                line = line.with_rollback(line.queue[0] if line.queue else None, HOLD, (veto(line.sequence),))
            case "end" if line.queue:
                ended.add(line.queue[0])
                line = line.without(line.queue[0])
            case _:
                line = line.with_current(current(line.sequence), sequence=line.sequence)
        assert len(set(line.queue)) == len(line.queue)
        assert set(line.queue) | ended == set(range(1, line.sequence + 1))
        assert decode(encode(line), Line) == line


def test_a_line_that_was_stored_before_it_said_since_when_is_read_as_ever() -> None:
    line = decode(
        '{"environment": "prod", "repository": "shop/web", "current": {"record": "r", "tag": "v1", '
        f'"digest": "{digest(1)}", "pushedAt": "2026-01-01T00:00:00Z"}}}}',
        Line,
    )
    assert line.current is not None
    assert (line.current.tag, line.current.since, line.current.actor) == ("v1", None, None)
