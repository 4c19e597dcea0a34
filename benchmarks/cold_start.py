"""What a new instance pays before its first event: imports, and what an event that leads nowhere loads."""

import asyncio
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from benchmarks.figure import Figure
from benchmarks.processes import fresh_python
from benchmarks.stack import policy_file, pushed
from benchmarks.table_service import TableService, serving

_ROUNDS = 12
_NEEDED = "azure.functions, azure.data.tables.aio, aiohttp"
_IMPORT = """
import time
start = time.process_time()
import {modules}
print(time.process_time() - start)
"""
_EVENT = """
import asyncio, json, os, pathlib
from benchmarks.worker import Worker, index
async def main():
    worker = Worker(await index(pathlib.Path(".").resolve()))
    print(await worker.event(json.loads(os.environ["EVENT"])))
asyncio.run(main())
"""
UNWANTED = (
    "azure.mgmt",
    "azure.eventgrid",
    "azure.storage.queue",
    "azure.identity",
    "azure.containerregistry",
)
"""What an event that leads to no promotion must not load."""


async def cold_import(_folder: Path) -> list[Figure]:
    """Fresh processes, in turn, so that what slows one slows the other."""
    for modules in (_NEEDED, "function_app"):
        import_seconds(modules)
    pairs = [(import_seconds(_NEEDED), import_seconds("function_app")) for _ in range(_ROUNDS)]
    return [
        Figure(
            name="cold-import",
            title="cold import of function_app",
            against=f"import {_NEEDED}",
            samples=tuple(own / needed for needed, own in pairs),
            at_most=1.25,
            detail={"milliseconds": [[round(1000 * each) for each in pair] for pair in pairs]},
        )
    ]


def import_seconds(modules: str) -> float:
    """The CPU time that importing modules takes in a fresh process, its start not counted."""
    return float(fresh_python(_IMPORT.format(modules=modules)).output)


async def modules(folder: Path) -> list[Figure]:
    """What a push loads that waits for its gate, over tables in this process."""
    file = policy_file(folder)
    async with serving(TableService()) as account:
        settings = {
            "PROMOTER_POLICY": str(file),
            "PromoterStorage": account.connection.reveal(),
            "PROMOTER_AUTH": "local",
        }
        found = await asyncio.to_thread(loaded, pushed("lane-0/web"), settings)
    return [
        Figure(
            name="modules",
            title="modules of azure.mgmt, eventgrid, storage.queue, identity loaded by a push that waits",
            unit="modules",
            samples=(len(unwanted(found)),),
            at_most=0,
            detail={"all": len(found)},
            note=f"{len(found)} modules in all, the worker's own included",
        )
    ]


def loaded(event: Mapping[str, object], settings: Mapping[str, str]) -> set[str]:
    """The modules that a fresh worker has loaded when it has taken an event, its own library's included."""
    code = f"{_EVENT}\nimport sys\nprint(json.dumps(sorted(sys.modules)))"
    output = fresh_python(code, EVENT=json.dumps(event), **settings).output
    modules: list[str] = json.loads(output.splitlines()[-1])
    return set(modules)


def unwanted(modules: Iterable[str]) -> list[str]:
    """Those that an event that leads to no promotion must not load."""
    return sorted(name for name in modules if name.startswith(UNWANTED))
