"""Commands that stop a line for automation, and start it again: hold, unhold."""

import click
from rich.text import Text

from promoter.cli import options, view
from promoter.cli.options import connected
from promoter.cli.session import Session


@click.command
@options.repository()
@options.environment("--in")
@options.track
@options.reason
@options.yes
@connected
def hold(session: Session, repository: str, environment: str, track: str | None, reason: str | None) -> None:
    """Keep automation off a repository in an environment; what is promoted by hand still goes there."""
    body = {"reason": session.reason(reason)}
    session.confirm(f"Keep automation off {repository} in {environment}")
    path = ("holds", environment, view.path(repository))
    _, document = session.api.write("PUT", *path, body=body, query={"track": track})
    session.answer(document, lambda: view.lines([document], session.now))


@click.command
@options.repository()
@options.environment("--in")
@options.track
@options.yes
@connected
def unhold(session: Session, repository: str, environment: str, track: str | None) -> None:
    """Let automation on to a repository in an environment again; what waits for that goes on at once."""
    session.confirm(f"Let automation on to {repository} in {environment} again")
    _, document = session.api.write(
        "DELETE", "holds", environment, view.path(repository), query={"track": track}
    )
    session.answer(document, lambda: Text(f"Automation may move {repository} in {environment} again."))
