"""`python -m benchmarks.costs`: what a month of promotions costs, from what one was counted to need.

`--count` runs promotions on the local stack, counts executions, storage transactions and log lines, and
writes costs.json; without it the committed counts are taken. Either way the tables of docs/operating.md are
printed. Prices are parameters, with their date: look them up before you rely on them.
"""

import argparse
import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

COUNTS = Path(__file__).with_name("costs.json")
VOLUMES = (100, 10_000, 1_000_000)
_GIB = 2**30
_MINUTES = 30 * 24 * 60


class Counts(msgspec.Struct, frozen=True, rename="camel"):
    """What was counted, for each automatic promotion and for each run of `reconcile` while nothing happens.

    Attributes:
        promotions: How many promotions it is the mean of.
        executions: Of each function.
        milliseconds: How long all of them took together.
        table_reads: Requests to the tables; a query is one.
        table_writes: The same; a transaction is one.
        messages: Put into queues; each is asked for and deleted, too.
        log_lines: Of Promoter's own.
        log_bytes: In those.
        stored_bytes: What the tables grow by.
        idle_executions: Of each run of `reconcile`.
        idle_table_reads: The same.
    """

    promotions: int
    executions: dict[str, float]
    milliseconds: float
    table_reads: float
    table_writes: float
    messages: float
    log_lines: float
    log_bytes: float
    stored_bytes: float
    idle_executions: float
    idle_table_reads: float

    @property
    def all_executions(self) -> float:
        """Of all functions."""
        return sum(self.executions.values())


class Prices(msgspec.Struct, frozen=True, rename="camel"):
    """List prices in US dollars, pay as you go, without discounts. All are to be checked.

    Attributes:
        date: When they were written down.
        seconds_billed: The least that Flex Consumption bills of an execution that runs alone on its instance.
        memory_gib: Of an instance.
        log_row_bytes: What Application Insights adds to each row.
        host_rows: What the host logs of each execution: started, ended, and the request.
        polls_a_minute: How often an instance that is up asks each queue while they are empty.
        queues: How many.
    """

    date: str = "2026-11"
    executions_million: float = 0.40
    executions_free: int = 250_000
    gib_second: float = 0.000026
    gib_seconds_free: int = 100_000
    table_10k: float = 0.00036
    queue_10k: float = 0.008
    stored_gib: float = 0.06
    events_million: float = 0.60
    events_free: int = 100_000
    log_gib: float = 2.76
    log_gib_free: float = 5
    seconds_billed: float = 1
    memory_gib: float = 2
    log_row_bytes: int = 1_000
    host_rows: int = 3
    polls_a_minute: int = 30
    queues: int = 4


class Month(msgspec.Struct, frozen=True):
    """A month: how much of everything, and what each costs."""

    promotions: int
    amounts: dict[str, float]
    costs: dict[str, float]

    @property
    def total(self) -> float:
        """In US dollars."""
        return sum(self.costs.values())


def month(counts: Counts, prices: Prices, promotions: int, reconcile_minutes: int = 5) -> Month:
    """A month with so many promotions.

    Args:
        counts: What one needs.
        prices: What that costs.
        promotions: How many there are.
        reconcile_minutes: How often `reconcile` runs.
    """
    runs = _MINUTES / reconcile_minutes
    executions = counts.all_executions * promotions + counts.idle_executions * runs
    # An execution that runs alone is billed a second; those that overlap share it. This is the upper bound.
    seconds = max(executions * prices.seconds_billed, counts.milliseconds * promotions / 1000)
    amounts = {
        "executions": executions,
        "GiB seconds, at most": seconds * prices.memory_gib,
        "table transactions": (counts.table_reads + counts.table_writes) * promotions
        + counts.idle_table_reads * runs,
        "queue transactions": 3 * counts.messages * promotions
        + prices.polls_a_minute * prices.queues * _MINUTES,
        "events": 2 * counts.executions.get("image_pushed", 0) * promotions,
        "logs, GiB": _log_bytes(counts, prices, promotions, runs) / _GIB,
        "stored, GiB": counts.stored_bytes * promotions / _GIB,
    }
    return Month(promotions, amounts, _costs(amounts, prices))


