"""Freeze windows by the clock on the wall, also where that is changed."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promoter.domain.duration import Duration
from promoter.domain.freeze import Cron, FreezeWindow, TimeZone, never_thaws, thaw

BERLIN = "Europe/Berlin"
SECOND = timedelta(seconds=1)


def window(start: str, duration: str, zone: str = BERLIN) -> FreezeWindow:
    return FreezeWindow("w", Cron(start), Duration(duration), TimeZone(zone))


WEEKEND = window("0 16 * * FRI", "64h")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2026-11-27T15:00", "2026-11-30T07:00"),  # winter: UTC+1
        ("2026-07-03T14:00", "2026-07-06T06:00"),  # summer: UTC+2
        ("2026-03-27T15:00", "2026-03-30T06:00"),  # the night of 29 March has an hour less
        ("2026-10-23T14:00", "2026-10-26T07:00"),  # the night of 25 October has an hour more
    ],
)
def test_a_weekend_ends_on_monday_at_eight_whatever_the_clocks_do(start: str, end: str) -> None:
    assert WEEKEND.end(utc(start) - SECOND) is None
    assert WEEKEND.end(utc(start)) == utc(end)
    assert WEEKEND.end(utc(end) - SECOND) == utc(end)
    assert WEEKEND.end(utc(end)) is None


def test_a_start_that_the_clocks_leave_out_is_when_they_have_been_changed() -> None:
    at_half_past_two = window("30 2 * * *", "1h")  # on 29 March it is 03:00 at once, at 01:00 UTC
    assert at_half_past_two.end(utc("2026-03-29T00:59:59")) is None
    assert at_half_past_two.end(utc("2026-03-29T01:00")) == utc("2026-03-29T01:30")
    assert at_half_past_two.end(utc("2026-03-29T01:30")) is None


def test_an_hour_that_comes_twice_is_frozen_twice() -> None:
    night = window("0 2 * * *", "30m")  # on 25 October 02:00 is at 00:00 and at 01:00 UTC
    assert night.end(utc("2026-10-25T00:10")) == utc("2026-10-25T01:30")
    assert night.end(utc("2026-10-25T01:10")) == utc("2026-10-25T01:30")
    assert night.end(utc("2026-10-25T01:30")) is None


def test_a_start_that_is_past_though_the_clock_shows_less_by_now_counts() -> None:
    late = window("30 2 * * *", "20m")  # on 25 October at 00:30 UTC; at 01:00 UTC it is 02:00 once more
    assert late.end(utc("2026-10-25T00:29:59")) is None
    assert late.end(utc("2026-10-25T00:30")) == utc("2026-10-25T01:50")
    assert late.end(utc("2026-10-25T01:10")) == utc("2026-10-25T01:50")
    assert late.end(utc("2026-10-25T01:50")) is None


def test_windows_that_meet_thaw_together() -> None:
    friday, weekend = window("0 12 * * FRI", "12h", "UTC"), window("0 0 * * SAT", "2d", "UTC")
    assert thaw([friday, weekend], utc("2026-11-27T13:00")) == utc("2026-11-30T00:00")
    assert thaw([friday, weekend], utc("2026-11-27T11:00")) == utc("2026-11-27T11:00")


def test_where_very_many_windows_follow_each_other_what_waits_asks_again() -> None:
    every_minute = [window("* * * * FRI", "1m", "UTC")] * 3
    at = utc("2026-11-27T00:00:30")
    asked = 0
    while every_minute[0].end(at) is not None:
        at, asked = thaw(every_minute, at), asked + 1
    assert at == utc("2026-11-28T00:00")
    assert 1 < asked < 20


@pytest.mark.parametrize(
    ("windows", "never"),
    [
        ([window("0 0 * * *", "1d", "UTC")], True),
        ([window("0 0 * * *", "23h")], False),
        ([window("0 0 * * MON-FRI", "1d"), window("0 0 * * SAT,SUN", "1d")], True),
        ([window("* * * * *", "5s")], False),
        ([window("* * * * *", "1m")], True),
        ([window("0 0 1 1 *", "3650d")], True),
        ([window("0 0 29 2 *", "1d")], False),
        ([], False),
    ],
)
def test_windows_without_a_gap_are_found(windows: list[FreezeWindow], never: bool) -> None:  # noqa: FBT001
    assert never_thaws(windows) is never


@pytest.mark.parametrize(
    "text",
    ["", "* * * *", "* * * * * *", "@daily", "0 0 30 2 *", "*/0 * * * *", "61 * * * *", "0 16 * * FRIDAY"],
)
def test_what_never_fires_or_is_no_cron_expression_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a cron expression"):
        Cron(text)


@pytest.mark.parametrize("text", ["", "Mars/Olympus", "../../etc/passwd", "/etc/localtime", "CEST+99"])
def test_what_is_no_time_zone_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a time zone"):
        TimeZone(text)


@given(
    st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1)),  # noqa: DTZ001 - Hypothesis wants them so
    st.sampled_from([BERLIN, "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"]),
    st.sampled_from(["0 16 * * FRI", "30 2 * * *", "0 0 1 * *", "*/7 3 * * SUN"]),
    st.sampled_from(["5m", "90m", "26h", "64h"]),
)
def test_a_window_contains_what_its_local_times_say(
    naive: datetime, zone: str, start: str, duration: str
) -> None:
    """Against the definition, tried minute by minute where no clock is changed nearby."""
    at = naive.replace(tzinfo=UTC)
    place, length = ZoneInfo(zone), Duration(duration).delta
    local = at.astimezone(place)
    around = [local + timedelta(days=days) for days in (-3, 0, 3)]
    end = window(start, duration, zone).end(at)
    assert end is None or end > at
    if len({each.utcoffset() for each in around}) == 1:
        frozen = end is not None
        first = (local - length).replace(second=0, microsecond=0)
        minutes = (first + timedelta(minutes=step) for step in range(int(length.total_seconds() // 60) + 2))
        starts = [each for each in minutes if _fires(start, each) and each <= local < each + length]
        assert frozen == bool(starts)


def _fires(expression: str, at: datetime) -> bool:
    minute, hour, day, _, weekday = expression.split()
    every = {"*/7": range(0, 60, 7)}
    return (
        at.minute in every.get(minute, [int(minute)] if minute.isdigit() else [])
        and (hour == "*" or at.hour == int(hour))
        and (day == "*" or at.day == int(day))
        and (weekday == "*" or at.strftime("%a").upper() == weekday)
    )
