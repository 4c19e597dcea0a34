"""Swaps as Resource Manager's operations, on disk: a poll finds them after a restart."""

import time
from dataclasses import dataclass
from uuid import uuid4

from emulator.appservice.slot import SlotId
from emulator.arm.operations import State
from emulator.errors import ArmError
from emulator.store.database import Database, Row

_KEPT_FOR = 24 * 3600
_COLUMNS = "id, site, source, target, state, code, message"


@dataclass(frozen=True)
class Swap:
    """One swap that was accepted. The code and message are those of a failure."""

    id: str
    source: SlotId
    target: SlotId
    state: State = State.RUNNING
    code: str = ""
    message: str = ""

    @property
    def warmed(self) -> SlotId:
        """The slot that is warmed up first: the one whose content goes to production."""
        return self.target if self.source.is_production else self.source

    @property
    def other(self) -> SlotId:
        """The other one."""
        return self.source if self.source.is_production else self.target


class Swaps:
    """The swaps of all sites."""

    def __init__(self, database: Database) -> None:
        self._database = database
        database.execute(
            "delete from swaps where state <> ? and started < ?", State.RUNNING, time.time() - _KEPT_FOR
        )

    def add(self, source: SlotId, target: SlotId) -> Swap:
        """Keep a swap that was accepted."""
        swap = Swap(str(uuid4()), source, target)
        self._database.execute(
            "insert into swaps values (?, ?, ?, ?, ?, '', '', ?)",
            swap.id,
            source.site,
            source.slot,
            target.slot,
            swap.state,
            time.time(),
        )
        return swap

    def find(self, identifier: str) -> Swap | None:
        """Read a swap."""
        row = self._database.one(f"select {_COLUMNS} from swaps where id = ?", identifier)  # noqa: S608
        return _swap(row) if row else None

    def running(self) -> list[Swap]:
        """Read what is still to be done."""
        rows = self._database.all(
            f"select {_COLUMNS} from swaps where state = ? order by started",  # noqa: S608
            State.RUNNING,
        )
        return [_swap(row) for row in rows]

    def end(self, swap: Swap, error: ArmError | None = None) -> None:
        """Note how a swap ended."""
        self._database.execute(
            "update swaps set state = ?, code = ?, message = ? where id = ?",
            State.FAILED if error else State.SUCCEEDED,
            error.code if error else "",
            error.message if error else "",
            swap.id,
        )


def _swap(row: Row) -> Swap:
    identifier, site, source, target, state, code, message = (str(value) for value in row)
    return Swap(identifier, SlotId(site, source), SlotId(site, target), State(state), code, message)
