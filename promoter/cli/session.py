"""What a command works with: the server, the terminal, and the person in front of it."""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

import click
from rich.console import Console, RenderableType

from promoter.cli.address import Credential, default_credential
from promoter.cli.api import Api
from promoter.cli.ends import CommandError, Exit, Json

_WIDE = 10_000  # columns: what is no terminal has its lines broken by nobody


def _now() -> datetime:
    return datetime.now(UTC)


def _somebody_is_there() -> bool:
    return sys.stdin.isatty()


@dataclass(frozen=True)
class Surroundings:
    """What lies outside of the program; the tests put their own in its place.

    Attributes:
        now: The time.
        pause: Waits for so many seconds.
        credential: Signs in to Azure.
        somebody_is_there: Whether there is a person who can be asked.
    """

    now: Callable[[], datetime] = _now
    pause: Callable[[float], None] = time.sleep
    credential: Callable[[], Credential] = default_credential
    somebody_is_there: Callable[[], bool] = _somebody_is_there


@dataclass(frozen=True)
class Session:
    """One command, on one server.

    Attributes:
        api: The server.
        around: What lies outside.
        as_json: Whether the API's own JSON is wanted in place of text for people.
        yes: Whether everything was said yes to before.
    """

    api: Api
    around: Surroundings
    as_json: bool = False
    yes: bool = False

    @property
    def now(self) -> datetime:
        """The time."""
        return self.around.now()

    @cached_property
    def out(self) -> Console:
        """Standard output, for answers."""
        return console(stderr=False)

    @cached_property
    def aside(self) -> Console:
        """Standard error, for questions, and for what passes while one waits."""
        return console(stderr=True)

    def answer(self, document: Json, shown: Callable[[], RenderableType]) -> None:
        """Print a document: as JSON, where it has any, or as it is shown to people."""
        if not self.as_json:
            put(self.out, shown())
        elif document:
            print_json(document, indent=2 if sys.stdout.isatty() else None)

    def confirm(self, question: str, *shown: RenderableType) -> None:
        """Go on only where a person says yes to what would happen, or `--yes` has said so.

        Raises:
            CommandError: The answer is no.
            UsageError: Nobody is there to be asked.
        """
        if self.yes:
            return
        self.must_be_able_to_ask(f"{question}?")
        for each in shown:
            put(self.aside, each)
        if not click.confirm(f"{question}?", err=True):
            message = "nothing was changed"
            raise CommandError(message, Exit.FAILED)

    def must_be_able_to_ask(self, question: str) -> None:
        """Go on only where there is somebody to ask, or nothing to be asked.

        Raises:
            UsageError: `--yes` is missing.
        """
        if not self.yes and not self.around.somebody_is_there():
            message = f"{question} There is nobody to ask here, so say yes beforehand: --yes"
            raise click.UsageError(message)

    def reason(self, given: str | None) -> str:
        """The reason that the API asks for: as given, or else as the person types it.

        Raises:
            UsageError: None was given, and nobody is there to be asked, or wants to be.
        """
        if given is not None:
            return given
        if self.yes or not self.around.somebody_is_there():
            message = "a reason is needed, for the history: --reason"
            raise click.UsageError(message)
        return str(click.prompt("Reason, for the history", err=True))


def console(*, stderr: bool) -> Console:
    """Standard output or standard error: colours and broken lines are for terminals only."""
    made = Console(stderr=stderr, highlight=False, markup=False, emoji=False)
    if not made.file.isatty():  # which is not what rich goes by where FORCE_COLOR is set
        made.width = _WIDE
    return made


def put(console: Console, shown: RenderableType) -> None:
    """Print to people; what they pipe on has no spaces at its lines' ends."""
    if console.file.isatty():
        console.print(shown)
        return
    with console.capture() as captured:
        console.print(shown)
    console.file.writelines(f"{line.rstrip()}\n" for line in captured.get().splitlines())
    console.file.flush()


def print_json(document: Json, indent: int | None = None) -> None:
    """Print a document as JSON."""
    print(json.dumps(document, indent=indent, ensure_ascii=False), flush=True)  # noqa: T201 - the answer
