"""Shell completion: of commands and options by click; of names by the server, if it answers quickly."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem, get_completion_class

from promoter.cli.address import LOCAL, Address, SignIn, default_credential
from promoter.cli.api import Api
from promoter.cli.arguments import NamedArgument
from promoter.cli.ends import CommandError, Json

if TYPE_CHECKING:
    from collections.abc import Mapping

VARIABLE = "_PROMOTER_COMPLETE"
_QUICKLY = 1.0  # seconds
_RECENT = 50


@click.command
@click.argument("shell", cls=NamedArgument, type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the script that lets a shell complete commands, environments, repositories, images and records.

    For bash, put this into ~/.bashrc: eval "$(promoter completion bash)". For zsh the same, with zsh in place
    of bash. For fish, save it as ~/.config/fish/completions/promoter.fish.
    """
    script = get_completion_class(shell)
    assert script is not None  # noqa: S101 - it is one of those above
    click.echo(script(context.find_root().command, {}, "promoter", VARIABLE).source())


def complete(what: str, context: click.Context, incomplete: str) -> list[CompletionItem]:
    """The names that start with what was typed so far; none where the server does not answer quickly."""
    api = _api(context.params)
    try:
        names = _NAMES[what](api) if api else ()
        return [CompletionItem(name) for name in sorted(set(names)) if name.startswith(incomplete)]
    except (CommandError, KeyError, TypeError):
        return []


def _api(given: "Mapping[str, str | None]") -> Api | None:
    """The server as the command would call it; signing in to Azure takes too long to be done at each key."""
    if given.get("scope"):
        return None
    try:
        sign_in = SignIn(given.get("key"), None, None, default_credential)
        return Api(Address(given["url"] or LOCAL), sign_in, _say_nothing, _say_nothing, timeout=_QUICKLY)
    except click.UsageError:
        return None


def _say_nothing(_: object) -> None:
    """Nobody is told, and nothing waited for, in the middle of a line."""


def _lines(api: Api) -> list[Json]:
    return list(api.get("environments")["items"])


def _waiting(api: Api) -> list[Json]:
    return list(api.get("candidates")["items"])


def _environments(api: Api) -> Iterable[str]:
    waiting = _waiting(api)
    return [each["environment"] for each in (*_lines(api), *waiting)] + [each["from"] for each in waiting]


def _repositories(api: Api) -> Iterable[str]:
    return [each["repository"] for each in (*_lines(api), *_waiting(api))]


def _images(api: Api) -> Iterable[str]:
    current = [each | each["current"] for each in _lines(api) if each["current"]]
    return [f"{each['repository']}:{each['tag']}" for each in (*current, *_waiting(api))]


def _records(api: Api) -> Iterable[str]:
    return [each["id"] for each in api.get("promotions", query={"limit": _RECENT})["items"]]


_NAMES: dict[str, Callable[[Api], Iterable[str]]] = {
    "environments": _environments,
    "repositories": _repositories,
    "images": _images,
    "records": _records,
    "targets": lambda api: [*_repositories(api), *_records(api)],
}
