"""What a rollback would do: to which record, what it vetoes, and where the image comes from."""

from collections.abc import AsyncIterator

import msgspec

from promoter.application.app import App
from promoter.application.documents import record_row
from promoter.application.paging import every
from promoter.application.promote import NotQualifiedError
from promoter.application.records import find_record
from promoter.application.target import source_registry
from promoter.domain.condition import Kind
from promoter.domain.decision import Decision, evaluate_rollback
from promoter.domain.errors import InvalidError, RefusedError
from promoter.domain.image import Digest, Repository
from promoter.domain.line import Current, Line, LineKey
from promoter.domain.policy import Policy
from promoter.domain.promotion import Phase, Promotion, RecordId

_LOOKED_AT = 5
"""How many earlier records are looked at for one whose image is still there, where one's is not."""


class RollbackWanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """What to go back to, and why: the body of `POST /rollbacks`.

    Attributes:
        record: The id of the record to go back to; without it, the previous good one of the line.
        environment: The environment to roll back; with a record, only to make sure that it is this one's.
        repository: The repository to roll back.
        track: The release line of the repository, where it has several.
        dry_run: Only to say what would happen.
    """

    record: str | None = None
    reason: str | None = None
    environment: str | None = None
    repository: Repository | None = None
    track: str | None = None
    dry_run: bool = False

    @property
    def line_key(self) -> LineKey:
        """The line to roll back.

        Raises:
            InvalidError: Neither a record nor a line is named.
            NotFoundError: It is no id of a record.
        """
        if self.record is not None:
            return RecordId.parse(self.record, "record").line_key
        if self.environment is None or self.repository is None:
            message = (
                "name the record to go back to, or the environment and the repository: their previous good "
                "record is taken then"
            )
            raise InvalidError(message, "environment" if self.environment is None else "repository")
        return LineKey(self.environment, self.repository, self.track or "main")


class Plan(msgspec.Struct, frozen=True):
    """What a rollback would do.

    Attributes:
        earlier: The record to go back to, with its environment as the policy has it today.
        decision: Whether it may be.
        held_by: The environment whose registry has the image; None where none has it any more.
        replaces: What the environment runs now.
        importing: What is being imported; it ends first, and does not become current.
        vetoes: The digests that no rule moves to or from the environment any more.
        running: The same rollback, where it is under way already.
    """

    earlier: Promotion
    decision: Decision
    held_by: str | None
    replaces: Current | None
    importing: Promotion | None
    vetoes: tuple[Digest, ...]
    running: Promotion | None

    @property
    def text(self) -> str:
        """The plan in one sentence."""
        earlier = self.earlier
        line, to = earlier.line_key, f"{earlier.tag} ({earlier.digest.short}, record {earlier.id})"
        if self.running is not None:
            return f"{line} is on its way back to {to} already, as record {self.running.id}"
        if not self.decision.qualified:
            return f"{line} cannot be rolled back to {to}: {self.decision.reasons}"
        now = f"from {self.replaces.tag} " if self.replaces else ""
        vetoed = " and ".join(digest.short for digest in self.vetoes) or "nothing"
        return (
            f"{line} would go back {now}to {to}, whose image is in the registry of {self.held_by}; {vetoed} "
            "would be vetoed, and automation held off"
        )


class RollbackRefusedError(NotQualifiedError):
    """The record is none that can be gone back to; the text says what can be done instead."""

    def __init__(self, message: str, decision: Decision) -> None:
        super().__init__(decision)
        self.args = (message,)


class AlreadyCurrentError(RollbackRefusedError):
    """The environment runs that record's image."""


class RecordNotSucceededError(RollbackRefusedError):
    """The record's promotion put nothing into the environment."""


class ImageGoneError(RollbackRefusedError):
    """No registry has the image any more."""


class RecordElsewhereError(RefusedError):
    """The record is not of the environment, repository or track that was named with it."""


class NothingEarlierError(RefusedError):
    """The line has no earlier good record, or none that could be told without being named."""


async def find_earlier(app: App, wanted: RollbackWanted) -> Promotion | None:
    """The record that is named, of the line that is named; None where none is.

    Raises:
        NotFoundError: There is no such record, or environment.
        RecordElsewhereError: It is of another line.
    """
    key = wanted.line_key
    if wanted.record is None:
        app.policy.environment(key.environment)
        return None
    for what, named, has in (
        ("environment", wanted.environment, key.environment),
        ("repository", wanted.repository, key.repository),
        ("track", wanted.track, key.track),
    ):
        if named is not None and named != has:
            message = f"record {wanted.record} is of the {what} {has}, and {named} is to be rolled back"
            raise RecordElsewhereError(message)
    return await find_record(app, wanted.record, "record")


