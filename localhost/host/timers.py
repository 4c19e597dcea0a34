"""Timer triggers: one host at a time runs each timer, and a run missed while no host was up is made up for.

As in Azure, the host that runs a timer holds its lease, and the schedule's status is kept where all hosts see
it.
"""

import asyncio
import logging
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import msgspec

from localhost.host.errors import HostError
from localhost.host.functions import Function
from localhost.host.invocations import Invocations
from localhost.host.leases import HostStorage
from localhost.host.ncrontab import Schedule
from localhost.host.settings import resolve_settings
from localhost.host.storage import OUTAGE, OUTAGE_PAUSE
from localhost.host.wire import json_datum, text_datum, timer_request
from localhost.host.worker import FunctionFailed

_LEASE_PAUSE = 1.0
"""Seconds until a lease that another host holds is asked for again."""
_LONGEST_SLEEP = 1.0
"""Longer waits are cut up, so that a lease that is lost, or a clock that was set, is noticed."""
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

    def __init__(
        self, function: Function, schedule: Schedule, invocations: Invocations, storage: HostStorage
    ) -> None:
        """Hold the timer's lease and keep its status in `storage`."""
        self._function, self._schedule = function, schedule
        self._invocations, self._storage = invocations, storage
        self._status: ScheduleStatus | None = None
        self._started = False
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Call no more; `listen` returns when what is running has ended."""
        self._stopping.set()

    async def listen(self) -> None:
        """Wait until no other host runs this timer, then run it, whatever becomes of the storage."""
        while not self._stopping.is_set():
            try:
                async with self._storage.leased(self._function.name) as lost:
                    self._storage.account.answered()
                    if lost is None:
                        await self._wait(_LEASE_PAUSE)
                    else:
                        await self._run(lost)
            except OUTAGE as error:
                self._storage.account.silent(error)
                await self._wait(OUTAGE_PAUSE)

    async def _run(self, lost: asyncio.Event) -> None:
        """Run it as long as its lease is held."""
        await self._start()
        due = self._next(_now())
        while not (self._stopping.is_set() or lost.is_set()):
            left = (due - _now()).total_seconds()
            if left > 0:
                await self._wait(min(left, _LONGEST_SLEEP))
                continue
            await self._call(past_due=False)
            due = self._next(max(_now(), due))

    async def _start(self) -> None:
        """Run what was missed, or what runs at each start."""
        monitored = self._is_monitored()
        if monitored:
            self._status = _later(self._status, await self._read_status())
        first, self._started = not self._started, True
        if self._is_past_due():
            await self._call(past_due=True)
        elif first and self._function.trigger.properties.get("runOnStartup"):
            await self._call(past_due=False)
        elif monitored and self._status is None:
            await self._write_status(_NEVER)

    def _is_past_due(self) -> bool:
        status = self._status
        if status is None:
            return False
        return self._next(status.last_updated if status.last == _NEVER else status.last) <= _now()

    async def _call(self, *, past_due: bool) -> None:
        start = _now()
        request = timer_request(past_due=past_due, status=msgspec.to_builtins(self._status))
        metadata = {"TimerTrigger": text_datum(start.isoformat())}
        reason = f"Timer fired at {start.isoformat()}{', past due' if past_due else ''}"
        # A failure is in the log by now, and a timer is not tried again before it is due.
        with suppress(FunctionFailed):
            await self._invocations.run(self._function, json_datum(request), metadata, reason=reason)
        if self._is_monitored():
            await self._write_status(start)

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

    async def _read_status(self) -> ScheduleStatus | None:
        content = await self._storage.status(self._function.name)
        try:
            return None if content is None else msgspec.json.decode(content, type=ScheduleStatus)
        except msgspec.DecodeError as error:
            name = self._function.name
            _log.warning("The status of timer '%s' cannot be read and is written anew: %s", name, error)
            return None

    async def _write_status(self, last: datetime) -> None:
        self._status = ScheduleStatus(last, self._next(_now()), _now())
        await self._storage.set_status(self._function.name, msgspec.json.encode(self._status))


def _later(one: ScheduleStatus | None, other: ScheduleStatus | None) -> ScheduleStatus | None:
    """The newer status: what could not be written, while storage was away, is known all the same."""
    return max(filter(None, (one, other)), key=lambda status: status.last_updated, default=None)


def schedule_of(function: Function) -> Schedule:
    """The schedule of a timer-triggered function.

    Raises:
        HostError: it is none, or never occurs.
    """
    text = resolve_settings(function.text("schedule"), function.name)
    try:
        schedule = Schedule.parse(text)
        schedule.next_after(_now())
    except ValueError as error:
        message = f"Function '{function.name}': the schedule '{text}' is no NCRONTAB expression: {error}."
        raise HostError(message) from error
    return schedule


def _now() -> datetime:
    return datetime.now(UTC)