def _log_bytes(counts: Counts, prices: Prices, promotions: int, runs: float) -> float:
    own = (counts.log_bytes + counts.log_lines * prices.log_row_bytes) * promotions
    executions = counts.all_executions * promotions + counts.idle_executions * runs
    return own + executions * prices.host_rows * prices.log_row_bytes


def _costs(amounts: dict[str, float], prices: Prices) -> dict[str, float]:
    def beyond(name: str, free: float) -> float:
        return max(0, amounts[name] - free)

    return {
        "executions": beyond("executions", prices.executions_free) / 1e6 * prices.executions_million,
        "GiB seconds, at most": beyond("GiB seconds, at most", prices.gib_seconds_free) * prices.gib_second,
        "table transactions": amounts["table transactions"] / 1e4 * prices.table_10k,
        "queue transactions": amounts["queue transactions"] / 1e4 * prices.queue_10k,
        "events": beyond("events", prices.events_free) / 1e6 * prices.events_million,
        "logs, GiB": beyond("logs, GiB", prices.log_gib_free) * prices.log_gib,
        "stored, GiB": amounts["stored, GiB"] * prices.stored_gib,
    }


def table(months: Sequence[Month]) -> str:
    """The months side by side, as Markdown: how much of everything, and what it costs."""
    head = ["a month", *(f"{each.promotions:,} promotions" for each in months)]
    rows = [
        [name, *(f"{_amount(each.amounts[name])}: ${each.costs[name]:,.2f}" for each in months)]
        for name in months[0].amounts
    ]
    rows.append(["**all**", *(f"**${each.total:,.2f}**" for each in months)])
    return _markdown([head, ["---"] * len(head), *rows])


def needs(counts: Counts) -> str:
    """What was counted, as Markdown."""
    executions = ", ".join(f"{name} {count:.1f}" for name, count in sorted(counts.executions.items()))
    rows = [
        ["for each automatic promotion", f"mean of {counts.promotions}"],
        ["---", "---"],
        ["executions", f"{counts.all_executions:.1f} ({executions})"],
        ["table transactions", f"{counts.table_reads:.1f} reads, {counts.table_writes:.1f} writes"],
        ["queue messages", f"{counts.messages:.1f}, at three transactions each"],
        ["log lines of our own", f"{counts.log_lines:.1f} with {counts.log_bytes:,.0f} bytes"],
        ["stored", f"{counts.stored_bytes:,.0f} bytes"],
        ["for each run of `reconcile`, idle", f"{counts.idle_table_reads:.1f} table reads"],
    ]
    return _markdown(rows)


def _amount(value: float) -> str:
    if value >= 100:  # noqa: PLR2004 - three digits are enough
        return f"{value:,.0f}"
    digits = max(0, 2 - math.floor(math.log10(value))) if value > 0 else 0
    return f"{value:.{min(digits, 4)}f}"


def _markdown(rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def report(counts: Counts, prices: Prices) -> str:
    """Both tables, as docs/operating.md has them."""
    months = [month(counts, prices, volume) for volume in VOLUMES]
    return f"{needs(counts)}\n\n{table(months)}\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.costs", description="Cost of a month.")
    parser.add_argument("--count", type=int, metavar="N", help="count N promotions on the local stack first")
    parser.add_argument("--price", action="append", default=[], metavar="NAME=VALUE", help="another price")
    given = parser.parse_args(arguments)
    if given.count:
        from benchmarks.counts import count  # noqa: PLC0415 - needs the local stack

        COUNTS.write_text(json.dumps(msgspec.to_builtins(count(given.count)), indent=2) + "\n")
    changed: dict[str, Any] = dict(each.split("=", 1) for each in given.price)
    prices = msgspec.convert(changed, Prices, strict=False)
    sys.stdout.write(report(msgspec.json.decode(COUNTS.read_bytes(), type=Counts), prices))
    return 0


if __name__ == "__main__":
    sys.exit(main())
