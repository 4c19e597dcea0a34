"""The commands, and how each call of the command line ends."""

import importlib
import os
import sys
from collections.abc import Sequence
from datetime import datetime
from typing import override

import click

from promoter import __version__
from promoter.cli import view
from promoter.cli.completion import VARIABLE
from promoter.cli.ends import CommandError, Exit
from promoter.cli.session import Surroundings, console, put

# What each command is, by its module and name: a module is imported when its command is called.
COMMANDS: dict[str, dict[str, str]] = {
    "Look": {
        "status": "promoter.cli.looking:status",
        "candidates": "promoter.cli.looking:candidates",
        "history": "promoter.cli.looking:history",
        "show": "promoter.cli.looking:show",
        "explain": "promoter.cli.looking:explain",
        "watch": "promoter.cli.watching:watch",
    },
    "Move an environment": {
        "promote": "promoter.cli.moving:promote",
        "rollback": "promoter.cli.moving:rollback",
        "retry": "promoter.cli.moving:retry",
        "abort": "promoter.cli.moving:abort",
        "adopt": "promoter.cli.moving:adopt",
    },
    "Judge an image": {
        "report": "promoter.cli.judging:report",
        "approve": "promoter.cli.judging:approve",
        "reject": "promoter.cli.judging:reject",
        "withdraw": "promoter.cli.judging:withdraw",
    },
    "Stop and start automation": {
        "hold": "promoter.cli.holding:hold",
        "unhold": "promoter.cli.holding:unhold",
    },
    "Try a policy": {
        "check": "promoter.cli.trying:check",
        "simulate": "promoter.cli.trying:simulate",
    },
    "On this machine": {
        "completion": "promoter.cli.completion:completion",
    },
}


class _Commands(click.Group):
    @override
    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for section in COMMANDS.values() for name in section]

    @override
    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        for section in COMMANDS.values():
            if cmd_name in section:
                module, _, name = section[cmd_name].partition(":")
                command: click.Command = getattr(importlib.import_module(module), name)
                return command
        return None

    @override
    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            name = error.option_name
            message = (
                f"No such option '{name}' here: options follow the command, as in promoter status {name}"
            )
            raise click.NoSuchOption(name, message, ctx=ctx) from None

    @override
    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.NoSuchCommand as error:
            raise click.NoSuchCommand(
                error.command_name, possibilities=self.list_commands(ctx), ctx=ctx
            ) from None

    @override
    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for title, section in COMMANDS.items():
            with formatter.section(title):
                commands = [(name, self.get_command(ctx, name)) for name in section]
                formatter.write_dl([(name, each.get_short_help_str(120)) for name, each in commands if each])

    @override
    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(int(each)), each.meaning) for each in Exit])


@click.command(
    cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120}
)
@click.version_option(__version__, message="promoter %(version)s")
def promoter() -> None:
    """Carry container images from environment to environment, and back: see, promote, roll back.

    An IMAGE is written shop/web:v1 or shop/web@sha256:..., a RECORD is an id of the history.
    """


def run(arguments: Sequence[str], around: Surroundings | None = None) -> int:
    """Run the command line; the exit code that it ends with."""
    around = around or Surroundings()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = promoter.main(list(arguments), "promoter", VARIABLE, standalone_mode=False, obj=around)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        return Exit.INTERRUPTED
    except CommandError as error:
        _tell(error, around.now())
        return error.exit
    except Exception as error:
        if os.environ.get("PROMOTER_DEBUG"):
            raise
        what = f"{type(error).__name__}: {error}"
        click.echo(
            f"Error: this is a defect of the command line: {what} (PROMOTER_DEBUG=1 shows where)", err=True
        )
        return Exit.FAILED
    return int(code or Exit.DONE)


def _tell(error: CommandError, now: datetime) -> None:
    """One message, and what there is to it: the conditions, or all problems."""
    word = "Not yet" if error.exit is Exit.WAITING else "Error"
    click.echo(f"{word}: {view.clean(error)}", err=True)
    answer = error.answer or {}
    out = console(stderr=True)
    if decision := answer.get("decision"):
        for each in view.conditions(decision["conditions"], now):
            put(out, each)
    for problem in answer.get("problems", ()):
        click.echo(f"  {view.clean(problem)}", err=True)
