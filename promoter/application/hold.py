"""Stopping a line for automation, and starting it again."""

from datetime import timedelta

from promoter.application.app import App, while_it_changes
from promoter.application.documents import Candidate, replaced
from promoter.application.paging import every
from promoter.application.ports import Write
from promoter.application.promote import check_reason
from promoter.application.work import Consider, Work
from promoter.domain.actor import Actor
from promoter.domain.errors import NotFoundError
from promoter.domain.line import Hold, Line, LineKey


async def hold(app: App, key: LineKey, reason: str, actor: Actor) -> Line:
    """Keep automation off a line until the hold is deleted. A line on hold keeps its first hold.

    Raises:
        NotFoundError: The policy has no such line.
        InvalidError: The reason is too long.
    """
    check_reason(reason)
    _check_line(app, key)

    async def step() -> Line:
        line = await app.line(key)
        if line.hold is None:
            line = replaced(line, hold=Hold(reason, actor, app.clock.now()))
            await app.commit(Write(line))
        return line

    held = await while_it_changes(step)
    for work in await waiting_on(app, key):  # so that each shows what it waits for by now
        await app.scheduler.wake(work, timedelta(0))
    return held


async def unhold(app: App, key: LineKey) -> list[Work]:
    """Let automation on to a line again, and wake what waited for that.

    Returns:
        The images to be judged again.

    Raises:
        NotFoundError: The policy has no such line.
    """
    _check_line(app, key)

    async def step() -> None:
        line = await app.line(key)
        if line.hold is not None:
            await app.commit(Write(replaced(line, hold=None)))

    await while_it_changes(step)
    return await waiting_on(app, key)


async def waiting_on(app: App, key: LineKey) -> list[Work]:
    """The images that wait on a line, to be judged again."""
    waiting = every(app, Candidate, key.environment, prefix=f"{key.repository.path}~")
    return [Consider(each.repository, each.digest) async for each in waiting]


def _check_line(app: App, key: LineKey) -> None:
    """A hold that no rule would ever meet is a mistake, and is told."""
    app.policy.environment(key.environment)
    if all((rule.target, rule.track) != (key.environment, key.track) for rule in app.policy.rules):
        message = f"no rule leads into {key.environment} on track {key.track[:80]}"
        raise NotFoundError(message, "track")
