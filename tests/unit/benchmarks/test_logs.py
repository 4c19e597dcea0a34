"""What the benchmarks read of the host's log is what the host writes there."""

import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from io import StringIO

import pytest

from benchmarks import counts, soak
from localhost.host.console import Formatter
from localhost.host.invocations import _logged
from tests.fakes.world import WEB, World
from tests.unit.application.stories import qualified

type Log = Callable[[], str]


@pytest.fixture
def log() -> Iterator[Log]:
    """What was logged so far, as a host writes it into its log."""
    stream, loggers = StringIO(), [logging.getLogger(name) for name in ("promoter", "host")]
    handler = logging.StreamHandler(stream)
    handler.setFormatter(Formatter(coloured=False))
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
    yield stream.getvalue
    for logger, level in zip(loggers, levels, strict=True):
        logger.removeHandler(handler)
        logger.setLevel(level)


async def test_a_soak_finds_each_success_with_its_time(log: Log) -> None:
    world = World()
    await qualified(world, "v1")
    await world.run()

    found = soak.SUCCEEDED.findall(log())

    assert [repository for _, repository in found] == [WEB, WEB]  # in staging, and then in prod
    assert all(datetime.fromisoformat(at).tzinfo == UTC for at, _ in found)


async def test_the_costs_count_own_lines_and_executions(log: Log) -> None:
    world = World()
    with _logged("4711", "advance", "a message"):
        await qualified(world, "v1")
        await world.run()

    [(function, milliseconds)] = counts.EXECUTED.findall(log())
    assert function == "advance"
    assert milliseconds.isdigit()
    own = counts.own_lines(log())
    assert own
    assert all(WEB in line for line in own)
