"""What the host says: colours on a terminal, and nowhere else."""

import logging
import os
import pty
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import pytest

from localhost.host.console import Formatter, is_coloured, list_functions


@pytest.fixture
def terminal() -> Iterator[TextIO]:
    """A terminal to write to."""
    master, slave = pty.openpty()
    with os.fdopen(slave, "w") as stream:
        yield stream
    os.close(master)


def test_colours_are_for_terminals(terminal: TextIO, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert is_coloured(terminal)
    with (tmp_path / "log").open("w") as log:
        assert not is_coloured(log)
    monkeypatch.setenv("NO_COLOR", "1")
    assert not is_coloured(terminal)


EXECUTING, SUCCEEDED, FAILED = "Executing 'F'", "Executed 'F' (Succeeded)", "Executed 'F' (Failed)"


@pytest.mark.parametrize(
    ("level", "name", "message", "shown", "colour"),
    [
        (logging.INFO, "host", EXECUTING, EXECUTING, "90"),
        (logging.INFO, "host", SUCCEEDED, SUCCEEDED, "32"),
        (logging.INFO, "host", "Stopping.", "Stopping.", ""),
        (logging.INFO, "promoter", "Executed", "promoter: Executed", ""),
        (logging.WARNING, "promoter", "careful", "WARNING promoter: careful", "33"),
        (logging.ERROR, "host", FAILED, f"ERROR {FAILED}", "31"),
    ],
)
def test_a_line(level: int, name: str, message: str, shown: str, colour: str) -> None:
    record = logging.LogRecord(name, level, "", 0, message, (), None)
    record.created, record.msecs = 0.0, 7.0
    painted = f"\x1b[{colour}m{shown}\x1b[0m" if colour else shown
    assert Formatter(coloured=False).format(record) == f"[1970-01-01T00:00:00.007Z] {shown}"
    assert Formatter(coloured=True).format(record) == f"[1970-01-01T00:00:00.007Z] {painted}"


def test_the_list_of_functions_in_a_log_is_plain(capsys: pytest.CaptureFixture[str]) -> None:
    list_functions([("echo", "[GET]", "http://h/api/echo")])
    assert "        echo: [GET] http://h/api/echo\n" in capsys.readouterr().out
