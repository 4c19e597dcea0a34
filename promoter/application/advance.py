"""Taking a line as far as it goes: its promotions one after the other, and what follows their ends.

Each step reads how things are, does one thing, and stores it; any step may be the last before a crash, and
any may be taken twice.
"""

import contextlib
import logging
from datetime import timedelta

from promoter.application.app import App, own
from promoter.application.ending import end
from promoter.application.flight import RECHECK, Flight
from promoter.application.follow_up import follow, follow_up_all
from promoter.application.publish import publish_all
from promoter.application.work import Work
from promoter.application.work import advance as wake_line
from promoter.domain.errors import ConcurrentChangeError, DeniedError, UnavailableError
from promoter.domain.line import Line, LineKey
from promoter.domain.promotion import Failure, FailureCode, Phase, Promotion

log = logging.getLogger("promoter")

_STEPS = 25
_NOT_NOW = timedelta(0)
_EARLY = timedelta(milliseconds=500)  # clocks differ, and queues delay by whole seconds


async def advance(app: App, key: LineKey, *, leftovers: bool = False) -> list[Work]:
    """Take a line as far as it goes now; where something is to be waited for, the line is woken again then.

    Args:
        app: The application.
        key: The line.
        leftovers: Whether what is left of ended promotions is looked for first.

    Returns:
        The lines to be woken at once.
    """
    wake = await follow_up_all(app, key) if leftovers else []
    unheard = False
    for _ in range(_STEPS):
        try:
            lines = await app.lines(key.environment, key.repository)
            if not own(lines, key).queue:
                wake += [] if leftovers else await follow_up_all(app, key)
                break
            pause = await _step(app, key, lines, wake)
        except ConcurrentChangeError:
            continue
        except UnavailableError as error:
            log.warning("%s waits: %s", key, error)
            pause, unheard = max(error.retry_after or RECHECK, timedelta(seconds=1)), True
        if pause is not None:
            if pause > _NOT_NOW:  # what was stored unheard may have been a promotion's end
                await app.scheduler.wake(wake_line(key, leftovers=unheard), pause)
            break
    else:
        wake.append(wake_line(key))
    try:
        await publish_all(app, key)
    except UnavailableError as error:  # what is to be woken must not be lost for it
        log.warning("%s: changes are not told yet: %s", key, error)
    return wake


async def _step(app: App, key: LineKey, lines: tuple[Line, ...], wake: list[Work]) -> timedelta | None:
    """Take the next step on a line, given all lines of its repository.

    Returns:
        How long to pause, nothing where somebody else is to go on; None to go on at once.
    """
    line = own(lines, key)
    record = await _record(app, line, line.queue[0])
    if record.phase is Phase.PENDING and record.sequence < line.barrier:
        await _supersede(app, line, record, wake)
        return None
    if record.look_at is not None and app.clock.now() < record.look_at - _EARLY:
        return _NOT_NOW  # whoever stored that time is woken then: messages that come twice end here
    flight = Flight(app, line, record, lines)
    try:
        pause = await (flight.start() if record.phase is Phase.PENDING else flight.go_on())
    except DeniedError as error:
        pause = await flight.refused_entry(error)
    except UnavailableError as error:
        with contextlib.suppress(ConcurrentChangeError):  # what was not heard to be stored may be
            await flight.look_again_after(error.retry_after or RECHECK)
        raise
    if pause is not None:
        await flight.look_again_after(pause)
        return pause
    if not flight.record.phase.is_terminal:
        return None
    wake += await follow(app, flight.record, flight.evidence)
    return None if line.queue[1:] else _NOT_NOW  # whoever has claimed more since then wakes the line


async def _record(app: App, line: Line, number: int) -> Promotion:
    record = await app.record(line.line_key, number)
    if record is None or record.phase.is_terminal:  # the line has been read before it ended: read it again
        message = f"{line.line_key}: record {number} has ended"
        raise ConcurrentChangeError(message)
    return record


async def _supersede(app: App, line: Line, record: Promotion, wake: list[Work]) -> None:
    failure = Failure(FailureCode.ROLLED_BACK, f"{line.environment} was rolled back before this had started")
    wake += await follow(app, await end(app, line, record, Phase.SUPERSEDED, failure))
