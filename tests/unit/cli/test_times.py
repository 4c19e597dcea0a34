"""Times for people."""

from datetime import timedelta

import pytest

from promoter.cli.times import local, relative, span
from tests.unit.cli.samples import NOW


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (0.4, "0 s"),
        (59.6, "1 min"),
        (61, "1 min 1 s"),
        (3600, "1 h"),
        (3659, "1 h"),
        (6480, "1 h 48 min"),
        (86400, "24 h"),
        (172799, "47 h 59 min"),
        (172800, "2 days"),
        (10**7, "115 days"),
    ],
)
def test_a_span_is_told_in_its_largest_units(seconds: float, words: str) -> None:
    assert span(timedelta(seconds=seconds)) == words


def test_a_table_has_room_for_the_largest_unit_only() -> None:
    assert span(timedelta(seconds=6480), 1) == "1 h"
    assert relative("2026-11-24T16:01:00Z", NOW, 1) == "1 h ago"


@pytest.mark.parametrize(
    ("at", "words"),
    [
        ("2026-11-24T18:00:00Z", "now"),
        ("2026-11-24T17:57:00.5Z", "3 min ago"),
        ("2026-11-24T20:00:00+01:00", "in 1 h"),
    ],
)
def test_a_time_is_told_by_how_far_away_it_is(at: str, words: str) -> None:
    assert relative(at, NOW) == words


def test_a_time_is_told_on_the_clock_of_this_machine() -> None:
    here = NOW.astimezone()
    assert local("2026-11-24T18:00:00Z") == f"{here:%Y-%m-%d %H:%M} {here.tzname()}"
