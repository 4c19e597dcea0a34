"""NCRONTAB: what is accepted, and when it is due."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localhost.host.ncrontab import Schedule

START = datetime(2026, 11, 23, 17, 43, 54, 250_000, UTC)  # a Monday


def field(low: int, high: int) -> st.SearchStrategy[str]:
    value = st.integers(low, high)
    span = st.tuples(value, value).map(lambda ends: f"{min(ends)}-{max(ends)}")
    step = st.tuples(st.one_of(st.just("*"), span, value.map(str)), st.integers(1, 10)).map(
        lambda x: f"{x[0]}/{x[1]}"
    )
    item = st.one_of(st.just("*"), value.map(str), span, step)
    return st.lists(item, min_size=1, max_size=3).map(",".join)


SCHEDULES = st.tuples(field(0, 59), field(0, 59), field(0, 23), field(1, 28), field(1, 12), st.just("*")).map(
    " ".join
)
MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@pytest.mark.parametrize(
    ("text", "due"),
    [
        ("* * * * * *", "2026-11-23T17:43:55"),
        ("*/15 * * * * *", "2026-11-23T17:44:00"),
        ("0 */5 * * * *", "2026-11-23T17:45:00"),
        ("*/5 * * * *", "2026-11-23T17:45:00"),
        ("0 0 * * * *", "2026-11-23T18:00:00"),
        ("0 30 9-17 * * MON-FRI", "2026-11-24T09:30:00"),
        ("0 0 0 1 JAN *", "2027-01-01T00:00:00"),
        ("0 0 0 1 january,Mar *", "2027-01-01T00:00:00"),
        ("0 0 0 29 2 *", "2028-02-29T00:00:00"),
        ("0 50/4 17 * * *", "2026-11-23T17:50:00"),
        ("0 0 0 * * 0", "2026-11-29T00:00:00"),
        ("0 0 0 * * Sunday", "2026-11-29T00:00:00"),
        ("0 0 0 13 * FRI", "2027-08-13T00:00:00"),
    ],
)
def test_when_it_is_due(text: str, due: str) -> None:
    assert Schedule.parse(text).next_after(START) == datetime.fromisoformat(due).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "0 fields"),
        ("* * * *", "4 fields"),
        ("* * * * * * *", "7 fields"),
        ("60 * * * * *", "'60' is no value for second"),
        ("* * * 0 * *", "'0' is no value for day"),
        ("* * * * * 7", "'7' is no value for day-of-week"),
        ("* * * * * FRI-MON", "runs backwards"),
        ("*/0 * * * * *", "'0' is no value"),
        ("1,,2 * * * * *", "'' is no value"),
        ("-1 * * * * *", "'' is no value"),
        ("MON * * * * *", "'MON' is no value for second"),
        ("* * * * * MO", "'MO' is no value"),
        ("² * * * * *", "no value"),
    ],
)
def test_what_is_no_schedule(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Schedule.parse(text)


def test_what_never_occurs() -> None:
    with pytest.raises(ValueError, match="never occurs"):
        Schedule.parse("0 0 0 30 2 *").next_after(START)


@given(SCHEDULES, MOMENTS)
def test_the_next_time_is_later_whole_and_named_by_every_field(text: str, moment: datetime) -> None:
    schedule = Schedule.parse(text)
    due = schedule.next_after(moment)
    assert due > moment
    assert due.microsecond == 0
    assert due.second in schedule.seconds
    assert due.minute in schedule.minutes
    assert due.hour in schedule.hours
    assert due.day in schedule.days
    assert due.month in schedule.months


@given(SCHEDULES, MOMENTS, st.integers(0, 1_000_000))
def test_nothing_is_due_in_between(text: str, moment: datetime, microseconds: int) -> None:
    schedule = Schedule.parse(text)
    due = schedule.next_after(moment)
    between = min(moment + (due - moment) * (microseconds / 1_000_001), due - timedelta(microseconds=1))
    assert schedule.next_after(max(between, moment)) == due


@given(st.sets(st.integers(0, 59), min_size=1), MOMENTS)
def test_a_list_of_seconds_is_what_a_walk_finds(seconds: set[int], moment: datetime) -> None:
    schedule = Schedule.parse(",".join(map(str, seconds)) + " * * * * *")
    walk = moment.replace(microsecond=0) + timedelta(seconds=1)
    while walk.second not in seconds:
        walk += timedelta(seconds=1)
    assert schedule.next_after(moment) == walk


def test_a_weekday_and_a_day_must_both_match() -> None:
    due = Schedule.parse("0 0 0 1-7 * MON").next_after(START)
    assert due == datetime(2026, 12, 7, tzinfo=UTC)
