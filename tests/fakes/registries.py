"""Registries in memory, with an import that takes its time and can go wrong in every way ARM's does."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import override

from promoter.application.ports import Import, ImportStatus, Progress
from promoter.domain.errors import DeniedError, UnavailableError
from promoter.domain.image import Digest, Repository, Tag
from promoter.domain.policy import Location
from promoter.simulation.registries import MemoryRegistries, name_of, tag_exists


@dataclass
class _Operation:
    """An import under way."""

    request: Import
    polls_left: int
    stuck: bool
    result: ImportStatus | None = None


@dataclass
class _SubmitFault:
    answer: ImportStatus | UnavailableError
    executed: bool


class FakeRegistry(MemoryRegistries):
    """Any number of registries, as slow and as faulty as they are told to be.

    Attributes:
        polls: How many polls answer RUNNING before an import ends; with 0, `submit` itself ends it.
        retry_after: How long a running import asks to be left alone.
        names_operation: Whether `submit` says where to ask; else it answers RUNNING with no operation.
        failing: How many of the next imports end without having been carried out.
        submitted: Every import that was asked for, also those that were made to fail.
    """

    def __init__(self, *, polls: int = 1) -> None:
        super().__init__()
        self.polls = polls
        self.retry_after = timedelta(seconds=10)
        self.names_operation = True
        self.failing = 0
        self.submitted: list[Import] = []
        self._operations: dict[str, _Operation] = {}
        self._submit_faults: list[_SubmitFault] = []
        self._poll_faults: list[ImportStatus | UnavailableError] = []
        self._digest_faults: list[UnavailableError] = []
        self._sticky = 0
        self._down: set[str] = set()
        self._denying: set[str] = set()

    # The port.

    @override
    async def digest(
        self, registry: Location, repository: Repository, reference: Tag | Digest
    ) -> Digest | None:
        """What a registry serves now."""
        await asyncio.sleep(0)
        self._check_up(registry)
        if self._digest_faults:
            raise self._digest_faults.pop(0)
        return self.served(registry, repository, reference)

    @override
    async def submit(self, request: Import) -> ImportStatus:
        """Ask for an import."""
        await asyncio.sleep(0)
        self.submitted.append(request)
        self._check_up(request.target_registry)
        fault = self._submit_faults.pop(0) if self._submit_faults else None
        if fault is not None and not fault.executed:
            return _answer(fault.answer)
        status = self._accept(request)
        return status if fault is None else _answer(fault.answer)

    @override
    async def poll(self, operation: str) -> ImportStatus:
        """Ask how an import goes."""
        await asyncio.sleep(0)
        known = self._operations.get(operation)
        if known is not None:
            self._check_up(known.request.target_registry)
        if self._poll_faults:
            return _answer(self._poll_faults.pop(0))
        if known is None:
            return ImportStatus(Progress.UNKNOWN, message=f"operation {operation} not found")
        return self._step(operation, known)

    # What a test makes go wrong.

    def fail_submit(
        self, retry_after: timedelta | None = None, *, executed: bool = False, message: str = "no answer"
    ) -> None:
        """Let the next submit raise; `executed`: although the import was accepted."""
        self._submit_faults.append(_SubmitFault(UnavailableError(message, retry_after), executed))

    def answer_submit(self, status: ImportStatus, *, executed: bool = False) -> None:
        """Let the next submit answer this; `executed`: although the import was accepted."""
        self._submit_faults.append(_SubmitFault(status, executed))

    def fail_poll(self, retry_after: timedelta | None = None, message: str = "no answer") -> None:
        """Let the next poll raise."""
        self._poll_faults.append(UnavailableError(message, retry_after))

    def answer_poll(self, progress: Progress, message: str = "") -> None:
        """Let the next poll answer this; the import itself goes on unseen."""
        self._poll_faults.append(ImportStatus(progress, message=message))

    def fail_digest(self, retry_after: timedelta | None = None, message: str = "no answer") -> None:
        """Let the next look at a registry raise."""
        self._digest_faults.append(UnavailableError(message, retry_after))

    def stick_next(self) -> None:
        """Let the next import run on without end, until `finish_late`."""
        self._sticky += 1

    def finish_late(self) -> int:
        """Carry out every import that has not ended, whoever still waits for it; how many there were."""
        late = [each for each in self._operations.values() if each.result is None]
        for operation in late:
            operation.result = self._carry_out(operation.request)
        return len(late)

    def set_down(self, registry: str, *, down: bool = True) -> None:
        """Let every call about a registry raise, or answer again."""
        if down:
            self._down.add(name_of(registry))
        else:
            self._down.discard(name_of(registry))

    def deny(self, registry: str, *, denied: bool = True) -> None:
        """Let every call about a registry be refused for want of a role, or answered again."""
        (self._denying.add if denied else self._denying.discard)(name_of(registry))

    def _check_up(self, registry: Location) -> None:
        if name_of(registry) in self._denying:
            message = f"{registry} needs the role AcrPull"
            raise DeniedError(message)
        if name_of(registry) in self._down:
            message = f"{registry} does not answer"
            raise UnavailableError(message)

    def _accept(self, request: Import) -> ImportStatus:
        target = self._of(request.target_registry, request.repository)
        if not request.force and request.tag in target.tags:
            return tag_exists(request)
        stuck = self._sticky > 0
        self._sticky = max(0, self._sticky - 1)
        if self.polls == 0 and not stuck:
            return self._end(request)
        operation = f"https://management.example/operationResults/{next(self._numbers)}"
        self._operations[operation] = _Operation(request, self.polls, stuck)
        shown = operation if self.names_operation else None
        return ImportStatus(Progress.RUNNING, shown, retry_after=self.retry_after)

    def _step(self, name: str, operation: _Operation) -> ImportStatus:
        if operation.result is None:
            if operation.stuck or operation.polls_left > 0:
                operation.polls_left -= 1
                return ImportStatus(Progress.RUNNING, name, retry_after=self.retry_after)
            operation.result = self._end(operation.request)
        return operation.result

    def _end(self, request: Import) -> ImportStatus:
        if self.failing > 0:
            self.failing -= 1
            return ImportStatus(Progress.FAILED, message="the registry could not read a layer")
        return self._carry_out(request)


def _answer(answer: ImportStatus | UnavailableError) -> ImportStatus:
    if isinstance(answer, UnavailableError):
        raise answer
    return answer
