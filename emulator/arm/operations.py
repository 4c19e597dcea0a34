"""Imports as Resource Manager's operations, on disk: a poll finds them after a restart."""

import time
from dataclasses import dataclass
from enum import StrEnum
from uuid import uuid4

import msgspec

from emulator.arm.parameters import ImportParameters
from emulator.errors import ArmError
from emulator.store.database import Database, Row

_KEPT_FOR = 24 * 3600


class State(StrEnum):
    """How far an operation is."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    FAILED_QUIETLY = "failed-quietly"  # a poll answers 200, and only its body says Failed


@dataclass(frozen=True)
class ImportOperation:
    """One import that was accepted. The code and message are those of a failure."""

    id: str
    registry: str
    parameters: ImportParameters
    state: State = State.RUNNING
    code: str = ""
    message: str = ""


class Operations:
    """The operations of all registries."""

    def __init__(self, database: Database) -> None:
        self._database = database
        database.execute(
            "delete from operations where state <> ? and started < ?", State.RUNNING, time.time() - _KEPT_FOR
        )

    def add(self, registry: str, parameters: ImportParameters) -> ImportOperation:
        """Keep an import that was accepted."""
        operation = ImportOperation(f"registries-{uuid4()}", registry, parameters)
        self._database.execute(
            "insert into operations values (?, ?, ?, ?, '', '', ?)",
            operation.id,
            registry,
            msgspec.json.encode(parameters).decode(),
            operation.state,
            time.time(),
        )
        return operation

    def find(self, identifier: str) -> ImportOperation | None:
        """Read an operation."""
        row = self._database.one(
            "select id, registry, request, state, code, message from operations where id = ?", identifier
        )
        return _operation(row) if row else None

    def unfinished(self) -> list[ImportOperation]:
        """Read what is still to be done."""
        rows = self._database.all(
            "select id, registry, request, state, code, message from operations"
            " where state = ? order by started",
            State.RUNNING,
        )
        return [_operation(row) for row in rows]

    def succeed(self, operation: ImportOperation) -> None:
        """Note success, in the transaction that makes it so."""
        self._database.execute("update operations set state = ? where id = ?", State.SUCCEEDED, operation.id)

    def fail(self, operation: ImportOperation, error: ArmError, state: State = State.FAILED) -> None:
        """Note a failure."""
        self._database.execute(
            "update operations set state = ?, code = ?, message = ? where id = ?",
            state,
            error.code,
            error.message,
            operation.id,
        )


def _operation(row: Row) -> ImportOperation:
    identifier, registry, request, state, code, message = row
    parameters = msgspec.json.decode(str(request), type=ImportParameters)
    return ImportOperation(
        str(identifier), str(registry), parameters, State(str(state)), str(code), str(message)
    )
