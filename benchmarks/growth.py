"""Whether what is read grows with what is stored: by rows, at the port of a store as Azure's is."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from benchmarks.figure import Figure
from benchmarks.stack import policy, registry_id
from benchmarks.table_service import TableService, serving
from promoter.adapters.identity import Identity
from promoter.adapters.settings import SystemClock
from promoter.adapters.tables import Tables
from promoter.application.app import App
from promoter.application.documents import Claim, LogEntry, claim_row, line_row, row_key
from promoter.application.history import Query, history, lines
from promoter.application.paging import Listing
from promoter.application.ports import Import, ImportStatus, Progress
from promoter.application.roll_back import plan_rollback, roll_back
from promoter.application.rollback_plan import RollbackWanted
from promoter.application.take_push import Change, RegistryEvent, take_push
from promoter.application.work import Work
from promoter.domain.actor import AUTOMATION, Actor
from promoter.domain.codec import convert, encode
from promoter.domain.condition import Kind
from promoter.domain.image import Digest, Repository, Tag
from promoter.domain.line import Current, Line, LineKey
from promoter.domain.policy import Location, Policy
from promoter.domain.promotion import Phase, Promotion

SIZES = (1000, 100_000, 1_000_000)
_ANN = Actor("tenant/ann", "Ann", "local")
_AT = datetime(2026, 1, 1, tzinfo=UTC)
_WEB = Repository("out-0/web")
_TARGET = "out-0"
_RULE = "to-out-0"


class _Registry:
    """Serves every image."""

    async def digest(self, _registry: Location, _name: Repository, reference: Tag | Digest) -> Digest | None:
        return reference if isinstance(reference, Digest) else None

    async def submit(self, _request: Import) -> ImportStatus:
        return ImportStatus(Progress.ENDED)

    async def poll(self, _operation: str) -> ImportStatus:
        return ImportStatus(Progress.ENDED)


class _Scheduler:
    async def wake(self, _work: Work, _after: timedelta) -> None:
        return


async def growth(_folder: Path) -> list[Figure]:
    """The same calls over a thousand, a hundred thousand and a million records of one repository."""
    reads = {size: await rows_read(size) for size in SIZES}
    small, large = reads[SIZES[0]], reads[SIZES[-1]]
    return [
        Figure(
            name=f"growth-{name}",
            title=f"rows read, {what}, 1M records",
            against="1k records",
            samples=(large[name] / small[name],),
            at_most=1.2,
            detail={f"{size}": reads[size][name] for size in SIZES},
            note=f"rows: {large[name]}",
        )
        for name, what in CALLS_IN_WORDS.items()
    ]


async def rows_read(size: int) -> dict[str, int]:
    """How many rows each call reads, over so many records, lines and claims."""
    service = TableService()
    fill(service, size)
    found: dict[str, int] = {}
    async with application(service) as app:
        for name, call in CALLS.items():
            service.counter.take()
            await call(app)
            found[name] = sum(each.rows for each in service.counter.take() if each.is_read)
    return found


@asynccontextmanager
async def application(service: TableService) -> AsyncIterator[App]:
    """The app over that store, and registries that serve everything."""
    made = convert(policy(), Policy)
    async with serving(service) as storage:
        tables = Tables(storage, Identity(None, managed=False))
        yield App(made, tables.evidence, tables.promotions, _Registry(), _Scheduler(), SystemClock())
        await tables.aclose()


async def _rollback(app: App) -> object:
    return await roll_back(app, RollbackWanted(f"{_TARGET}~out-0:web~9999999998.main", "it is slow"), _ANN)


async def _previous(app: App) -> object:
    wanted = RollbackWanted(environment=_TARGET, repository=_WEB, dry_run=True)
    return await plan_rollback(app, wanted)


async def _history(app: App) -> object:
    return await history(app, Query(_TARGET, _WEB, limit=20))


async def _claim(app: App) -> object:
    digest = Digest(f"sha256:{'b' * 64}")
    event = RegistryEvent(Change.PUSHED, registry_id("devacr"), _WEB, digest, Tag("v-new"), datetime.now(UTC))
    return await take_push(app, event)


async def _log(app: App) -> object:
    return await history(app, Query(_TARGET, limit=20))


async def _environments(app: App) -> object:
    return await lines(app, Listing(environment=_TARGET))


CALLS: dict[str, Callable[[App], Awaitable[object]]] = {
    "history": _history,
    "log": _log,
    "environments": _environments,
    "previous": _previous,
    "claim": _claim,
    "rollback": _rollback,
}
CALLS_IN_WORDS = {
    "rollback": "rollback to the oldest record",
    "previous": "rollback to the previous good record",
    "history": "history page",
    "log": "page across repositories",
    "environments": "GET /environments page",
    "claim": "push to claim",
}


def fill(service: TableService, size: int) -> None:
    """So many records, log entries and claims of one repository, and as many lines of others."""
    repositories = (Repository(f"out-0/r{number:07d}") for number in range(size))

    def put(prefix: str, keys: Iterator[str], row: Callable[[str], dict[str, Any]]) -> None:
        service.fill("Promotions", _TARGET, (f"{prefix}~{key}" for key in keys), row)

    numbers = range(1, size + 1)
    service.fill("Evidence", "none", (), lambda _: {})
    put("record", (f"{_WEB.path}~{10**10 - 1 - number:010d}.main" for number in numbers), _record_at)
    put("log", (row_key(LogEntry(promotion=_record(number))) for number in numbers), lambda _: {"body": _LOG})
    put(
        "line",
        (line_row(LineKey(_TARGET, repository)) for repository in repositories),
        lambda _: {"body": _OTHER},
    )
    put(
        "claim", (claim_row(_WEB, "dev", Tag(f"v{number}")) for number in numbers), lambda _: {"body": _CLAIM}
    )
    put("line", iter((line_row(LineKey(_TARGET, _WEB)),)), lambda _: {"body": encode(_line(size))})


def _record(number: int) -> Promotion:
    at = _AT + timedelta(seconds=number)
    return Promotion(
        environment=_TARGET,
        repository=_WEB,
        track="main",
        sequence=number,
        kind=Kind.AUTOMATIC,
        tag=Tag(f"v{number}"),
        digest=Digest(f"sha256:{number:064x}"),
        source="dev",
        rule=_RULE,
        actor=AUTOMATION,
        created_at=at,
        pushed_at=at,
        terms=_TERMS,
        policy_hash="0123456789ab",
        phase=Phase.SUCCEEDED,
        moves_current=True,
        completed_at=at,
    )


def _record_at(key: str) -> dict[str, Any]:
    number = 10**10 - 1 - int(key.rpartition("~")[2].partition(".")[0])
    return {"body": encode(_record(number))}


def _line(size: int) -> Line:
    newest = _record(size)
    current = Current(newest.id, newest.digest, newest.tag, newest.pushed_at)
    return replace(Line.new(LineKey(_TARGET, _WEB)), sequence=size, current=current)


_POLICY = convert(policy(), Policy)
_TERMS = _POLICY.part(next(rule for rule in _POLICY.rules if rule.name == _RULE))
_LOG = encode(LogEntry(promotion=_record(1)))
_OTHER = encode(Line.new(LineKey(_TARGET, Repository("out-0/other"))))
_CLAIM = encode(
    Claim(
        environment=_TARGET,
        repository=_WEB,
        source="dev",
        tag=Tag("v1"),
        digest=Digest(f"sha256:{1:064x}"),
        pushed_at=_AT,
        since=_AT,
        phase=Phase.SUCCEEDED,
        sequence=1,
    )
)
