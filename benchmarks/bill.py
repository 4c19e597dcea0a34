"""What a month of promotions costs, by the counts and list prices of benchmarks/costs.py."""

from pathlib import Path

import msgspec

from benchmarks.costs import COUNTS, Counts, Prices, month
from benchmarks.figure import Figure

_VOLUMES = {"10k": 10_000, "1m": 1_000_000}


async def bill(_folder: Path) -> list[Figure]:
    """Executions and storage transactions of a promotion, as costs.json has them, and what they mean."""
    counts = msgspec.json.decode(COUNTS.read_bytes(), type=Counts)
    needs = {
        "executions": counts.all_executions,
        "table transactions": counts.table_reads + counts.table_writes,
        "queue transactions": 3 * counts.messages,
    }
    needed = [
        Figure(
            name=f"needs-{name.replace(' ', '-')}",
            title=f"{name} of an automatic promotion, imports polled for",
            samples=(amount,),
        )
        for name, amount in needs.items()
    ]
    months = [
        Figure(
            name=f"cost-{name}",
            title=f"a month of {volume:,} promotions, list prices, at most",
            unit="US dollars",
            samples=(month(counts, Prices(), volume).total,),
        )
        for name, volume in _VOLUMES.items()
    ]
    return [*needed, *months]
