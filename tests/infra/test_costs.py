"""What a month costs, from what was counted."""

import json

import msgspec
import pytest

from benchmarks.costs import COUNTS, Counts, Prices, main, month, report

ONE = Counts(
    promotions=1,
    executions={"image_pushed": 2, "advance": 3},
    milliseconds=100,
    table_reads=6,
    table_writes=4,
    messages=2,
    log_lines=3,
    log_bytes=600,
    stored_bytes=1000,
    idle_executions=1,
    idle_table_reads=5,
)


def test_amounts_are_those_of_the_promotions_and_of_reconciling() -> None:
    amounts = month(ONE, Prices(polls_a_minute=0), 1000, reconcile_minutes=60).amounts
    assert amounts["executions"] == 5 * 1000 + 720
    assert amounts["table transactions"] == 10 * 1000 + 5 * 720
    assert amounts["queue transactions"] == 3 * 2 * 1000
    assert amounts["events"] == 2 * 2 * 1000
    assert amounts["GiB seconds, at most"] == 2 * (5 * 1000 + 720)


def test_what_is_free_is_not_billed_and_the_rest_is() -> None:
    assert month(ONE, Prices(), 100).costs["executions"] == 0
    costs = month(ONE, Prices(), 1_000_000).costs
    assert costs["executions"] == pytest.approx((5e6 + 8640 - 250_000) / 1e6 * 0.40)
    assert costs["table transactions"] == pytest.approx((10e6 + 5 * 8640) / 1e4 * 0.00036)


def test_the_page_on_operating_shows_the_committed_counts() -> None:
    counts = msgspec.json.decode(COUNTS.read_bytes(), type=Counts)
    page = (COUNTS.parents[1] / "docs" / "operating.md").read_text()
    assert report(counts, Prices()) in page
    assert Prices().date in page


def test_other_prices_can_be_given(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    usual = capsys.readouterr().out
    assert main(["--price", "memoryGib=0.5"]) == 0
    cheaper = capsys.readouterr().out
    assert usual != cheaper
    assert json.loads(COUNTS.read_text())["promotions"] >= 10