async def plan(app: App, line: Line, named: Promotion | None) -> Plan:
    """What going back to a record would do; to the line's previous good one, where none is named.

    Raises:
        NothingEarlierError: None is named, and there is none.
    """
    found = named or await _previous_good(app, line)
    earlier = msgspec.structs.replace(found, terms=_terms_today(app, found))
    flying = await _on_the_line(app, line)
    running = (each for each in flying if each.rollback_of == earlier.id and each.sequence >= line.barrier)
    elsewhere = len(line.queue) > len(flying) or any(each.digest != earlier.digest for each in flying)
    current = line.current is not None and line.current.digest == earlier.digest and not elsewhere
    importing = next((each for each in flying if each.phase is Phase.IMPORTING), None)
    bad = {each.digest for each in (line.current, importing) if each is not None} - {earlier.digest}
    held_by = await _holder(app, earlier)
    decision = evaluate_rollback(
        earlier.id, succeeded=earlier.phase is Phase.SUCCEEDED, current=current, held_by=held_by
    )
    return Plan(earlier, decision, held_by, line.current, importing, tuple(sorted(bad)), next(running, None))


async def check(app: App, line: Line, planned: Plan) -> None:
    """Refuse what cannot be carried out, with what can be done instead.

    Raises:
        RollbackRefusedError: The record did not succeed, is current, or its image is nowhere any more.
    """
    decision, earlier = planned.decision, planned.earlier
    if decision.qualified:
        return
    what = f"record {earlier.id} ({earlier.repository}:{earlier.tag}, {earlier.digest.short})"
    if earlier.phase is not Phase.SUCCEEDED:
        message = f"{what} has not succeeded, it is {earlier.phase}: there is nothing to go back to"
        raise RecordNotSucceededError(message, decision)
    if planned.held_by is None:
        instead = await _instead(app, line, earlier)
        message = f"the image of {what} is in no registry any more, neither {_where(earlier)}; {instead}"
        raise ImageGoneError(message, decision)
    by = planned.replaces.record if planned.replaces else earlier.id
    through = f", by record {by}" if by != earlier.id else ""
    message = f"{line.environment} runs the image of {what} already{through}"
    raise AlreadyCurrentError(message, decision)


async def _previous_good(app: App, line: Line) -> Promotion:
    """The latest record before the current one whose image the environment ran, and did not go back from."""
    if line.current is None:
        message = f"{line.line_key} runs nothing that Promoter knows of: there is nothing to go back from"
        raise NothingEarlierError(message)
    current = await find_record(app, line.current.record)
    earlier = await anext(_good_before(app, line, current), None)
    if earlier is None:
        message = (
            f"{line.line_key} has no earlier record of another image that it ran and did not go back from; "
            "GET /api/promotions lists its records, and any that succeeded can be named"
        )
        raise NothingEarlierError(message)
    if current.kind is Kind.ROLLBACK:
        message = (
            f"{line.environment} was rolled back already, to {current.tag} by {current.actor.name} (record "
            f"{current.id}); to go back further name the record: before that it ran {earlier.id} "
            f"({earlier.tag})"
        )
        raise NothingEarlierError(message)
    return earlier


async def _good_before(app: App, line: Line, record: Promotion) -> AsyncIterator[Promotion]:
    """The records before one whose images the environment ran, and has not gone back from; newest first."""
    after = record_row(line.repository, record.sequence, line.track)
    async for each in every(app, Promotion, line.environment, f"{line.repository.path}~", after, first=2):
        was_current = each.phase is Phase.SUCCEEDED and each.moves_current and each.track == line.track
        is_current = line.current is not None and each.digest == line.current.digest
        if was_current and not is_current and line.vetoed(each.digest) is None:
            yield each


async def _instead(app: App, line: Line, gone: Promotion) -> str:
    looked_at = 0
    async for each in _good_before(app, line, gone):
        if await _holder(app, each) is not None:
            return f"the latest record before it whose image is still there is {each.id} ({each.tag})"
        looked_at += 1
        if looked_at == _LOOKED_AT:
            break
    return "nor are those of the records before it; push the image again, or promote another"


def _where(earlier: Promotion) -> str:
    names = dict.fromkeys((earlier.environment, earlier.source or earlier.environment))
    return " nor ".join(f"in {name}" for name in names)


def _terms_today(app: App, earlier: Promotion) -> Policy:
    """The record's terms, with its environment as the policy has it today: registry and pointer."""
    today = {each.name: each for each in app.policy.environments}
    environments = tuple(
        today.get(each.name, each) if each.name == earlier.environment else each
        for each in earlier.terms.environments
    )
    return msgspec.structs.replace(earlier.terms, environments=environments)


async def _on_the_line(app: App, line: Line) -> list[Promotion]:
    """What is in flight or about to be, as far as a rollback has to know it."""
    found = []
    for number in line.queue[:3]:
        record = await app.record(line.line_key, number)
        if record is not None and not record.phase.is_terminal:
            found.append(record)
    return found


async def _holder(app: App, earlier: Promotion) -> str | None:
    """The environment whose registry still has the record's image: the target first."""
    target = earlier.terms.environment(earlier.environment)
    if await app.registry.digest(target.location, earlier.repository, earlier.digest) is not None:
        return target.name
    source = source_registry(earlier)
    if await app.registry.digest(source, earlier.repository, earlier.digest) is not None:
        return earlier.source
    return None
