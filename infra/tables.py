"""`python -m infra.tables`: the records and evidence as files, and back, for backups and for another account.

One file for each table, one row a line, as JSON. What is written back replaces what is there under the same
keys and leaves the rest alone, so that a restore can be taken up again where it broke off.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import batched, groupby
from pathlib import Path
from typing import Any

from azure.data.tables import TableServiceClient, UpdateMode

TABLES = ("Evidence", "Promotions")
_ROWS = 40
"""In one transaction: it takes 100, but no more than 4 MiB."""
_LARGE = 90_000
"""A row of more characters goes alone."""

type Row = dict[str, Any]


def export(service: TableServiceClient, folder: Path) -> dict[str, int]:
    """Write every row to files in a folder; how many of each table."""
    folder.mkdir(parents=True, exist_ok=True)
    counts = dict.fromkeys(TABLES, 0)
    for table in TABLES:
        with (folder / f"{table}.jsonl").open("w", encoding="utf-8") as file:
            for entity in service.get_table_client(table).list_entities():
                file.write(json.dumps(dict(entity), ensure_ascii=False, sort_keys=True) + "\n")
                counts[table] += 1
    return counts


def restore(service: TableServiceClient, folder: Path) -> dict[str, int]:
    """Write the rows of a folder's files to the tables; how many of each table."""
    counts = dict.fromkeys(TABLES, 0)
    for table in TABLES:
        client = service.create_table_if_not_exists(table)
        with (folder / f"{table}.jsonl").open(encoding="utf-8") as file:
            for rows in _transactions(json.loads(line) for line in file):
                client.submit_transaction([("upsert", row, {"mode": UpdateMode.REPLACE}) for row in rows])
                counts[table] += len(rows)
    return counts


def _transactions(rows: Iterable[Row]) -> Iterator[tuple[Row, ...]]:
    """Rows of one partition each, no more than a transaction takes."""
    for _, same in groupby(rows, lambda row: row["PartitionKey"]):
        for large, some in groupby(same, lambda row: len(json.dumps(row)) > _LARGE):
            yield from batched(some, 1 if large else _ROWS, strict=False)


def open_account(account: str) -> TableServiceClient:
    """The tables of an account, by its name and whoever is signed in, or by a connection string."""
    if "=" in account:
        return TableServiceClient.from_connection_string(account)
    from azure.identity import DefaultAzureCredential  # noqa: PLC0415 - not needed for a connection string

    url = f"https://{account}.table.core.windows.net"
    return TableServiceClient(url, credential=DefaultAzureCredential())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m infra.tables", description="Back up and restore records."
    )
    parser.add_argument("what", choices=("export", "restore"))
    parser.add_argument("account", help="the storage account's name, or a connection string")
    parser.add_argument("folder", type=Path)
    given = parser.parse_args(arguments)
    with open_account(given.account) as service:
        counts = (export if given.what == "export" else restore)(service, given.folder)
    print(", ".join(f"{table}: {count} rows" for table, count in counts.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
