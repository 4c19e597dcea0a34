"""A promotion in flight, from its start to its end.

An import is submitted only after the attempt is stored, and a promotion has succeeded only when the target
registry serves its digest: what a registry says of an import decides nothing but when to look.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable
from datetime import timedelta

from msgspec.structs import replace

from promoter.application.app import App
from promoter.application.documents import replaced
from promoter.application.ending import end
from promoter.application.ports import Import, ImportStatus, Progress, Write
from promoter.application.publish import announced
from promoter.application.target import TagConflictError, next_import, read_target, source_registry
from promoter.application.tell import tell
from promoter.domain.condition import Kind, Served
from promoter.domain.decision import Decision, evaluate
from promoter.domain.errors import DeniedError, UnavailableError
from promoter.domain.evidence import Evidence
from promoter.domain.image import Tag
from promoter.domain.line import Line
from promoter.domain.policy import Location
from promoter.domain.promotion import Attempt, Failure, FailureCode, Phase, Promotion

log = logging.getLogger("promoter")

SUBMIT_GRACE = timedelta(seconds=60)
RECHECK = timedelta(seconds=10)
RESUBMIT_AFTER = timedelta(minutes=2)
DEADLINE = timedelta(minutes=30)
MAX_FAILURES = 3
_NOW = timedelta(0)
_INCONCLUSIVE = {Progress.FORBIDDEN, Progress.UNKNOWN, Progress.RUNNING}
_CODES = {
    Progress.FAILED: FailureCode.IMPORT_FAILED,
    Progress.TOO_MANY_MANIFESTS: FailureCode.TOO_MANY_MANIFESTS,
}


def _pause(status: ImportStatus) -> timedelta:
    """How long to leave an import alone: queues delay by whole seconds, and no word means not at once."""
    return max(status.retry_after, timedelta(seconds=1)) if status.retry_after else RECHECK


def _first_import(record: Promotion, served: Served) -> Import | None:
    """What is imported first; nothing where all is there, or where a conflict is its end."""
    try:
        return next_import(record, served)
    except TagConflictError:
        return None


class Flight:
    """A line's promotion in flight, as it was read, and the next thing to do for it."""

    def __init__(self, app: App, line: Line, record: Promotion, lines: tuple[Line, ...]) -> None:
        """Take them up.

        Args:
            app: The application.
            line: The line.
            record: The first of what is on it.
            lines: All lines that the environment has of the repository.
        """
        self.app, self.line, self.record, self._lines = app, line, record, lines
        self.evidence: Evidence | None = None
        self._waits = False  # whether it is stored when it is looked at again
        self._then: Tag | None = None  # the tag whose import, coming next, is stored already
        self.now = app.clock.now()

    async def start(self) -> timedelta | None:
        """Judge once more, now that the target is read, and begin. Returns how long to pause."""
        pause = self._backed_off()
        if pause is not None:
            return pause
        served = await self._read()
        decision = await self._judge(served)
        if decision is not None and not decision.qualified:
            await self._turn_away(decision)
            return None
        if decision is None and not served.image and await self._is_gone():
            return None
        return await self._begin(served, decision)

    async def _begin(self, served: Served, decision: Decision | None) -> timedelta | None:
        """Store that the import begins, and with that what is submitted first."""
        moves = self._is_newer() or not self.record.claimed.leaves_newer_alone
        record = self.record.to(Phase.IMPORTING, importing_at=self.now, moves_current=moves)
        if decision is not None:
            record = replaced(record, decision=decision.kept)
        wanted = _first_import(record, served)
        attempt = Attempt(1, wanted.tag, wanted.force, self.app.clock.now()) if wanted else None
        if attempt is not None and moves and attempt.tag != record.pointer:
            attempt = replace(attempt, then=record.pointer)
        record = replaced(record, attempt=attempt)
        changes = [Write(self.line), Write(record), *announced(self.app, record)]
        line_version, version, *_ = await self.app.promotions.commit(changes)
        self.line, self.record = replaced(self.line, version=line_version), replaced(record, version=version)
        self._then = attempt.then if attempt else None
        tell(self.record)
        if wanted is not None and attempt is not None:
            return await self._submit(wanted, attempt)
        return await self._conclude(served)

    def _is_newer(self) -> bool:
        record, rule = self.record, self.record.rule_terms
        versioned = rule.versioned(record.tag) if rule else None
        return self.line.is_newer(record.digest, record.pushed_at, versioned)

    async def go_on(self) -> timedelta | None:
        """Poll or submit an import, or verify and end. Returns how long to pause; None to go on at once."""
        attempt = self.record.attempt
        overdue = self.now - (self.record.importing_at or self.now) > DEADLINE
        if self._is_rolled_back():
            late = attempt is not None and attempt.then is not None and not attempt.ended
            late = self.record.may_finish_late or late
            self.record = replaced(self.record, moves_current=False, may_finish_late=late)
        pause = self._backed_off()
        if pause is None and attempt is not None and not attempt.ended:
            pause = await self._poll_if_it_answers(attempt) if overdue else await self._poll(attempt)
        if pause is not None and not overdue:
            return pause
        return await self._approach(overdue=overdue)

    def _is_rolled_back(self) -> bool:
        """Whether a rollback waits for this to end: then a pointer that was not touched yet never is."""
        record, attempt = self.record, self.record.attempt
        begun = attempt is not None and attempt.tag == record.pointer
        return record.kind is not Kind.ROLLBACK and record.sequence < self.line.barrier and not begun

    async def _judge(self, served: Served) -> Decision | None:
        record = self.record
        rule = record.rule_terms
        if rule is None or record.kind is Kind.ROLLBACK:
            return None  # decided when they were asked for; what they need of the registry is seen here
        evidence, at_source = await asyncio.gather(
            self.app.evidence.load(record.image), self.app.lines(rule.source, record.repository)
        )
        self.evidence = evidence
        lines = (*at_source, *self._lines)
        return evaluate(record.terms, record.claimed, evidence, self.line, lines, served, self.now)

    async def _turn_away(self, decision: Decision) -> None:
        """What qualified when it was claimed does so no longer."""
        if any(condition.kind == "tag" for condition in decision.unmet):
            await self._end(Phase.FAILED, Failure(FailureCode.TAG_CONFLICT, decision.reasons))
        else:
            await self._end(Phase.SUPERSEDED, Failure(FailureCode.NO_LONGER_QUALIFIED, decision.reasons))

    async def _is_gone(self) -> bool:
        record = self.record
        if await self._has(source_registry(record)):
            return False
        tried = " and ".join(dict.fromkeys((record.environment, record.source or record.environment)))
        message = f"{record.repository}@{record.digest} is in no registry any more: not in {tried}"
        await self._end(Phase.FAILED, Failure(FailureCode.IMAGE_MISSING, message))
        return True

    async def _poll_if_it_answers(self, attempt: Attempt) -> timedelta | None:
        """Late, only the target's own word counts, and it is asked next."""
        with contextlib.suppress(UnavailableError):
            return await self._poll(attempt)
        return None

    async def _poll(self, attempt: Attempt) -> timedelta | None:
        """Ask how the attempt goes. Returns how long to pause; None where the target tells more."""
        if attempt.operation is not None:
            status = await self._asked(self.app.registry.poll(attempt.operation))
            if status.progress is Progress.RUNNING:
                return _pause(status)
            self._hear(attempt, status)
            return None
        left = SUBMIT_GRACE - (self.now - attempt.started_at)
        if attempt.submitted or left <= _NOW:
            return None
        self._waits = True  # who is submitting it stores how that went, and is not to be refused for a look
        return left

    def _hear(self, attempt: Attempt, status: ImportStatus) -> None:
        """Take what the registry says of an attempt; only the target's own word ends a promotion well."""
        if status.progress in _INCONCLUSIVE:
            return
        code = _CODES.get(status.progress)
        failures = attempt.failures + 1
        heard = replace(attempt, ended=True, then=None, failures=failures, code=code, message=status.message)
        self.record = replaced(self.record, attempt=heard)

    async def _approach(self, *, overdue: bool = False) -> timedelta | None:
        """Read the target; end where it is as wanted, else submit the import that it still lacks."""
        return await self._conclude(await self._read(), overdue=overdue)

    async def _conclude(self, served: Served, *, overdue: bool = False) -> timedelta | None:
        try:
            wanted = next_import(self.record, served)
        except TagConflictError as conflict:
            await self._end(Phase.FAILED, Failure(FailureCode.TAG_CONFLICT, str(conflict)))
            return None
        if wanted is None:
            await self._end(Phase.SUCCEEDED)
            return None
        if overdue:
            await self._time_out("the registry has not finished the import")
            return None
        return await self._import(wanted)

    async def _import(self, wanted: Import) -> timedelta | None:
        prior = self.record.attempt
        again = prior if prior and prior.tag == wanted.tag else None
        if again is not None:
            pause = await self._before_again(again, wanted)
            if pause is not None or self.record.phase.is_terminal:
                return pause
        number = prior.number + 1 if prior else 1
        failures = again.failures if again else 0
        attempt = Attempt(number, wanted.tag, wanted.force, self.app.clock.now(), failures=failures)
        if wanted.tag == self._then:
            self.record = replaced(self.record, attempt=attempt)
            return await self._submit(wanted, attempt)
        late = prior is not None and not prior.ended and prior.may_move(wanted.tag)
        await self._store(attempt, may_finish_late=self.record.may_finish_late or late)
        return await self._submit(wanted, attempt)

    async def _before_again(self, prior: Attempt, wanted: Import) -> timedelta | None:
        """Whether the same import is to be submitted once more. Returns how long to pause before that."""
        age = self.now - prior.started_at
        if prior.submitted and not prior.ended:
            return RECHECK if age < RESUBMIT_AFTER else None
        if not prior.failures:
            return None
        if not await self._has(wanted.source_registry):
            message = f"{wanted.repository}@{wanted.digest} is in its source registry no more; push it again"
            await self._end(Phase.FAILED, Failure(FailureCode.SOURCE_MISSING, message))
        elif prior.code is FailureCode.TOO_MANY_MANIFESTS or prior.failures >= MAX_FAILURES:
            message = prior.message or "the registry said that it was done, but does not serve the image"
            await self._end(Phase.FAILED, Failure(prior.code or FailureCode.IMPORT_FAILED, message))
        elif age < RECHECK * prior.failures:
            await self._store(prior)  # what was heard of it is heard only once
            return RECHECK * prior.failures - age
        return None

    async def _submit(self, wanted: Import, attempt: Attempt) -> timedelta | None:
        try:
            status = await self._asked(self.app.registry.submit(wanted))
        except UnavailableError as error:
            ambiguous = wanted.force and error.retry_after is None
            late = self.record.may_finish_late or ambiguous
            failed = replace(attempt, ended=True, then=None, message=str(error))
            await self._store(failed, may_finish_late=late)
            raise
        if status.progress is Progress.FORBIDDEN:
            await self._end(Phase.FAILED, Failure(FailureCode.NO_PERMISSION, status.message))
            return None
        if status.progress is Progress.RUNNING and status.operation is not None:
            status = await self._polled_at_once(status)
        if status.progress in {Progress.RUNNING, Progress.UNKNOWN}:
            pause = _pause(status)
            look_at = self.app.clock.now() + pause
            accepted = replace(attempt, submitted=True, operation=status.operation, then=None)
            await self._store(accepted, look_at=look_at)
            self._waits = True
            return pause
        self._hear(attempt, status)
        return await self._approach()

    async def _polled_at_once(self, accepted: ImportStatus) -> ImportStatus:
        """A small import may have ended by now: asked at once, it spares a message, and a second at least.

        An answer that is none tells no more than that the import was accepted.
        """
        with contextlib.suppress(UnavailableError):
            status = await self._asked(self.app.registry.poll(accepted.operation or ""))
            if status.progress is Progress.RUNNING or status.progress not in _INCONCLUSIVE:
                return status
        return accepted

    async def _store(self, attempt: Attempt, **changes: object) -> None:
        self._then = None
        record = replaced(self.record, attempt=attempt, **changes)
        [version] = await self.app.promotions.commit([Write(record)])
        self.record = replaced(record, version=version)

    async def refused_entry(self, error: DeniedError) -> timedelta | None:
        """A role is missing. It may just have been given; after half an hour that is the promotion's end."""
        if self.now - (self.record.importing_at or self.record.created_at) <= DEADLINE:
            log.warning("%s waits: %s", self.line.line_key, error)
            return RECHECK
        await self._end(Phase.FAILED, Failure(FailureCode.NO_PERMISSION, str(error)))
        return None

    async def look_again_after(self, pause: timedelta) -> None:
        """Store when the promotion is looked at again, so that who comes earlier leaves it alone."""
        if self._waits:
            return
        record = replaced(self.record, look_at=self.app.clock.now() + pause)
        [version] = await self.app.promotions.commit([Write(record)])
        self.record = replaced(record, version=version)

    async def _read(self) -> Served:
        record = self.record
        target = record.terms.environment(record.environment)
        return await self._asked(read_target(self.app, target, record.image, record.tag, record.pointer))

    async def _has(self, registry: Location) -> bool:
        record = self.record
        found = self.app.registry.digest(registry, record.repository, record.digest)
        return await self._asked(found) is not None

    def _backed_off(self) -> timedelta | None:
        until = self.app.throttled.get(self.record.environment)
        return until - self.now if until is not None and until > self.now else None

    async def _asked[T](self, call: Awaitable[T]) -> T:
        """What a registry answers; where it asks to be left alone, this process keeps off it."""
        try:
            return await call
        except UnavailableError as error:
            if error.retry_after is not None:
                self.app.throttled[self.record.environment] = self.app.clock.now() + error.retry_after
            raise

    async def _time_out(self, what: str) -> None:
        attempt = self.record.attempt
        late = self.record.may_finish_late or (attempt is not None and attempt.force and not attempt.ended)
        self.record = replaced(self.record, may_finish_late=late)
        minutes = int(DEADLINE.total_seconds() // 60)
        last = f" Its last words: {attempt.message}" if attempt and attempt.message else ""
        message = f"given up after {minutes} minutes: {what}.{last}"
        await self._end(Phase.FAILED, Failure(FailureCode.TIMED_OUT, message))

    async def _end(self, phase: Phase, failure: Failure | None = None) -> None:
        """End the promotion; where the line has changed meanwhile, the step is taken again from the start."""
        self.record = await end(self.app, self.line, self.record, phase, failure)
