"""The time limit of what heeds none: a function that blocks the event loop, or that cannot be cancelled.

In Azure the host is a process beside the worker, and ends the worker. Here it is a thread, and starts the
process afresh.
"""

import logging
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence

from localhost.host.invocations import Running

_GRACE = 2.0
"""Seconds that a function has to end in once its time is over."""

_log = logging.getLogger("host")


class Watchdog:
    """Looks after the deadlines of invocations from a thread of its own."""

    def __init__(self, running: Callable[[], Sequence[Running]], end: Callable[[], None]) -> None:
        """Watch what `running` names, and call `end`, on this thread, when one is long over its time."""
        self._running, self._end = running, end
        self._main = threading.get_ident()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def start(self) -> None:
        """Watch from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Watch no more."""
        self._stopped.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stopped.wait(_GRACE / 4):
            late = [one.function for one in self._running() if time.monotonic() > one.deadline + _GRACE]
            if late:
                frame = sys._current_frames().get(self._main)  # noqa: SLF001 - there is no other way to see it
                where = "".join(traceback.format_stack(frame)[-4:]) if frame else ""
                _log.critical(
                    "'Functions.%s' is over its functionTimeout and cannot be ended: it blocks the event "
                    "loop, or does not heed cancellation. The host starts afresh; what was running is "
                    "lost, and messages come again when their leases run out. The event loop is here:\n%s",
                    late[0],
                    where.rstrip(),
                )
                self._end()
                return
