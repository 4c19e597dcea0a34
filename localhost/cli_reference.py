"""The reference of the command line, as Markdown, from the commands themselves."""

import inspect
from collections.abc import Iterator

import click

from promoter.cli.ends import Exit
from promoter.cli.main import COMMANDS, promoter

SHARED = ("url", "key", "scope", "name", "as_json")
"""The options that nearly every command has."""


def commands() -> str:
    """Every command, with its arguments and its own options."""
    return "\n".join(line for title, names in COMMANDS.items() for line in _section(title, list(names)))


def shared_options() -> str:
    """The options that nearly every command has."""
    return "\n".join(_options(_command("status"), shared=True))


def exit_codes() -> str:
    """Every exit code, and what it means."""
    rows = [f"| {int(each)} | {each.meaning} |" for each in Exit]
    return "\n".join(["| code | meaning |", "|---|---|", *rows])


def _section(title: str, names: list[str]) -> Iterator[str]:
    yield from (f"### {title}", "")
    for name in names:
        command = _command(name)
        context = click.Context(command, info_name=name, parent=click.Context(promoter, info_name="promoter"))
        yield from (f"#### `{' '.join([context.command_path, *_usage(command, context)])}`", "")
        yield from (inspect.cleandoc(command.help or ""), "")
        if options := list(_options(command, shared=False)):
            yield from (*options, "")


def _usage(command: click.Command, context: click.Context) -> Iterator[str]:
    for parameter in command.params:
        metavar = parameter.make_metavar(context)
        if isinstance(parameter, click.Argument):
            yield metavar
        elif parameter.required:
            yield f"{parameter.opts[0]} {metavar}"


def _options(command: click.Command, *, shared: bool) -> Iterator[str]:
    context = click.Context(command)
    options = [each for each in command.params if isinstance(each, click.Option)]
    rows = [
        f"| `{_name(each, context)}` | {each.help}{' Required.' if each.required else ''} |"
        for each in options
        if (each.name in SHARED) == shared
    ]
    if rows:
        yield from ("| option | meaning |", "|---|---|", *rows)


def _name(option: click.Option, context: click.Context) -> str:
    value = "" if option.is_flag else f" {option.make_metavar(context)}"
    return f"{', '.join(option.opts)}{value}"


def _command(name: str) -> click.Command:
    command = promoter.get_command(click.Context(promoter), name)
    if command is None:
        raise KeyError(name)
    return command
