"""The pages on the command line say what it does."""

import re
import shlex
from pathlib import Path

import click
import pytest

from localhost.docs import PAGE, reference
from localhost.pages import with_parts
from promoter.cli.main import COMMANDS, promoter

ROOT = Path(__file__).parents[3]
_COMMAND = re.compile(r"^(?:\$ )?promoter (?P<arguments>.*?)(?: > .*)?$")
_CODE = re.compile(r"^```(?:bash|console)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def commands(page: Path) -> list[list[str]]:
    """The calls of the command line in a page's examples, without the shell's part."""
    blocks = "\n".join(_CODE.findall(page.read_text())).replace("\\\n", "")
    found = (_COMMAND.match(line) for line in blocks.splitlines())
    return [shlex.split(each["arguments"], comments=True) for each in found if each]


def test_the_reference_is_up_to_date() -> None:
    page = PAGE.read_text()
    assert with_parts(page, reference()) == page, "run make docs"


@pytest.mark.parametrize("name", ["docs/cli.md", "README.md"])
def test_every_command_that_is_shown_can_be_typed(name: str) -> None:
    found = commands(ROOT / name)
    assert len(found) > 3
    for arguments in found:
        context = click.Context(promoter, info_name="promoter")
        given, command, rest = promoter.resolve_command(context, arguments)
        assert command is not None
        command.make_context(given, list(rest), parent=context)  # fails where it cannot be typed


def test_the_session_shows_what_people_do() -> None:
    session = PAGE.read_text().partition("<!-- recording -->")[2]
    shown = {line.split()[2] for line in session.splitlines() if line.startswith("$ promoter ")}
    assert shown <= {name for section in COMMANDS.values() for name in section}
    assert shown >= {"candidates", "explain", "history", "promote", "report", "rollback", "show", "status"}
