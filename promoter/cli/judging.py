"""Commands that say something of an image: report, approve, reject, withdraw."""

import click
from rich.text import Text

from promoter.cli import options, view
from promoter.cli.arguments import NamedArgument
from promoter.cli.ends import CommandError, Exit, Json
from promoter.cli.options import Image, connected
from promoter.cli.session import Session

_SAID = {"approve": "approved", "reject": "rejected", "withdraw": "withdrawn"}


@click.command
@options.image
@click.argument("gate", metavar="GATE")
@click.argument("verdict", cls=NamedArgument, type=click.Choice(["passed", "failed"]))
@options.environment("--in")
@click.option("--issuer", metavar="NAME", help="Who ran the gate.")
@click.option("--evidence", metavar="TEXT", help="What was found, in at most 2 KiB.")
@click.option("--link", metavar="URL", help="Where the whole of it can be read.")
@click.option(
    "--at", metavar="TIME", help="When the gate decided, as 2026-11-24T18:00:00Z; now, if not given."
)
@connected
def report(
    session: Session,
    image: Image,
    gate: str,
    verdict: str,
    environment: str,
    issuer: str | None,
    evidence: str | None,
    link: str | None,
    at: str | None,
) -> None:
    """Report a quality gate's verdict on an image in an environment."""
    told = {"issuer": issuer, "evidence": evidence, "url": link, "at": at}
    body = {**image.named, "environment": environment, "gate": gate, "verdict": verdict} | {
        name: value for name, value in told.items() if value is not None
    }
    _, document = session.api.write("POST", "gates", body=body)
    session.answer(document, lambda: view.reported(document))


@click.command
@options.image
@options.environment("--to", required=False)
@options.rule
@options.comment
@options.yes
@connected
def approve(
    session: Session, image: Image, environment: str | None, rule: str | None, comment: str | None
) -> None:
    """Approve that an image which waits goes to an environment.

    What is approved is the digest that waits there now, under its rule: a tag that moves takes nothing along.
    """
    _judge(session, "approve", image, environment, rule, comment)


@click.command
@options.image
@options.environment("--to", required=False)
@options.rule
@options.comment
@connected
def reject(
    session: Session, image: Image, environment: str | None, rule: str | None, comment: str | None
) -> None:
    """Reject that an image which waits goes to an environment, until you withdraw that."""
    _judge(session, "reject", image, environment, rule, comment)


@click.command
@options.image
@options.environment("--to", required=False)
@options.rule
@options.comment
@connected
def withdraw(
    session: Session, image: Image, environment: str | None, rule: str | None, comment: str | None
) -> None:
    """Withdraw your approval or rejection."""
    _judge(session, "withdraw", image, environment, rule, comment)


def _judge(
    session: Session,
    decision: str,
    image: Image,
    environment: str | None,
    rule: str | None,
    comment: str | None,
) -> None:
    digest, rule, candidate = _subject(session, image, environment, rule)
    what = f"{image} ({view.short(digest)}) under rule {rule}"
    if decision == "approve":
        shown = [] if candidate is None else [view.decision(candidate["decision"], session.now, what)]
        session.confirm(f"Approve {what}", *shown)
    body = {"repository": image.repository, "digest": digest, "rule": rule, "decision": decision}
    _, document = session.api.write(
        "POST", "approvals", body=body | ({"comment": comment} if comment else {})
    )
    session.answer(document, lambda: Text(f"{_SAID[decision]}: {what}"))


def _subject(
    session: Session, image: Image, environment: str | None, rule: str | None
) -> tuple[str, str, Json | None]:
    """The digest and the rule that are meant: as given, or of what waits; and the candidate that says so."""
    if image.digest and rule:
        return image.digest, rule, None
    if environment is None:
        message = "name the environment with --to; or the digest, with --rule"
        raise click.UsageError(message)
    page = session.api.items("candidates", environment=environment, repository=image.repository)
    named = [each for each in page["items"] if image.names(each)]
    found = [each for each in named if rule in {None, each["rule"]}]
    if len(found) == 1:
        return found[0]["digest"], found[0]["rule"], found[0]
    if not found:
        message = (
            f"{image} does not wait for {environment}: `promoter candidates` lists what does; "
            "of what does not, name the digest and the --rule"
        )
        raise CommandError(message, Exit.UNKNOWN)
    rules = ", ".join(each["rule"] for each in found)
    message = f"{image} waits under several rules ({rules}): name one with --rule"
    raise click.UsageError(message)
