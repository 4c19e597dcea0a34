"""How long a service asks to be left alone, in its various ways of saying so."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from azure.core.exceptions import AzureError, ServiceRequestError

from promoter.adapters.faults import retry_after, unavailable


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"Retry-After": "10"}, timedelta(seconds=10)),
        ({"Retry-After": "0.5"}, timedelta(seconds=0.5)),
        ({"Retry-After": "0"}, timedelta(0)),
        ({"Retry-After": "-1"}, None),
        ({"Retry-After": "2", "retry-after-ms": "50"}, timedelta(seconds=2)),
        ({"retry-after-ms": "50"}, timedelta(milliseconds=50)),
        ({"x-ms-retry-after-ms": "1500"}, timedelta(seconds=1.5)),
        ({"retry-after-ms": "soon"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "nan"}, None),
        ({"Retry-After": "inf"}, None),
        ({"Retry-After": "1e300"}, None),
        ({"Retry-After": "Mon, 01 Jan 2001 00:00:00 GMT"}, timedelta(0)),
    ],
)
def test_a_wait_is_read_in_whatever_way_it_is_given(
    headers: dict[str, str], expected: timedelta | None
) -> None:
    assert retry_after(headers) == expected


def test_a_date_to_come_back_at_is_a_wait_until_then() -> None:
    wait = retry_after(
        {"Retry-After": format_datetime(datetime.now(UTC) + timedelta(minutes=10), usegmt=True)}
    )

    assert wait is not None
    assert timedelta(minutes=9) < wait <= timedelta(minutes=10)


@pytest.mark.parametrize(
    "headers", [{"Retry-After": "999999999"}, {"Retry-After": "3600"}, {"retry-after-ms": "999999999"}]
)
def test_nobody_is_left_alone_for_more_than_15_minutes(headers: dict[str, str]) -> None:
    assert retry_after(headers) == timedelta(minutes=15)


def test_what_a_query_may_carry_is_not_repeated() -> None:
    error = ServiceRequestError("cannot connect to https://a.example/x?sig=secret&se=1 now")

    assert str(unavailable(error, "reading")) == "reading failed: cannot connect to https://a.example/x now"


def test_a_long_story_is_cut_short() -> None:
    assert len(str(unavailable(AzureError("why\n" * 1000), "reading"))) < 400
