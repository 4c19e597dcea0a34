"""Taking a line as far as it goes: its promotions one after the other, and what follows their ends.

Each step reads how things are, does one thing, and stores it; any step may be the last before a crash, and
any may be taken twice.
"""

import logging
from datetime import timedelta

from promoter.application.app import App
from promoter.application.documents import follow_up as todo_of
from promoter.application.documents import record_row
from promoter.application.ending import end
from promoter.application.flight import RECHECK, Flight
from promoter.application.follow_up import follow_up, follow_up_all
from promoter.application.publish import publish_all
from promoter.application.work import Work
from promoter.application.work import advance as wake_line
from promoter.domain.errors import ConcurrentChangeError, UnavailableError
from promoter.domain.line import Line, LineKey
from promoter.domain.promotion import Failure, FailureCode, Phase, Promotion

log = logging.getLogger("promoter")

_STEPS = 25


async def advance(app: App, key: LineKey) -> list[Work]:
    """Take a line as far as it goes now; where something is to be waited for, the line is woken again then.

    Returns:
        The lines to be woken at once.
    """
    wake: list[Work] = []
    for _ in range(_STEPS):
        try:
            line = await app.line(key)
            if not line.queue:
                wake += await follow_up_all(app, key)
                break
            pause = await _step(app, line, wake)
        except ConcurrentChangeError:
            continue
        except UnavailableError as error:
            log.warning("%s waits: %s", key, error)
            pause = max(error.retry_after or RECHECK, timedelta(seconds=1))
        if pause is not None:
            await app.scheduler.wake(wake_line(key), pause)
            break
    else:
        wake.append(wake_line(key))
    try:
        await publish_all(app, key)
    except UnavailableError as error:  # what is to be woken must not be lost for it
        log.warning("%s: changes are not told yet: %s", key, error)
    return wake


async def _step(app: App, line: Line, wake: list[Work]) -> timedelta | None:
    """Take the next step on a line. Returns how long to pause; None to go on at once."""
    record = await _record(app, line, line.queue[0])
    overtaken = [number for number in line.queue[1:] if number < line.barrier]
    if record.phase is Phase.PENDING and record.sequence < line.barrier:
        overtaken = [record.sequence, *overtaken]
    if overtaken:
        await _supersede(app, line, overtaken[0], wake)
        return None
    flight = Flight(app, line, record)
    if record.phase is Phase.PENDING:
        pause = await flight.start()
    else:
        pause = await flight.go_on()
    if pause is not None:
        return pause
    if flight.record.phase.is_terminal:
        wake += await follow_up(app, todo_of(flight.record))
    return None


async def _record(app: App, line: Line, number: int) -> Promotion:
    key = record_row(line.repository, number, line.track)
    record = await app.promotions.get(Promotion, line.environment, key)
    if record is None or record.phase.is_terminal:  # the line has been read before it ended: read it again
        message = f"{line.line_key}: record {number} has ended"
        raise ConcurrentChangeError(message)
    return record


async def _supersede(app: App, line: Line, number: int, wake: list[Work]) -> None:
    record = await _record(app, line, number)
    failure = Failure(FailureCode.ROLLED_BACK, f"{line.environment} was rolled back before this had started")
    ended = await end(app, line, record, Phase.SUPERSEDED, failure)
    wake += await follow_up(app, todo_of(ended))
