"""Commands that move an environment: promote, rollback, retry, abort, adopt."""

from http import HTTPStatus

import click
from rich.console import Group, RenderableType
from rich.text import Text

from promoter.cli import options, view
from promoter.cli.ends import CommandError, Exit, Json
from promoter.cli.options import Image, WaitingCommand, connected
from promoter.cli.session import Session
from promoter.cli.waiting import Patience, end_of, outcome_of, until_ended, until_taken


@click.command(cls=WaitingCommand)
@options.image
@options.environment("--to")
@options.source
@options.reason
@click.option(
    "--override",
    "overrides",
    multiple=True,
    metavar="CONDITION",
    help="For Admins, with --reason: do not ask for this condition, as in soak. Can be repeated.",
)
@options.wait
@options.yes
@connected
def promote(
    session: Session,
    image: Image,
    environment: str,
    source: str | None,
    reason: str | None,
    overrides: tuple[str, ...],
    wait: int | None,
) -> Exit:
    """Promote an image by hand.

    Ends when the promotion is under way; with --wait, when it has ended. Where gates, approvals or time are
    missing, it exits with 3; with --wait it asks again until nothing is.
    """
    query: Json = {**image.named, "to": environment, **_given({"from": source})}
    body = query | _given({"reason": reason})
    if overrides:
        body["override"] = {"conditions": list(overrides), "reason": session.reason(reason)}
    if not session.yes:
        question = f"Promote {image} to {environment}"
        session.must_be_able_to_ask(f"{question}?")
        session.confirm(question, _line(session, environment, image.repository), _conditions(session, query))
    patience = Patience(wait)
    status, document = until_taken(
        session, lambda: session.api.write("POST", "promotions", body=body), patience
    )
    return _told(session, document, patience, already=status == HTTPStatus.OK)


@click.command(cls=WaitingCommand)
@click.argument("target", metavar="RECORD|REPOSITORY", shell_complete=options.complete("targets"))
@options.environment("--in", required=False)
@options.track
@options.reason
@click.option("--dry-run", is_flag=True, help="Only say what would happen.")
@options.wait
@options.yes
@connected
def rollback(
    session: Session,
    target: str,
    environment: str | None,
    track: str | None,
    reason: str | None,
    wait: int | None,
    *,
    dry_run: bool,
) -> Exit:
    """Roll an environment back to an earlier record.

    Name the record, as it stands in the history; or repository and environment, as in `rollback shop/web
    --in prod`, to go back to what ran well before. What runs now is vetoed, and automation is kept off until
    `unhold`.
    """
    body = _meant(target, environment, track) | _given({"reason": reason})
    if dry_run:
        plan = _planned(session, body)
        session.answer(plan, lambda: Text(view.clean(plan["text"])))
        return outcome_of(plan["decision"])
    if not session.yes:
        session.must_be_able_to_ask(f"Roll back {target}?")
        body = _agreed(session, body)
    _, document = session.api.write("POST", "rollbacks", body=body)
    return _told(session, document, Patience(wait))


@click.command(cls=WaitingCommand)
@options.record
@options.wait
@options.yes
@connected
def retry(session: Session, record: str, wait: int | None) -> Exit:
    """Try a failed promotion again."""
    session.confirm(f"Try {record} again")
    status, document = session.api.write("POST", "promotions", record, "retry")
    return _told(session, document, Patience(wait), already=status == HTTPStatus.OK)


@click.command
@options.record
@options.reason
@connected
def abort(session: Session, record: str, reason: str | None) -> None:
    """Stop a promotion that has not started."""
    _, document = session.api.write("POST", "promotions", record, "abort", body=_given({"reason": reason}))
    session.answer(document, lambda: view.moved(document))


@click.command(cls=WaitingCommand)
@options.image
@options.environment("--in")
@options.reason
@options.wait
@options.yes
@connected
def adopt(session: Session, image: Image, environment: str, reason: str | None, wait: int | None) -> Exit:
    """Record what an environment runs today, so that the first rollback has somewhere to go."""
    if not image.tag:
        message = f"{image}: adopt an image by the tag that it runs under, as in shop/web:v1"
        raise click.UsageError(message)
    session.confirm(f"Record that {environment} runs {image}")
    body = {"environment": environment, **image.named, **_given({"reason": reason})}
    status, document = session.api.write("POST", "adoptions", body=body)
    return _told(session, document, Patience(wait), already=status == HTTPStatus.OK)


def _told(session: Session, document: Json, patience: Patience, *, already: bool = False) -> Exit:
    """Tell how a promotion stands, or what its candidate waits for; with patience, how it has ended."""
    if "phase" not in document:
        session.answer(document, lambda: view.waits(document, session.now))
        return outcome_of(document["decision"])
    if patience.given:
        document = until_ended(session, document, patience)
    session.answer(document, lambda: view.moved(document, already=already))
    return end_of(document) if patience.given else Exit.DONE


def _meant(target: str, environment: str | None, track: str | None) -> Json:
    if "~" not in target:
        if environment is not None:
            return {"repository": target, "environment": environment, **_given({"track": track})}
        message = f"name the environment, as in `rollback {target} --in prod`; or a record of the history"
    elif environment or track:
        message = f"{target} is a record, which says itself where it is: leave out --in and --track"
    else:
        return {"record": target}
    raise click.UsageError(message)


def _planned(session: Session, body: Json) -> Json:
    """What a rollback would do, as the server says without doing it."""
    return session.api.write("POST", "rollbacks", body=body | {"dryRun": True})[1]


def _agreed(session: Session, body: Json) -> Json:
    """The rollback that a person says yes to: to the very record that the dry run has found."""
    plan = _planned(session, body)
    record = plan["record"]
    if outcome_of(plan["decision"]) is not Exit.DONE:
        raise CommandError(plan["text"], Exit.FAILED, answer=plan)
    question = f"Roll {record['environment']} back to {record['repository']}:{record['tag']}"
    session.confirm(view.clean(question), Text(view.clean(plan["text"])))
    return {"record": record["id"], "reason": body.get("reason") or session.reason(None)}


def _conditions(session: Session, query: Json) -> RenderableType:
    """How the conditions stand that bind a promotion by hand."""
    decision = session.api.get("decisions", query=query)
    binding = (each for each in decision["conditions"] if each["kind"] != "automatic")
    return Group(*view.conditions(binding, session.now))


def _line(session: Session, environment: str, repository: str) -> RenderableType:
    """What the environment has of the repository now."""
    found = session.api.items("environments", environment=environment, repository=repository)["items"]
    none = Text(f"{environment} runs no {repository} yet, as far as Promoter knows.")
    return view.lines(found, session.now) if found else none


def _given(values: Json) -> Json:
    return {name: value for name, value in values.items() if value is not None}
