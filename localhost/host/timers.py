"""Timer triggers: one host at a time runs each timer, and a run missed while no host was up is made up for.

Where Azure keeps a lease and the schedule's status in blobs, this host keeps a locked file and a file of
status, in a folder that all hosts of one app share. The lock goes with its process, so another host takes
over at once.
"""

import asyncio
import fcntl
import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from localhost.host.errors import HostError
from localhost.host.functions import Function
from localhost.host.invocations import Invocations
from localhost.host.ncrontab import Schedule
from localhost.host.settings import resolve_settings
from localhost.host.wire import json_datum, text_datum
from localhost.host.worker import FunctionFailed

_LOCK_PAUSE = 0.5
_LONGEST_SLEEP = 60.0
"""Longer waits are cut up, so that a clock that was set, or a machine that slept, is noticed."""
_MONITORED = timedelta(minutes=1)
"""Azure keeps no status of what is due more often than this."""
_NEVER = datetime(1, 1, 1, tzinfo=UTC)

_log = logging.getLogger("host")


class ScheduleStatus(msgspec.Struct, frozen=True, rename="pascal"):
    """When a timer ran last, and when it is due next."""

    last: datetime
    next: datetime
    last_updated: datetime


class TimerListener:
    """Calls one function by its schedule, until it is told to stop."""

    def __init__(self, function: Function, invocations: Invocations, state: Path) -> None:
        """Keep the timer's lock and status in the folder `state`.

        Raises:
            HostError: the schedule is none, or never occurs.
        """
        self._function = function
        self._invocations = invocations
        self._schedule = _schedule(function)
        self._lock = state / f"{function.name}.lock"
        self._status = state / f"{function.name}.json"
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Call no more; `listen` returns when what is running has ended."""
        self._stopping.set()

    async def listen(self) -> None:
        """Wait until no other host runs this timer, then run it."""
        self._lock.parent.mkdir(parents=True, exist_ok=True)
        while not self._stopping.is_set():
            with _locked(self._lock) as is_ours:
                if is_ours:
                    await self._run()
                else:
                    await self._wait(_LOCK_PAUSE)

    async def _run(self) -> None:
        monitored = self._is_monitored()
        status = self._read_status() if monitored else None
        if status and self._next(status.last_updated if status.last == _NEVER else status.last) <= _now():
            await self._call(past_due=True)
        elif self._function.trigger.properties.get("runOnStartup"):
            await self._call(past_due=False)
        elif monitored and status is None:
            self._write_status(_NEVER)
        due = self._next(_now())
        while not self._stopping.is_set():
            left = (due - _now()).total_seconds()
            if left > 0:
                await self._wait(min(left, _LONGEST_SLEEP))
                continue
            await self._call(past_due=False)
            due = self._next(max(_now(), due))

    async def _call(self, *, past_due: bool) -> None:
        start = _now()
        monitored = self._is_monitored()
        status = self._read_status() if monitored else None
        request = {
            "IsPastDue": past_due,
            "Schedule": {"AdjustForDST": True},
            "ScheduleStatus": msgspec.to_builtins(status),
        }
        metadata = {"TimerTrigger": text_datum(start.isoformat())}
        # A failure is in the log by now, and a timer is not tried again before it is due.
        with suppress(FunctionFailed):
            await self._invocations.run(self._function, json_datum(request), metadata)
        if monitored:
            self._write_status(start)

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return

    def _next(self, moment: datetime) -> datetime:
        return self._schedule.next_after(moment)

    def _is_monitored(self) -> bool:
        first = self._next(_now())
        wanted = self._function.trigger.properties.get("useMonitor", True)
        return bool(wanted) and self._next(first) - first >= _MONITORED

    def _read_status(self) -> ScheduleStatus | None:
        try:
            return msgspec.json.decode(self._status.read_bytes(), type=ScheduleStatus)
        except FileNotFoundError:
            return None
        except msgspec.DecodeError as error:
            _log.warning("%s cannot be read and is written anew: %s", self._status, error)
            return None

    def _write_status(self, last: datetime) -> None:
        status = ScheduleStatus(last, self._next(_now()), _now())
        fresh = self._status.with_suffix(".new")
        fresh.write_bytes(msgspec.json.encode(status))
        fresh.replace(self._status)


def _schedule(function: Function) -> Schedule:
    text = resolve_settings(function.text("schedule"), function.name)
    try:
        schedule = Schedule.parse(text)
        schedule.next_after(_now())
    except ValueError as error:
        message = f"Function '{function.name}': the schedule '{text}' is no NCRONTAB expression: {error}."
        raise HostError(message) from error
    return schedule


@contextmanager
def _locked(path: Path) -> Iterator[bool]:
    """Whether the lock at that path is ours, as long as the context lasts."""
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def _now() -> datetime:
    return datetime.now(UTC)
