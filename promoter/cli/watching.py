"""The command that keeps looking: watch."""

from collections.abc import Iterator

import click
from rich.text import Text

from promoter.cli import options, view
from promoter.cli.ends import CommandError, Exit, Json
from promoter.cli.options import connected
from promoter.cli.session import Session, print_json, put

_PAGE = 100


@click.command
@options.repository(required=False)
@options.environment("--in", required=False)
@click.option(
    "--interval",
    type=click.IntRange(1),
    default=2,
    show_default=True,
    metavar="SECONDS",
    help="Seconds between two looks.",
)
@connected
def watch(session: Session, repository: str | None, environment: str | None, interval: int) -> None:
    """Tell what happens, as it happens, until Ctrl-C: what comes to wait, and each promotion's phases.

    With --json, a line for each record or candidate that is new or has changed.
    """
    where = {"repository": repository, "environment": environment}
    known: dict[str, object] = {}
    reached, is_first = True, True
    while True:
        try:
            for changed in _changes(session, where, known, is_first=is_first):
                _tell(session, changed)
            reached, is_first = True, False
        except CommandError as error:
            if error.exit is not Exit.UNREACHABLE or is_first:
                raise
            if reached:
                click.echo(f"{error}; looking again every {interval} s", err=True)
            reached = False
        session.around.pause(interval)


def _changes(session: Session, where: Json, known: dict[str, object], *, is_first: bool) -> Iterator[Json]:
    """What is new since the last look; of what has ended before the first one, nothing."""
    for record in reversed(session.api.items("promotions", limit=_PAGE, **where)["items"]):
        if known.get(record["id"]) != record["phase"]:
            known[record["id"]] = record["phase"]
            if not (is_first and record["completedAt"]):
                yield record
    for candidate in session.api.items("candidates", **where)["items"]:
        name = "~".join(candidate[key] for key in ("environment", "repository", "rule", "tag"))
        state = (candidate["digest"], [each["text"] for each in candidate["decision"]["conditions"]])
        if known.get(name) != state:
            known[name] = state
            yield candidate


def _tell(session: Session, changed: Json) -> None:
    if session.as_json:
        print_json(changed)
        return
    at = Text(f"{session.now.astimezone():%H:%M:%S}  ", "dim")
    told = view.moved(changed) if "phase" in changed else view.waits(changed, session.now)
    put(session.out, at.append_text(told))
