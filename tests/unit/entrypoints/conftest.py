"""The functions over a world of fakes."""

import pytest

from tests.fakes.world import World
from tests.unit.entrypoints.running import Functions, run_over


@pytest.fixture
def functions(monkeypatch: pytest.MonkeyPatch) -> Functions:
    """The functions, ready, over an empty world."""
    return run_over(World(), monkeypatch)


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Functions:
    """The functions of a process whose policy has problems."""
    return run_over(World(), monkeypatch, ["rules[0].to: there is no environment 'qa'"])
