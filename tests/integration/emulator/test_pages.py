"""docs/emulator.md shows what its sessions do now: after a change, `make docs-emulator`."""

import re
from pathlib import Path

import pytest

from localhost.emulator_sessions import AZ, SESSIONS, Session

PAGE = Path(__file__).parents[3] / "docs" / "emulator.md"


def part(name: str) -> str:
    found = re.search(rf"<!-- {name} -->\n(.*?)<!-- /{name} -->", PAGE.read_text(), re.DOTALL)
    assert found, name
    return found[1]


@pytest.mark.parametrize("session", [*SESSIONS, AZ], ids=lambda session: session.name)
def test_a_session_is_shown_as_it_is_run(session: Session) -> None:
    shown = part(session.name)

    if session.python:
        assert session.python.strip() in shown
        assert shown.partition("says\n```\n")[2].strip("`\n")
    for line in session.lines:
        assert (line if line.startswith("#") else f"$ {line}") in shown


@pytest.mark.parametrize("name", ["banner", "conformance", "benchmark"])
def test_what_is_counted_and_measured_is_there(name: str) -> None:
    assert part(name).strip()
