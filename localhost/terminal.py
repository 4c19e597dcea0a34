"""Programs for a terminal: they end on Ctrl-C and SIGTERM, and say in a few words why they failed."""

import asyncio
import signal
import sys
from collections.abc import Coroutine
from typing import Any

from localhost.parts import PartFailedError
from localhost.ports import PortsTakenError

_INTERRUPTED = 130


def run(main: Coroutine[Any, Any, int]) -> int:
    """Run a program, cancel it on Ctrl-C or SIGTERM, and answer with its exit code."""
    try:
        return asyncio.run(_cancelled_by_signals(main))
    except (PartFailedError, PortsTakenError) as error:
        print(error, file=sys.stderr)
        return 1
    except asyncio.CancelledError:
        print("Stopped.", file=sys.stderr)
        return _INTERRUPTED


async def _cancelled_by_signals(main: Coroutine[Any, Any, int]) -> int:
    task = asyncio.ensure_future(main)
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    return await task
