"""The arguments and options that commands share, and the session that comes of them."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Concatenate, Self, override

import click
from click.shell_completion import CompletionItem

from promoter.cli.address import LOCAL, Address, SignIn
from promoter.cli.api import Api
from promoter.cli.ends import CommandError, Exit, Json
from promoter.cli.session import Session, Surroundings, print_json

WAIT = 1800
"""Seconds that `--wait` waits for: an import that has not ended by then counts as failed."""

type Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


@dataclass(frozen=True)
class Image:
    """An image as it is typed: `shop/web:v1`, or `shop/web@sha256:...`."""

    repository: str
    tag: str | None = None
    digest: str | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Take an image as it was typed; whether its parts are valid is for the server to say.

        Raises:
            ValueError: It has no tag and no digest, or a registry in front.
        """
        name, at, digest = text.partition("@")
        repository, colon, tag = name.partition(":")
        if "/" in tag:
            message = f"{text!r} has a registry in front: leave it out, each environment has one"
            raise ValueError(message)
        if not repository or not (tag or digest) or (colon and not tag) or (at and not digest):
            message = f"{text!r} names no image: REPOSITORY:TAG or REPOSITORY@DIGEST, as in shop/web:v1"
            raise ValueError(message)
        return cls(repository, None, digest) if digest else cls(repository, tag)

    @property
    def named(self) -> dict[str, str]:
        """The image in the API's terms; a digest counts for more than a tag beside it."""
        given = {"repository": self.repository, "tag": self.tag, "digest": self.digest}
        return {name: value for name, value in given.items() if value is not None}

    def names(self, document: Json) -> bool:
        """Whether a candidate or a record is about this image."""
        return all(document[name] == value for name, value in self.named.items())

    @override
    def __str__(self) -> str:
        return f"{self.repository}:{self.tag}" if self.tag else f"{self.repository}@{self.digest}"


class _ImageType(click.ParamType[Image]):
    name = "image"

    @override
    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Image:
        try:
            return Image.parse(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


class WaitingCommand(click.Command):
    """A command with `--wait [SECONDS]`: what follows it is the seconds only where it is a number."""

    @override
    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Give `--wait` its seconds where it has none."""
        given = [
            f"--wait={WAIT}" if each == "--wait" and not after.isdecimal() else each
            for each, after in pairwise([*args, ""])
        ]
        return super().parse_args(ctx, given)


def complete(what: str) -> Callable[[click.Context, click.Parameter, str], list[CompletionItem]]:
    """Completes an argument by what the server knows: see the functions of `promoter.cli.completion`."""

    def completed(context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from promoter.cli import completion  # noqa: PLC0415 - it is not needed to run a command

        return completion.complete(what, context, incomplete)

    return completed


def repository(*, required: bool = True) -> Decorator:
    """The repository."""
    return click.argument("repository", required=required, shell_complete=complete("repositories"))


def environment(option: str, *, required: bool = True) -> Decorator:
    """The environment: `--to` for what goes there, `--in` for what is there."""
    what = {"--to": "The environment that it goes to.", "--in": "The environment."}[option]
    return click.option(
        option,
        "environment",
        required=required,
        metavar="ENVIRONMENT",
        shell_complete=complete("environments"),
        help=what,
    )


image = click.argument("image", type=_ImageType(), shell_complete=complete("images"))
record = click.argument("record", shell_complete=complete("records"))
source = click.option(
    "--from", "source", metavar="ENVIRONMENT", help="Where it comes from, if several may be meant."
)
track = click.option("--track", metavar="TRACK", help="Which release line, if the repository has several.")
rule = click.option("--rule", metavar="RULE", help="The rule, if it waits under several.")
reason = click.option("--reason", metavar="TEXT", help="Why, for the history.")
comment = click.option("--comment", metavar="TEXT", help="Why, for the history.")
wait = click.option(
    "--wait",
    type=click.IntRange(0),
    metavar="[SECONDS]",
    help=f"Wait until it has ended, at most so long; {WAIT} s if not given.",
)
yes = click.option("--yes", "-y", is_flag=True, help="Do not ask.")


def connected[**P](command: Callable[Concatenate[Session, P], Exit | None]) -> Callable[..., Exit | None]:
    """Give a command its session: which server, who calls, and how the answer is told."""

    @click.option(
        "--url",
        envvar="PROMOTER_URL",
        default=LOCAL,
        metavar="URL",
        help="Where Promoter is; this machine, if not given. [PROMOTER_URL]",
    )
    @click.option(
        "--key", envvar="PROMOTER_KEY", metavar="KEY", help="Sign in by a function's key. [PROMOTER_KEY]"
    )
    @click.option(
        "--scope",
        envvar="PROMOTER_SCOPE",
        metavar="SCOPE",
        help="Sign in by Entra ID, as with az login: api://APPLICATION-ID/.default. [PROMOTER_SCOPE]",
    )
    @click.option(
        "--as",
        "name",
        envvar="PROMOTER_AS",
        metavar="NAME",
        help="Who you are, on the local stack. [PROMOTER_AS]",
    )
    @click.option("--json", "as_json", is_flag=True, help="Print the API's JSON.")
    @functools.wraps(command)
    def run(*args: P.args, **given: P.kwargs) -> Exit | None:
        shared = {name: given.pop(name, None) for name in ("url", "key", "scope", "name", "as_json", "yes")}
        session = _session(shared)
        try:
            return command(session, *args, **given)
        except CommandError as error:
            if session.as_json and error.answer:
                print_json(error.answer)
            raise

    return run


def _session(given: Json) -> Session:
    around = click.get_current_context().find_object(Surroundings) or Surroundings()
    sign_in = SignIn(given["key"], given["scope"], given["name"], around.credential)
    api = Api(Address(given["url"]), sign_in, around.pause, _say)
    return Session(api, around, given["as_json"], bool(given["yes"]))


def _say(text: str) -> None:
    click.echo(text, err=True)
