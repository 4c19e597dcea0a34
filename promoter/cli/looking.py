"""Commands that look: status, candidates, history, show, explain."""

import click

from promoter.cli import options, view
from promoter.cli.ends import CommandError, Exit, Json
from promoter.cli.options import Image, WaitingCommand, connected
from promoter.cli.session import Session
from promoter.cli.waiting import Patience, end_of, outcome_of, until_decided, until_ended


@click.command
@options.repository(required=False)
@options.environment("--in", required=False)
@connected
def status(session: Session, repository: str | None, environment: str | None) -> None:
    """What runs where, with holds, vetoes and drift."""
    page = session.api.items("environments", repository=repository, environment=environment)
    if (repository or environment) and not page["items"]:
        where = " ".join(filter(None, (repository, environment and f"in {environment}")))
        message = f"Promoter knows nothing of {where}; `promoter status` alone shows all"
        raise CommandError(message, Exit.UNKNOWN)
    session.answer(page, lambda: view.lines(page["items"], session.now))


@click.command
@options.repository(required=False)
@options.environment("--to", required=False)
@connected
def candidates(session: Session, repository: str | None, environment: str | None) -> None:
    """What waits, and for what: also the approver's inbox."""
    page = session.api.items("candidates", repository=repository, environment=environment)
    session.answer(page, lambda: view.candidates(page["items"], session.now))


@click.command
@options.repository(required=False)
@options.environment("--in", required=False)
@click.option("--active", is_flag=True, help="Only what is under way.")
@click.option(
    "--limit", type=click.IntRange(1), default=20, show_default=True, metavar="N", help="At most so many."
)
@click.option("--cursor", metavar="CURSOR", help="Go on where an earlier answer ended.")
@connected
def history(
    session: Session,
    repository: str | None,
    environment: str | None,
    *,
    active: bool,
    limit: int,
    cursor: str | None,
) -> None:
    """What was promoted, when and by whom: the newest first, after what is under way."""
    page = session.api.items(
        "promotions",
        repository=repository,
        environment=environment,
        active=active or None,
        limit=limit,
        cursor=cursor,
    )
    session.answer(page, lambda: view.records(page["items"], session.now, page["cursor"]))


@click.command(cls=WaitingCommand)
@options.record
@options.wait
@connected
def show(session: Session, record: str, wait: int | None) -> Exit | None:
    """One promotion record, with what it was decided on.

    With --wait the exit code says how the promotion ended.
    """
    document = session.api.get("promotions", record)
    if wait is not None:
        document = until_ended(session, document, Patience(wait))
    session.answer(document, lambda: view.record(document, session.now))
    return None if wait is None else end_of(document)


@click.command(cls=WaitingCommand)
@options.image
@options.environment("--to")
@options.source
@options.wait
@connected
def explain(
    session: Session, image: Image, environment: str, source: str | None, wait: int | None
) -> Exit | None:
    """Why an image is promoted, or is not: every condition, and the earliest time.

    Exits with 0 where it qualifies, 3 where it waits, and 1 where it is refused. With --wait, ends when it no
    longer waits.
    """
    query: Json = {**image.named, "to": environment, "from": source}
    document = until_decided(session, query, Patience(wait))
    title = f"{image} to {environment}"
    session.answer(document, lambda: view.decision(document, session.now, title))
    return outcome_of(document)
